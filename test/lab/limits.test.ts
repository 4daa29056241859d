import { describe, expect, it } from 'vitest';
import { ENCODED_CHARACTERS_MAX } from '../../src/lab/from-hl7/attachment.ts';
import { REPORTS_MAX, readMailContents } from '../../src/lab/read-mail.ts';
import { loadLaboratoryRegistry } from '../../src/lab/registry.ts';
import { openFile } from '../../src/mail/mail.ts';
import { MSH, OBR, OBX, PID, payloadOf, readingOf } from './from-hl7/reading.ts';

const registry = loadLaboratoryRegistry();

async function readFile(text: string, fileName: string) {
  return readMailContents(await openFile(Buffer.from(text, 'latin1'), fileName), registry);
}

describe('what is at its limit is read, and one above it quarantined whole:', () => {
  it('characters of a document inside HL7', () => {
    const prefix = '^application^pdf^Base64^';
    const withDocument = (characters: number) =>
      readingOf(MSH, PID, OBR, OBX, `OBX|2|ED|PDF||${prefix.padEnd(characters, 'QUJD')}||||||F`);
    const read = withDocument(ENCODED_CHARACTERS_MAX);
    expect(read).toMatchObject({ outcome: 'reports', warnings: [] });
    expect(read.reports[0]?.attachments[0]?.bytes).toBe(((ENCODED_CHARACTERS_MAX - prefix.length) * 3) / 4);
    expect(withDocument(ENCODED_CHARACTERS_MAX + 1)).toMatchObject({
      outcome: 'quarantined',
      code: 'hl7.too-large',
      position: { segment: 5, tag: 'OBX', field: 5 },
      reports: [],
    });
  });

  it('no such limit holds for a text', () => {
    const text = `OBX|2|TX|OPM||${'a'.repeat(ENCODED_CHARACTERS_MAX + 1)}||||||F`;
    expect(readingOf(MSH, PID, OBR, OBX, text)).toMatchObject({ outcome: 'reports' });
  });

  it('reports of a mail, when one message has several', async () => {
    const group = [PID, OBR, OBX].join('\r');
    const of = (count: number) => readFile([MSH, ...Array.from({ length: count }, () => group)].join('\r'), 'x.hl7');
    expect((await of(REPORTS_MAX))[0]?.reports).toHaveLength(REPORTS_MAX);
    expect(await of(REPORTS_MAX + 1)).toMatchObject([{ source: 'mail', code: 'mail.too-large', reports: [] }]);
  });

  it('readings of a mail, also of what is no message', async () => {
    const of = (count: number) => readFile("BEP+1'tekst'".repeat(count), 'x.edi');
    expect(await of(REPORTS_MAX)).toHaveLength(REPORTS_MAX);
    expect(await of(REPORTS_MAX + 1)).toMatchObject([{ source: 'mail', code: 'mail.too-large' }]);
  });

  it('readings of a mail, over its payloads', () => {
    const payload = payloadOf(Buffer.from(`${[MSH, PID, OBR, OBX].join('\r')}\r`.repeat(REPORTS_MAX / 2)));
    const other = payloadOf(Buffer.from([MSH, PID, OBR, OBX].join('\r')));
    const of = (...payloads: readonly (typeof payload)[]) =>
      readMailContents({ payloads, recipientAccounts: [], quarantine: null }, registry);
    expect(of(payload, payload)).toHaveLength(REPORTS_MAX);
    expect(of(payload, payload, other)).toMatchObject([{ code: 'mail.too-large' }]);
  });
});

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readPayload } from '../../src/lab/lab.ts';
import { loadLaboratoryRegistry } from '../../src/lab/registry.ts';
import type { Payload } from '../../src/mail/mail.ts';

const registry = loadLaboratoryRegistry();
const pdf = Buffer.from('%PDF-1.7 invented');
const sha256 = createHash('sha256').update(pdf).digest('hex');
const attachment = { contentType: 'application/pdf', bytes: pdf, sha256 };

function payload(kind: Payload['kind'], bytes: Buffer | string, more: Partial<Payload> = {}): Payload {
  const source = 'part 2 text/plain';
  return { source, kind, bytes: Buffer.from(bytes), charset: null, mailSender: null, attachments: [], ...more };
}

function fixture(name: string): Buffer {
  return readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));
}

describe('a payload', () => {
  it('keeps its place in the mail, and numbers its messages from the second on', () => {
    const readings = readPayload(payload('edifact', fixture('edifact/two-messages.edi')), registry);
    expect(readings.map(({ source }) => source)).toEqual(['part 2 text/plain', 'part 2 text/plain message 2']);
  });

  it('that only resembles one is quarantined', () => {
    expect(readPayload(payload('resembles', 'Uitslag: UNB+'), registry)).toMatchObject([
      { format: 'unknown', outcome: 'quarantined', code: 'mail.resembles-laboratory', reports: [] },
    ]);
  });

  it.each([
    ['an element', Buffer.from('<?xml version="1.0"?><MEDLAB><BEP/></MEDLAB>')],
    ['a namespace', Buffer.from('<m:Bericht xmlns:m="http://zorgmail.example/medvri"/>')],
    ['an element in UTF-16', Buffer.from('\ufeff<Medspe/>', 'utf16le')],
  ])('of XML that is ZorgMail’s by %s is quarantined', (_name, bytes) => {
    expect(readPayload(payload('xml', bytes), registry)).toMatchObject([
      { format: 'zorgmail-xml', outcome: 'quarantined', code: 'edifact.zorgmail-xml' },
    ]);
  });

  it.each([
    '<html><body><a href="https://zorgmail.example">ZorgMail</a></body></html>',
    '<!DOCTYPE html><p>MEDLAB',
    '<?xml version="1.0"?><factuur>ZorgMail MEDLAB</factuur>',
  ])('of another XML or HTML is no laboratory message: %s', (text) => {
    expect(readPayload(payload('xml', text), registry)).toMatchObject([
      { format: 'unknown', outcome: 'not-lab', code: null },
    ]);
  });
});

describe('a document beside a payload', () => {
  it('joins the only report of it', () => {
    const bytes = fixture('edifact/plain.edi');
    const [reading] = readPayload(payload('edifact', bytes, { attachments: [attachment] }), registry);
    expect(reading?.reports[0]?.attachments).toEqual([{ contentType: 'application/pdf', bytes: 17, sha256 }]);
  });

  it('joins none of several reports, and every one of them says so', () => {
    const bytes = fixture('edifact/two-messages.edi');
    const readings = readPayload(payload('edifact', bytes, { attachments: [attachment] }), registry);
    for (const { warnings, reports } of readings) {
      expect(warnings).toEqual([{ code: 'lab.attachment-of-several', position: null }]);
      expect(reports).toMatchObject([
        { attachments: [], notCarried: [{ code: 'lab.attachment-of-several', count: 1 }] },
      ]);
    }
    expect(readings).toHaveLength(2);
  });

  it('is not named for a letter', () => {
    const bytes = fixture('edifact/medvri-letter.edi');
    const readings = readPayload(payload('edifact', bytes, { attachments: [attachment] }), registry);
    expect(readings).toMatchObject([{ outcome: 'not-lab', warnings: [], reports: [] }]);
  });
});

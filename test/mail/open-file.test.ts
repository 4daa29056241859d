import { describe, expect, it } from 'vitest';
import { openFile } from '../../src/mail/open-file.ts';
import { EDIFACT, ENVELOPE, HL7, mail } from './mails.ts';

async function opened(bytes: Buffer, fileName: string): Promise<string[]> {
  const contents = await openFile(bytes, fileName);
  return contents.payloads.map(({ kind, source }) => `${kind}: ${source}`);
}

describe('a file', () => {
  it('is known by its content, whatever its name', async () => {
    expect(await opened(Buffer.from(EDIFACT), 'a.eml')).toEqual(['edifact: file']);
    expect(await opened(Buffer.from(HL7), '-')).toEqual(['hl7: file']);
    expect(await opened(Buffer.from('<?xml version="1.0"?><MEDLAB/>'), 'a.txt')).toEqual(['xml: file']);
    expect(await opened(mail(`${ENVELOPE}\n${EDIFACT}`), '-')).toEqual(['edifact: part 1 text/plain']);
    expect(await opened(mail(`From x@y Mon Jan  1\n${ENVELOPE}\n${EDIFACT}`), '-')).toEqual([
      'edifact: part 1 text/plain',
    ]);
  });

  it('that is broken is still what its name says, so that its reader tells what is wrong', async () => {
    expect(await opened(Buffer.from('kapot'), 'a.edi')).toEqual(['edifact: file']);
    expect(await opened(Buffer.from('Kapot: ja\nook: ja\n\n'), 'a.HL7')).toEqual(['hl7: file']);
  });

  it('of text resembles a payload, or holds none', async () => {
    expect(await opened(Buffer.from(`Zie hieronder\n${EDIFACT}`), 'a.txt')).toEqual(['resembles: file']);
    expect(await opened(Buffer.from('Beste collega'), 'a.txt')).toEqual([]);
  });

  it('over the limit is not read', async () => {
    expect(await openFile(Buffer.alloc(5 * 1024 * 1024 + 1, EDIFACT), 'a.edi')).toMatchObject({
      payloads: [],
      quarantine: 'mail.too-large',
    });
  });
});

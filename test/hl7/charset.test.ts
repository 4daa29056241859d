import { expect, test } from 'vitest';
import { fieldOf, readHl7 } from '../../src/hl7/hl7.ts';

function read(charset: string, text: Buffer, mimeCharset: string | null = null) {
  const header = Buffer.from(`MSH|^~\\&|LAB|X|||||ORU^R01|1|P|2.5||||||${charset}\rPID|1||||`, 'latin1');
  const [entry] = readHl7(Buffer.concat([header, text]), mimeCharset).messages;
  if (entry?.kind !== 'message') return { code: entry?.code };
  const pid = entry.segments[1];
  return {
    text: pid === undefined ? undefined : fieldOf(pid, 5),
    used: entry.charset.used,
    warnings: entry.warnings.map(({ code }) => code),
  };
}

const latin = Buffer.from('Noë', 'latin1');
const utf8 = Buffer.from('Noë €', 'utf8');

test.each([
  ['8859/1', latin, 'Noë', 'windows-1252', []],
  ['8859/15', Buffer.from([0x4e, 0xa4, 0xeb]), 'N€ë', 'iso-8859-15', []],
  ['ISO-8859-1', latin, 'Noë', 'windows-1252', []],
  ['UNICODE UTF-8', utf8, 'Noë €', 'utf-8', []],
  ['UTF-8', utf8, 'Noë €', 'utf-8', []],
  ['', utf8, 'Noë €', 'utf-8', ['hl7.charset-assumed']],
  ['', latin, 'Noë', 'windows-1252', ['hl7.charset-assumed']],
  ['ASCII', latin, 'Noë', 'windows-1252', ['hl7.charset-assumed']],
  ['8859/1~UNICODE UTF-8', latin, 'Noë', 'windows-1252', []],
])('MSH-18 %s with these bytes is decoded, and what was used is recorded', (charset, bytes, text, used, warnings) => {
  expect(read(charset, bytes)).toEqual({ text, used, warnings });
});

test('plain ASCII needs no charset, also under a name that nobody knows', () => {
  expect(read('x', Buffer.from('Jansen'))).toEqual({
    text: 'Jansen',
    used: 'us-ascii',
    warnings: ['hl7.charset-unknown'],
  });
  expect(read('', Buffer.from('Jansen'))).toEqual({ text: 'Jansen', used: 'us-ascii', warnings: [] });
});

test('an unknown charset with other bytes than ASCII is refused, unless the bytes prove to be UTF-8', () => {
  expect(read('8859', latin)).toEqual({ code: 'hl7.charset' });
  expect(read('8859', utf8)).toMatchObject({ text: 'Noë €', warnings: ['hl7.charset-unknown'] });
});

test('bytes that are no UTF-8 under the name of UTF-8 are refused', () => {
  expect(read('UNICODE UTF-8', latin)).toEqual({ code: 'hl7.charset' });
});

test('UTF-8 bytes under the name of 8859/1 are decoded as the sender says, with a warning', () => {
  expect(read('8859/1', Buffer.from('Noë'))).toMatchObject({ text: 'NoÃ«', warnings: ['hl7.charset-doubtful'] });
});

test('the charset of the mail part never decides, but a contradiction is reported', () => {
  expect(read('8859/1', latin, 'utf-8')).toMatchObject({
    text: 'Noë',
    warnings: ['hl7.charset-differs-from-mime'],
  });
  expect(read('8859/1', latin, 'iso-8859-1')).toMatchObject({ text: 'Noë', warnings: [] });
});

test('each message of a file is decoded by its own MSH-18', () => {
  const one = Buffer.from('MSH|^~\\&|A||||||ORU|1|P|2.5||||||8859/1\rPID|1||||Noë\r', 'latin1');
  const two = Buffer.from('MSH|^~\\&|A||||||ORU|2|P|2.5||||||UNICODE UTF-8\rPID|1||||Noë\r', 'utf8');
  const names = readHl7(Buffer.concat([one, two])).messages.map((entry) =>
    entry.kind === 'message' && entry.segments[1] ? fieldOf(entry.segments[1], 5) : null,
  );
  expect(names).toEqual(['Noë', 'Noë']);
});

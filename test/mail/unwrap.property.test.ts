import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openFile } from '../../src/mail/open-file.ts';
import { unwrapMail } from '../../src/mail/unwrap.ts';
import { base64, EDIFACT, ENVELOPE, HL7, mail, multipart, quotedPrintable } from './mails.ts';

it('no bytes make the reader throw', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async (bytes) => {
      await unwrapMail(Buffer.from(bytes));
      await openFile(Buffer.from(bytes), 'x');
    }),
    { numRuns: 200 },
  );
});

it('no pieces of MIME in any order make the reader throw, or make it miss an interchange that stands among them', async () => {
  const piece = fc.constantFrom(
    'Content-Type: multipart/mixed; boundary=x',
    'Content-Type: message/rfc822',
    'Content-Type: text/html',
    'Content-Transfer-Encoding: base64',
    'Content-Transfer-Encoding: quoted-printable',
    'Content-Type: text/plain; charset="',
    '--x',
    '--x--',
    '',
    EDIFACT,
    HL7,
    'QUJD',
    '=',
    '\0',
    '(((((',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 40 }), async (pieces) => {
      const contents = await unwrapMail(mail(pieces.map((text) => `${text}\n`).join('')));
      const isThere = pieces.includes(EDIFACT) || pieces.includes(HL7);
      if (isThere) expect(contents.payloads.length > 0 || contents.quarantine !== null).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

it('an interchange comes out byte for byte, whatever stands in it, in any part and encoding', async () => {
  const body = fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)) });
  const shape = fc.record({ body, before: fc.nat(3), encoding: fc.constantFrom('8bit', 'base64', 'quoted-printable') });
  await fc.assert(
    fc.asyncProperty(shape, async ({ body, before, encoding }) => {
      const sent = `${EDIFACT}${body}'`;
      const encode = { '8bit': (text: string) => text, base64, 'quoted-printable': quotedPrintable }[encoding];
      const part = `Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: ${encoding}\n\n${encode?.(sent)}`;
      const parts = [...Array.from({ length: before }, () => '\nhoi'), part];
      const contents = await unwrapMail(mail(ENVELOPE + multipart(parts)));
      expect(contents.payloads.map((payload) => payload.source)).toEqual([`part ${before + 1} text/plain`]);
      expect(contents.payloads[0]?.bytes.toString('latin1')).toBe(sent);
    }),
    { numRuns: 200 },
  );
});

it('an interchange anywhere in a mail is never called nothing', async () => {
  const raw = ENVELOPE + multipart(['\nhoi', multipart(['\nbinnen', '\nook'], 'alternative', 'binnen')]);
  const lines = raw.split('\n');
  // Inside the outer headers a line is a header: position 0 would make it the first one.
  for (let at = 1; at <= lines.length; at += 1) {
    const changed = [...lines.slice(0, at), EDIFACT, ...lines.slice(at)].join('\n');
    const contents = await unwrapMail(mail(changed));
    expect(contents.payloads.length > 0 || contents.quarantine !== null, `at line ${at}`).toBe(true);
  }
});

import { describe, expect, it } from 'vitest';
import { HEADER_BYTES_MAX, LINE_END_RUN_MAX } from '../../src/mail/parts.ts';
import { MAIL_DECODED_BYTES_MAX, MAIL_DEPTH_MAX, unwrapMail } from '../../src/mail/unwrap.ts';
import { EDIFACT, ENVELOPE, mail, multipart } from './mails.ts';

const KEPT = { payloads: [], quarantine: 'mail.too-large' };
const FOUND = { quarantine: null, payloads: [{ kind: 'edifact' }] };

describe('a mail at its limits is opened, and one above them kept whole:', () => {
  it('bytes of a header', async () => {
    const head = (bytes: number) => `${ENVELOPE}X-Spoor: `.replace(/\n/g, '\r\n').padEnd(bytes - 4, 'x');
    const withHead = (bytes: number) => unwrapMail(Buffer.from(`${head(bytes)}\r\n\r\n${EDIFACT}`, 'latin1'));
    expect(await withHead(HEADER_BYTES_MAX)).toMatchObject(FOUND);
    expect(await withHead(HEADER_BYTES_MAX + 1)).toMatchObject(KEPT);
  });

  it('bytes of the header of a part', async () => {
    const head = (bytes: number) => 'X-Spoor: '.padEnd(bytes - 4, 'x');
    const withHead = (bytes: number) => unwrapMail(mail(ENVELOPE + multipart([`${head(bytes)}\n\n${EDIFACT}`])));
    expect(await withHead(HEADER_BYTES_MAX)).toMatchObject(FOUND);
    expect(await withHead(HEADER_BYTES_MAX + 1)).toMatchObject(KEPT);
  });

  it('line ends without a blank line between them, in a header and in a body', async () => {
    const inHeader = (count: number) =>
      unwrapMail(Buffer.from(`Subject: x${'\r'.repeat(count)}y\r\n\r\n${EDIFACT}`, 'latin1'));
    const inBody = (count: number) => unwrapMail(Buffer.from(`Subject: x\r\n\r\n${EDIFACT}${'\r'.repeat(count)}y`));
    for (const withRun of [inHeader, inBody]) {
      expect(await withRun(LINE_END_RUN_MAX)).toMatchObject(FOUND);
      expect(await withRun(LINE_END_RUN_MAX + 1)).toMatchObject({ payloads: [], quarantine: 'mail.malformed' });
    }
    expect(await unwrapMail(Buffer.from(`Subject: ${'\r\r\n'.repeat(50)}y\r\n\r\nhoi`))).toMatchObject({
      quarantine: 'mail.malformed',
    });
  });

  it('but any number of blank lines is fine', async () => {
    for (const lineEnd of ['\r\n', '\n']) {
      const raw = Buffer.from(`Subject: x\r\n\r\n\r\r${lineEnd.repeat(5000)}${EDIFACT}`, 'latin1');
      expect(await unwrapMail(raw)).toMatchObject({ quarantine: null });
    }
  });

  it('multiparts and nested mails inside each other, whichever they are; a leaf is no level', async () => {
    const nest = (levels: number, isMixed: boolean): string => {
      if (levels === 0) return `\n${EDIFACT}`;
      if (isMixed && levels % 2 === 0) return `Content-Type: message/rfc822\n\n${nest(levels - 1, isMixed)}`;
      return multipart([nest(levels - 1, isMixed)], 'mixed', `b${levels}`);
    };
    for (const isMixed of [false, true]) {
      expect(await unwrapMail(mail(ENVELOPE + nest(MAIL_DEPTH_MAX, isMixed)))).toMatchObject(FOUND);
      const over = await unwrapMail(mail(ENVELOPE + nest(MAIL_DEPTH_MAX + 1, isMixed)));
      expect(over).toMatchObject({ payloads: [], quarantine: 'mail.malformed' });
    }
  });

  it('bytes of all its parts together, those of nested mails at each level', async () => {
    const head = 'Content-Type: message/rfc822\r\n\r\n';
    const levels = 4;
    const inner = `Content-Type: text/plain\r\n\r\n${EDIFACT}\r\n`;
    const overhead = Array.from({ length: levels }, (_, level) => level * head.length + inner.length).reduce(
      (a, b) => a + b,
      0,
    );
    // The innermost leaf has no header of its own in it.
    const body = 'Content-Type: text/plain\r\n\r\n'.length;
    const filling = (total: number) => Math.floor((total - overhead + body) / (levels + 1));
    const nested = (bytes: number) =>
      unwrapMail(Buffer.from(head.repeat(levels) + inner + ' '.repeat(bytes), 'latin1'));
    const fits = filling(MAIL_DECODED_BYTES_MAX);
    expect(await nested(fits - 100)).toMatchObject(FOUND);
    expect(await nested(fits + 100)).toMatchObject(KEPT);
  });
});

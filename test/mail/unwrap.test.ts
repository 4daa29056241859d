import { describe, expect, it } from 'vitest';
import type { MailContents } from '../../src/mail/mail.ts';
import { MAIL_BYTES_MAX, MAIL_DEPTH_MAX, MAIL_PARTS_MAX, unwrapMail } from '../../src/mail/unwrap.ts';
import { base64, EDIFACT, ENVELOPE, HL7, mail, multipart, quotedPrintable } from './mails.ts';

function sources(contents: MailContents): string[] {
  return contents.payloads.map((payload) => `${payload.kind}: ${payload.source}`);
}

function onlyBytes(contents: MailContents): string {
  expect(contents.payloads).toHaveLength(1);
  return contents.payloads[0]?.bytes.toString('latin1') ?? '';
}

describe('where a payload may stand', () => {
  it('reads the body of a mail without MIME headers as part 1', async () => {
    expect(sources(await unwrapMail(mail(`${ENVELOPE}\n${EDIFACT}`)))).toEqual(['edifact: part 1 text/plain']);
  });

  it('finds an attachment whatever its type and name say', async () => {
    const parts = [
      'Content-Type: text/html\n\n<p>Zie de bijlage.</p>',
      `Content-Type: application/octet-stream; name="bericht.dat"\nContent-Transfer-Encoding: base64\n\n${base64(EDIFACT)}`,
    ];
    const contents = await unwrapMail(mail(ENVELOPE + multipart(parts)));
    expect(sources(contents)).toEqual(['edifact: part 2 application/octet-stream']);
    expect(onlyBytes(contents)).toBe(EDIFACT);
  });

  it('numbers the parts as IMAP does, nested mails included', async () => {
    const inner = `Subject: door\n${multipart(['\nzie bijlage', `Content-Type: application/EDIFACT\n\n${EDIFACT}`], 'mixed', 'binnen')}`;
    const parts = [
      multipart(['\neen', `Content-Type: text/plain\n\n${HL7}`], 'alternative', 'keuze'),
      `Content-Type: message/rfc822\n\n${inner}`,
      `Content-Type: message/rfc822\n\nSubject: kaal\n\n${EDIFACT}`,
    ];
    expect(sources(await unwrapMail(mail(ENVELOPE + multipart(parts))))).toEqual([
      'hl7: part 1.2 text/plain',
      'edifact: part 2.2 application/edifact',
      'edifact: part 3.1 text/plain',
    ]);
  });

  it('walks a nested mail that is base64 or only named .eml', async () => {
    const inner = `Subject: door\n\n${EDIFACT}`;
    const parts = [
      `Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n${base64(inner)}`,
      `Content-Type: application/octet-stream; name="door.eml"\n\n${inner}`,
    ];
    expect(sources(await unwrapMail(mail(ENVELOPE + multipart(parts))))).toEqual([
      'edifact: part 1.1 text/plain',
      'edifact: part 2.1 text/plain',
    ]);
  });

  it('names an interchange that stands before the first or after the last part', async () => {
    const text = multipart(['\nhoi']);
    for (const raw of [`${ENVELOPE}${text}${EDIFACT}\n`, ENVELOPE + text.replace('\n\n', `\n\n${EDIFACT}\n`)]) {
      expect(sources(await unwrapMail(mail(raw)))).toEqual(['resembles: mail outside its parts']);
    }
  });

  it('keeps a mail whose part has no blank line before its content, since the splitter passes over it', async () => {
    const contents = await unwrapMail(mail(ENVELOPE + multipart([base64(EDIFACT), '\nhoi'])));
    expect(contents).toMatchObject({ quarantine: 'mail.malformed', payloads: [] });
  });

  it('keeps a multipart without a boundary, or with delimiters that the splitter does not see', async () => {
    const unbounded = `${ENVELOPE}Content-Type: multipart/mixed\n\n--x\n\n${base64(EDIFACT)}\n--x--\n`;
    const padded = ENVELOPE + multipart([`\n${EDIFACT}`]).replace('--grens\n', '--grens \n');
    for (const raw of [unbounded, padded]) {
      expect((await unwrapMail(mail(raw))).quarantine).toBe('mail.malformed');
    }
  });
});

describe('bytes', () => {
  const encodings = [
    ['8bit', EDIFACT],
    ['quoted-printable', quotedPrintable(EDIFACT)],
    ['base64', base64(EDIFACT)],
    ['QUOTED-PRINTABLE (comment)', quotedPrintable(EDIFACT)],
  ] as const;

  it.each(
    encodings,
  )('are exactly what was sent, under %s and a charset that is right or wrong', async (encoding, body) => {
    for (const charset of ['iso-8859-1', 'UTF-8', 'utf-16']) {
      const headers = `Content-Type: text/plain; charset=${charset}\nContent-Transfer-Encoding: ${encoding}\n\n`;
      const contents = await unwrapMail(mail(ENVELOPE + headers + body));
      expect(onlyBytes(contents)).toBe(EDIFACT);
      expect(contents.payloads[0]).toMatchObject({ kind: 'edifact', charset: charset.toLowerCase() });
    }
  });

  it('keep their own line ends, also a lone CR and none at the end', async () => {
    const raw = Buffer.concat([mail(`${ENVELOPE}Content-Type: x-application/hl7-v2\n\n`), Buffer.from(HL7)]);
    expect(onlyBytes(await unwrapMail(raw))).toBe(HL7);
  });

  it('are found behind a byte order mark, a start block, blanks, and in UTF-16', async () => {
    const head = mail(`${ENVELOPE}Content-Type: text/plain\n\n`);
    const forms: Buffer[] = [
      Buffer.from(`\ufeff${EDIFACT}`, 'utf8'),
      Buffer.from(`\v${HL7}\u001c\r`, 'latin1'),
      Buffer.from(`\r\n  \t${EDIFACT}`, 'latin1'),
      Buffer.from(`\ufeff${EDIFACT}`, 'utf16le'),
      Buffer.from(HL7, 'utf16le').swap16(),
    ];
    for (const form of forms) {
      const contents = await unwrapMail(Buffer.concat([head, form]));
      expect(contents.payloads[0]?.bytes.equals(form)).toBe(true);
      expect(contents.payloads[0]?.kind).toMatch(/^(edifact|hl7)$/);
    }
  });

  it('are in doubt when the base64 is cut off or patched: a value may have lost a digit', async () => {
    const headers = 'Content-Type: application/EDIFACT\nContent-Transfer-Encoding: base64\n\n';
    for (const body of [base64(EDIFACT).slice(0, -3), `${base64(EDIFACT)}\n-- footer --`]) {
      expect(sources(await unwrapMail(mail(ENVELOPE + headers + body)))).toEqual([
        'resembles: part 1 application/edifact',
      ]);
    }
  });

  it('are in doubt when the nested mail around them is damaged', async () => {
    const inner = base64(`Subject: door\n\n${HL7}`).slice(0, -6);
    const headers = 'Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n';
    expect(sources(await unwrapMail(mail(`${ENVELOPE}${headers}${inner}?`)))).toEqual([
      'resembles: part 1.1 text/plain',
    ]);
  });

  it('are in doubt when the declared encoding is not theirs, or unknown', async () => {
    const bodies = [
      ['7bit', base64(EDIFACT)],
      ['base64', EDIFACT],
      ['x-uuencode', 'begin 644 a.edi\n#0V%T\n`\nend'],
      ['x-own', 'Beste collega'],
    ] as const;
    for (const [encoding, body] of bodies) {
      const headers = `Content-Type: text/plain\nContent-Transfer-Encoding: ${encoding}\n\n`;
      expect(sources(await unwrapMail(mail(ENVELOPE + headers + body)))).toEqual(['resembles: part 1 text/plain']);
    }
  });
});

describe('what only resembles a payload', () => {
  it.each([
    `Geachte collega,\n\n${EDIFACT}`,
    `> ${EDIFACT}`,
    EDIFACT.toLowerCase(),
    `Uw bericht ${HL7}`,
    "BEP++GLUC++5.1'",
    'PID|1||999990019',
    'Bericht: <zm:MEDLAB version="1">',
  ])('is named and never called a letter: %s', async (body) => {
    expect(sources(await unwrapMail(mail(`${ENVELOPE}\n${body}`)))).toEqual(['resembles: part 1 text/plain']);
  });

  it('includes an Outlook container with a payload in it, and archives, since we do not open them', async () => {
    const parts = [
      `Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n${base64(`\x78\x9f\x3e\x22\0\0${EDIFACT}`)}`,
      `Content-Type: application/zip\nContent-Transfer-Encoding: base64\n\n${base64('PK\x03\x04\x14\0uitslag.edi')}`,
    ];
    expect(sources(await unwrapMail(mail(ENVELOPE + multipart(parts))))).toEqual([
      'resembles: part 1 application/ms-tnef',
      'resembles: part 2 application/zip',
    ]);
  });

  it('leaves letters, newsletters, signatures and office documents alone', async () => {
    const parts = [
      '\nDe UNB-commissie vergadert; MSH was verlaagd, PID volgt. Unaniem akkoord.',
      'Content-Type: text/html\n\n<?xml version="1.0"?><html><body>Nieuwsbrief</body></html>',
      'Content-Type: image/svg+xml\n\n<?xml version="1.0"?><svg xmlns="x"/>',
      'Content-Type: text/plain\n\n<https://www.example> is vernieuwd',
      `Content-Type: application/octet-stream; name=brief.docx\nContent-Transfer-Encoding: base64\n\n${base64(`PK\x03\x04${'\0'.repeat(26)}[Content_Types].xml`)}`,
    ];
    const contents = await unwrapMail(mail(ENVELOPE + multipart(parts)));
    expect(contents).toMatchObject({ payloads: [], quarantine: null });
  });

  it('does not count the HTML form of a payload in the same alternative', async () => {
    const parts = [`Content-Type: text/plain\n\n${EDIFACT}`, `Content-Type: text/html\n\n<pre>${EDIFACT}</pre>`];
    expect(sources(await unwrapMail(mail(ENVELOPE + multipart(parts, 'alternative'))))).toEqual([
      'edifact: part 1 text/plain',
    ]);
    expect(sources(await unwrapMail(mail(ENVELOPE + multipart(parts, 'mixed'))))).toEqual([
      'edifact: part 1 text/plain',
      'resembles: part 2 text/html',
    ]);
  });
});

describe('documents beside a payload', () => {
  const pdf = `Content-Type: application/octet-stream; name=uitslag\nContent-Transfer-Encoding: base64\n\n${base64('%PDF-1.4 kaart')}`;
  const payload = `Content-Type: application/EDIFACT\n\n${EDIFACT}`;

  it('are offered to it, recognised by content and named by digest', async () => {
    const contents = await unwrapMail(mail(ENVELOPE + multipart([pdf, payload])));
    expect(contents.payloads[0]?.attachments).toMatchObject([
      { contentType: 'application/pdf', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ]);
    expect(contents.payloads[0]?.attachments[0]?.bytes.toString()).toBe('%PDF-1.4 kaart');
  });

  it('are not offered when they were damaged on the way', async () => {
    const contents = await unwrapMail(mail(ENVELOPE + multipart([payload, `${pdf.slice(0, -3)}?`])));
    expect(sources(contents)).toEqual([
      'edifact: part 1 application/edifact',
      'resembles: part 2 application/octet-stream',
    ]);
    expect(contents.payloads[0]?.attachments).toEqual([]);
  });

  it('are offered to none of two payloads, and a person is asked', async () => {
    const contents = await unwrapMail(mail(ENVELOPE + multipart([pdf, payload, payload])));
    expect(contents.quarantine).toBe('mail.attachment-unclear');
    expect(contents.payloads.map(({ attachments }) => attachments.length)).toEqual([0, 0]);
  });
});

describe('mails that are kept as a whole', () => {
  it.each([
    'Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nMIAGCSqGSIb3',
    multipart(
      ['Content-Type: application/pgp-encrypted\n\nVersion: 1', '\n-----BEGIN PGP MESSAGE-----\n\nhQ'],
      'encrypted',
    ),
    '\n-----BEGIN PGP MESSAGE-----\n\nhQEMA',
    'Content-Type: application/octet-stream; name="smime.p7m"\n\nMIAGCSqGSIb3',
  ])('are encrypted ones: %s', async (rest) => {
    expect(await unwrapMail(mail(ENVELOPE + rest))).toMatchObject({ quarantine: 'mail.encrypted', payloads: [] });
  });

  it('do not keep a readable payload from being read beside an encrypted part', async () => {
    const parts = ['Content-Type: application/pkcs7-mime\n\nMIAG', `Content-Type: application/EDIFACT\n\n${EDIFACT}`];
    const contents = await unwrapMail(mail(ENVELOPE + multipart(parts)));
    expect(contents.quarantine).toBe('mail.encrypted');
    expect(sources(contents)).toEqual(['edifact: part 2 application/edifact']);
  });

  it('are those without their closing delimiter where the last value may be cut; EDIFACT proves its own end', async () => {
    const cutOff = async (...parts: string[]) =>
      unwrapMail(mail(ENVELOPE + multipart(parts).replace('--grens--\n', '')));
    const pdf = 'Content-Type: application/pdf\n\n%PDF-1.4';
    expect(await cutOff(`\n${HL7}`)).toMatchObject({ quarantine: 'mail.malformed', payloads: [] });
    expect(await cutOff(`\n${EDIFACT}`, pdf)).toMatchObject({ quarantine: 'mail.malformed', payloads: [] });
    expect(await cutOff('\nhoi')).toMatchObject({ quarantine: null, payloads: [] });
    expect(await cutOff(`\n${EDIFACT}`)).toMatchObject({ quarantine: null, payloads: [{ kind: 'edifact' }] });
  });

  it('are those over the limit of bytes, and not those just under it', async () => {
    const head = mail(`${ENVELOPE}\n${EDIFACT}`);
    const filled = (bytes: number) => Buffer.concat([head, Buffer.alloc(bytes - head.length, '\r\n')]);
    expect((await unwrapMail(filled(MAIL_BYTES_MAX + 1))).quarantine).toBe('mail.too-large');
    expect(sources(await unwrapMail(filled(MAIL_BYTES_MAX)))).toEqual(['edifact: part 1 text/plain']);
  });

  it('are those over the limit of parts, also when they are spread over nested mails', async () => {
    const many = (count: number) => multipart(Array.from({ length: count }, () => '\nx'));
    expect((await unwrapMail(mail(ENVELOPE + many(MAIL_PARTS_MAX)))).quarantine).toBe('mail.too-large');
    expect((await unwrapMail(mail(ENVELOPE + many(MAIL_PARTS_MAX - 1)))).quarantine).toBeNull();
    expect((await unwrapMail(mail(ENVELOPE + many(3000)))).quarantine).toBe('mail.too-large');
    const nested = (boundary: string) =>
      `Content-Type: message/rfc822\n\n${multipart(
        Array.from({ length: 60 }, () => '\nx'),
        'mixed',
        boundary,
      )}`;
    expect((await unwrapMail(mail(ENVELOPE + multipart([nested('a'), nested('b')])))).quarantine).toBe(
      'mail.too-large',
    );
  });

  it('are those nested deeper than the limit', async () => {
    const nest = (levels: number): string =>
      levels === 0 ? `\n${EDIFACT}` : `Content-Type: message/rfc822\n\n${nest(levels - 1)}`;
    expect((await unwrapMail(mail(ENVELOPE + nest(MAIL_DEPTH_MAX + 1)))).quarantine).toBe('mail.malformed');
    expect(sources(await unwrapMail(mail(ENVELOPE + nest(MAIL_DEPTH_MAX))))).toHaveLength(1);
  });

  it('are those of no bytes at all', async () => {
    expect((await unwrapMail(Buffer.alloc(0))).quarantine).toBe('mail.malformed');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAIL_BYTES_MAX } from '../../src/mail/unwrap.ts';
import { readReceipt, readSighting } from '../../src/receipt/receipt.ts';

const MESSAGE_ID = '<a.1@zorgkoerier.example>';

function notification(...fields: readonly string[]): Buffer {
  const lines = [
    'From: MAILER-DAEMON@relay.example',
    'Content-Type: multipart/report; report-type=delivery-status; boundary=b',
    '',
    '--b',
    'Content-Type: message/delivery-status',
    '',
    ...fields,
    '--b--',
    '',
  ];
  return Buffer.from(lines.join('\r\n'), 'latin1');
}

const MEDLAB = "UNB+UNOA:1+500099001+500077001+261116:0915+R1'\r\nUNH+1+MEDLAB:1'\r\nUNT+2+1'\r\nUNZ+1+R1'\r\n";

describe('what is no receipt', () => {
  const letter = (header: string, body = 'Wij bellen de patiënt vandaag.', type = 'text/plain; charset=utf-8') =>
    Buffer.from(`From: a@b.example\r\nSubject: Re\r\n${header}Content-Type: ${type}\r\n\r\n${body}\r\n`);
  const LETTER = { kind: 'unclear', code: 'receipt.letter' };

  it.each([
    '',
    'Auto-Submitted: no\r\n',
    'Auto-Submitted: No (a person)\r\n',
    'Precedence: first-class\r\n',
    'X-Autoreply: no\r\n',
    'X-Auto-Response-Suppress: All\r\n',
    'Return-Path: <>\r\n',
  ])('was written by somebody, for a person to read (%j)', async (header) => {
    expect(await readReceipt(letter(header))).toEqual({ ...LETTER, references: [] });
  });

  it.each([
    'Auto-Submitted: auto-replied\r\n',
    'auto-submitted: Auto-Generated; owner-email="a@b.example"\r\n',
    'Auto-Submitted: (vakantie) auto-notified\r\n',
    'Precedence: bulk\r\n',
    'Precedence: auto_reply\r\n',
    'X-Autoreply: yes\r\n',
    'X-Autorespond: Afwezig\r\n',
  ])('was written by a machine, and may go (%j)', async (header) => {
    expect(await readReceipt(letter(header))).toEqual({ kind: 'none' });
  });

  it('is for a person, whoever wrote it, where there is more in it than words', async () => {
    const machine = 'Auto-Submitted: auto-generated\r\n';
    const message = { kind: 'unclear', code: 'receipt.message', references: [] };
    expect(await readReceipt(letter(machine, MEDLAB))).toEqual(message);
    expect(await readReceipt(letter(machine, `MSH|^~\\&|LAB\rPID|1`))).toEqual(message);
    expect(await readReceipt(letter(machine, 'JVBERi0xLjcK', 'application/pdf'))).toMatchObject(LETTER);
  });

  it('names the mail that it answers', async () => {
    for (const header of [`In-Reply-To: ${MESSAGE_ID}\r\n`, `References: <first@b.example>\r\n ${MESSAGE_ID}\r\n`])
      expect(await readReceipt(letter(header))).toEqual({
        ...LETTER,
        references: [{ by: 'message-id', reference: MESSAGE_ID }],
      });
  });

  it('does not go with an acknowledgement that came in the same mail', async () => {
    const contrl =
      "UNB+UNOA:1+500088001+500077001+261116:0920+C1'\r\nUNH+1+CONTRL:2'\r\nUCI+ZK1+500077001+500088001+7'\r\nUNT+3+1'\r\nUNZ+1+C1'\r\n";
    const both = `--b\r\n\r\n${contrl}--b\r\n\r\n${MEDLAB}--b--`;
    expect(await readReceipt(letter('', contrl))).toMatchObject({ kind: 'receipts' });
    expect(await readReceipt(letter('', both, 'multipart/mixed; boundary=b'))).toMatchObject({
      kind: 'unclear',
      code: 'receipt.unknown',
    });
  });
});

describe('a receipt', () => {
  it('over the limit of a mail, or without a body, is for a person', async () => {
    expect(await readReceipt(Buffer.alloc(MAIL_BYTES_MAX + 1, 'x'))).toMatchObject({
      kind: 'unclear',
      code: 'mail.too-large',
    });
    expect(await readReceipt(Buffer.alloc(0))).toMatchObject({ kind: 'unclear', code: 'mail.malformed' });
  });

  it.each([
    ['500077001', '500088001', ['500077001', '500088001']],
    ['500077001:ZZ', '500088001:ZZ', ['500077001', '500088001']],
    ['PRAKTIJK', '01234567x', []],
    ['', '', []],
  ])('CONTRL says whose interchange it was, where it says so by account (%s, %s)', async (from, to, accounts) => {
    const contrl = `UNB+UNOA:1+500088001+500077001+261116:0920+C1'\r\nUNH+1+CONTRL:2'\r\nUCI+ZK1+${from}+${to}+4+13'\r\nUNT+3+1'\r\nUNZ+1+C1'\r\n`;
    const stated = accounts.length === 0 ? {} : { accounts };
    expect(await readReceipt(Buffer.from(`From: a@b.example\r\n\r\n${contrl}`))).toEqual({
      kind: 'receipts',
      receipts: [{ kind: 'rejected', by: 'control-reference', reference: 'ZK1', status: '4/13', ...stated }],
    });
  });

  it('that names two mails says what it says of both: who knows what was sent decides', async () => {
    const reading = await readReceipt(
      Buffer.concat([
        notification('Original-Envelope-Id: one', '', 'Action: failed').subarray(0, -7),
        Buffer.from(`\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: ${MESSAGE_ID}\r\n\r\n--b--\r\n`),
      ]),
    );
    expect(reading).toEqual({
      kind: 'receipts',
      receipts: [
        { kind: 'failed', by: 'envelope-id', reference: 'one', status: null },
        { kind: 'failed', by: 'message-id', reference: MESSAGE_ID, status: null },
      ],
    });
  });

  it.each([
    'a b',
    'x'.repeat(101),
    '',
    '<>',
    'a>b',
  ])('with an envelope id that cannot be one (%j) names nothing', async (id) => {
    const reading = await readReceipt(notification(`Original-Envelope-Id: ${id}`, '', 'Action: failed'));
    expect(reading).toEqual({ kind: 'unclear', code: 'receipt.unnamed', references: [] });
  });

  it('whose notification was damaged on the way is for a person', async () => {
    const body = Buffer.from('Original-Envelope-Id: one\r\n\r\nAction: delivered\r\n').toString('base64');
    const mail = (text: string) =>
      notification()
        .toString()
        .replace('delivery-status\r\n\r\n', `delivery-status\r\nContent-Transfer-Encoding: base64\r\n\r\n${text}\r\n`);
    expect(await readReceipt(Buffer.from(mail(body)))).toMatchObject({ kind: 'receipts' });
    expect(await readReceipt(Buffer.from(mail(body.slice(0, -3))))).toMatchObject({
      kind: 'unclear',
      code: 'receipt.unknown',
    });
  });

  it('is answered whatever the bytes are, with references of the allowed forms only', async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'Action: failed',
        'Original-Envelope-Id: x',
        `Original-Message-ID: ${MESSAGE_ID}`,
        'Disposition: a; displayed',
      ),
      fc.constantFrom(
        '--b',
        '--b--',
        '',
        'Content-Type: message/disposition-notification',
        'Content-Type: text/rfc822-headers',
      ),
      fc.constantFrom("UNH+1+CONTRL:2'", "UCI+ZK1+a+b+7'", "UNT+3+1'", 'From: postmaster@x', 'Message-ID: <a@b>'),
      fc.string({ unit: 'binary', maxLength: 60 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 25 }), async (lines) => {
        const reading = await readReceipt(notification(...lines));
        const named =
          reading.kind === 'receipts' ? reading.receipts : reading.kind === 'unclear' ? reading.references : [];
        for (const { reference } of named) expect(reference).toMatch(/^[\x21-\x7e]{1,252}$/);
      }),
      { numRuns: 300 },
    );
  });
});

describe('our own mail, seen in a mailbox', () => {
  it('is named by its own header, and not by what it quotes or encloses', async () => {
    const mail = `Message-ID:\r\n ${MESSAGE_ID}\r\nX-Zorgkoerier-Id: a.1\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <b@c>\r\n\r\nx\r\n`;
    expect(await readSighting(Buffer.from(mail))).toEqual([
      { kind: 'delivered', by: 'envelope-id', reference: 'a.1', status: null },
      { kind: 'delivered', by: 'message-id', reference: MESSAGE_ID, status: null },
    ]);
  });

  it('of another sender has a Message-ID too, or none', async () => {
    expect(await readSighting(Buffer.from('Message-ID: <lab.1@x>\r\n\r\nx'))).toEqual([
      { kind: 'delivered', by: 'message-id', reference: '<lab.1@x>', status: null },
    ]);
    expect(await readSighting(Buffer.from('Subject: x\r\n\r\nx'))).toEqual([]);
  });
});

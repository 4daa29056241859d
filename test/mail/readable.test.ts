import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { showMail } from '../../src/commands/show-mail.ts';
import { readableMail } from '../../src/mail/mail.ts';

const lines = (...all: readonly string[]) => Buffer.from(all.join('\r\n'), 'utf8');

describe('a mail for a person to read', () => {
  it('has its headers decoded, whatever way they were written in', async () => {
    const { headers } = await readableMail(
      lines(
        'Subject: =?iso-8859-1?Q?Pati=EBnt?= =?utf-8?B?IGdlYmVsZA==?=',
        'From: "Zoë" <a@b.example>',
        'X-Other: not shown',
        'To: =?no-such-charset?Q?x?=, <c@d.example>',
        '',
        'x',
      ),
    );
    expect(headers).toEqual([
      { name: 'From', value: '"Zoë" <a@b.example>' },
      { name: 'To', value: 'x, <c@d.example>' },
      { name: 'Subject', value: 'Patiënt gebeld' },
    ]);
  });

  it('has all its parts: texts in their charset, pages without their tags, mails inside it, and what is no text by name', async () => {
    const mail = lines(
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      'Content-Type: text/plain; charset=iso-8859-1',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      'Pati=EBnt',
      '--b',
      'Content-Type: text/html; charset=utf-8',
      '',
      '<style>p { color: red }</style><p>Eén &amp; twee</p><p>drie<br>vier &lt;5&#233;</p>',
      '--b',
      'Content-Type: message/rfc822',
      '',
      'Subject: binnenin',
      '',
      'diep',
      '--b',
      'Content-Type: application/pdf',
      'Content-Transfer-Encoding: base64',
      '',
      'AAEC',
      '--b--',
      '',
    );
    const { parts } = await readableMail(mail);
    expect(parts.map(({ path, contentType, text }) => [path, contentType, text?.trim() ?? null])).toEqual([
      ['1', 'text/plain', 'Patiënt'],
      ['2', 'text/html', 'Eén & twee\ndrie\nvier <5é'],
      ['3', 'message/rfc822', 'Subject: binnenin'],
      ['3.1', 'text/plain', 'diep'],
      ['4', 'application/pdf', null],
    ]);
  });

  it('never loses a line to a terminal: what could steer one is a blank', async () => {
    const shown = showMail(
      await readableMail(lines('Subject: a\u001b]0;x\u0007', '', "UNB+A'\rUNH+1'\u001b[2J")),
      'nl',
    );
    expect(shown).not.toMatch(/\p{Cc}/u.exec(shown.replaceAll('\n', ''))?.[0] ?? /(?!)/);
    expect(shown.split('\n').slice(-2)).toEqual(["UNB+A'", "UNH+1' [2J"]);
  });

  it('is an answer whatever the bytes are', async () => {
    const piece = fc.constantFrom(
      'Content-Type: multipart/mixed; boundary=b\r\n',
      '\r\n',
      '--b\r\n',
      '--b--',
      '=?u?B?x?=',
      '<p>',
      'é',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(piece, fc.string()), { maxLength: 30 }), async (pieces) => {
        const { parts } = await readableMail(Buffer.from(pieces.join('')));
        expect(showMail({ headers: [], parts }, 'en')).toBeTypeOf('string');
      }),
      { numRuns: 300 },
    );
  });
});

import { describe, expect, it } from 'vitest';
import { readMailContents } from '../../src/lab/read-mail.ts';
import { unwrapMail } from '../../src/mail/unwrap.ts';
import type { Failure } from '../../src/shared/failure.ts';
import { ENVELOPE, mail, multipart } from '../mail/mails.ts';

const registry = { laboratories: [] };

describe('the readings of a mail', () => {
  it('are one unknown, not-lab reading where nothing is a payload', async () => {
    const contents = await unwrapMail(mail(`${ENVELOPE}\nBeste collega`));
    expect(readMailContents(contents, registry)).toEqual([
      { source: 'mail', format: 'unknown', outcome: 'not-lab', code: null, position: null, warnings: [], reports: [] },
    ]);
  });

  it('end with the reason to keep the mail, after what could be read', async () => {
    const parts = ['Content-Type: application/pkcs7-mime\n\nMIAG', '\nPID|1||x'];
    const contents = await unwrapMail(mail(ENVELOPE + multipart(parts)));
    expect(readMailContents(contents, registry).map(({ source, code }) => [source, code])).toEqual([
      ['part 2 text/plain', 'mail.resembles-laboratory'],
      ['mail', 'mail.encrypted'],
    ]);
  });

  it('of one payload that our reader fails on are quarantined, reported, and do not stop its siblings', async () => {
    const contents = await unwrapMail(mail(ENVELOPE + multipart(['\nPID|1||x', '\nOBX|1||x'])));
    const [first, ...rest] = contents.payloads;
    const broken = new Proxy(first ?? expect.fail('no payload'), {
      get: (target, name) => {
        if (name === 'kind') throw new TypeError('content that must not be shown');
        return Reflect.get(target, name);
      },
    });
    const failures: Failure[] = [];
    const readings = readMailContents({ ...contents, payloads: [broken, ...rest] }, registry, (failure) =>
      failures.push(failure),
    );
    expect(readings.map(({ source, code }) => [source, code])).toEqual([
      ['part 1 text/plain', 'mail.reader-failed'],
      ['part 2 text/plain', 'mail.resembles-laboratory'],
    ]);
    expect(failures.map(({ message, kind }) => [message, kind])).toEqual([
      ['lab.reader-failed (error=TypeError)', 'defect'],
    ]);
  });
});

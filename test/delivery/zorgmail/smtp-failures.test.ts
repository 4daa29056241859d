/** Endings that the sandbox's relay cannot be made to give. The others: test/contract/zorgmail.test.ts. */

import { describe, expect, it } from 'vitest';
import { replyCodes, type SmtpPhase, smtpFailure } from '../../../src/delivery/zorgmail/smtp-failures.ts';

function thrown(fields: Readonly<Record<string, string>>): Error {
  return Object.assign(new Error('quotes BSN 999990019'), fields);
}

describe('what an error means, once the mail’s bytes may have gone', () => {
  it.each([
    ['a reply out of turn', { code: 'EPROTOCOL', command: 'CONN', response: '250 OK' }],
    ['a refusal that is no answer to the mail', { code: 'ECONNECTION', command: 'CONN', response: '554 bye' }],
    ['an answer that is neither yes nor no', { code: 'EMESSAGE', command: 'DATA', response: '354 go on' }],
    ['a broken answer', { code: 'EMESSAGE', command: 'DATA', response: '5x0 no' }],
    ['a reset', { code: 'ESOCKET', originalCode: 'ECONNRESET', command: 'CONN' }],
    ['a certificate that is renegotiated', { code: 'ESOCKET', originalCode: 'CERT_HAS_EXPIRED' }],
    ['something that nobody foresaw', {}],
  ])('%s is ambiguous', (_what, fields) => {
    expect(smtpFailure(thrown(fields), 'data')).toMatchObject({
      code: 'zorgmail.no-reply',
      kind: 'ambiguous',
      scope: 'item',
    });
  });

  it.each([undefined, null, 'text', 7])('%j thrown is ambiguous too', (what) => {
    expect(smtpFailure(what, 'data')).toMatchObject({ code: 'zorgmail.no-reply', kind: 'ambiguous' });
  });
});

describe('before that', () => {
  it.each<readonly [string, SmtpPhase, string]>([
    ['a reset while connecting', 'session', 'zorgmail.unreachable'],
    ['a reset in the login', 'login', 'zorgmail.unreachable'],
    ['a reset in the envelope', 'envelope', 'zorgmail.no-answer'],
  ])('%s is transient', (_what, phase, code) => {
    const failure = smtpFailure(thrown({ code: 'ESOCKET', originalCode: 'ECONNRESET' }), phase);
    expect(failure).toMatchObject({ code, kind: 'transient', fields: { error: 'ECONNRESET', phase } });
  });

  it('a STARTTLS that is refused is not a refusal of anything else', () => {
    const refused = thrown({ code: 'ETLS', command: 'STARTTLS', response: '454 4.7.0 not now' });
    expect(smtpFailure(refused, 'session')).toMatchObject({
      code: 'zorgmail.no-tls',
      kind: 'transient',
      scope: 'peer',
    });
  });
});

describe('an error', () => {
  it('tells codes, and never what was thrown or said', () => {
    for (const phase of ['session', 'login', 'envelope', 'data'] as const) {
      const said = thrown({ code: 'EMESSAGE', command: 'DATA 999990019', response: '550 5.7.1 BSN 999990019' });
      const failure = smtpFailure(said, phase);
      expect(`${failure.message} ${JSON.stringify(failure.fields)} ${String(failure.cause)}`).not.toMatch(/BSN|quotes/);
      expect(failure.fields['command'] ?? '').not.toContain('999990019');
    }
  });
});

describe('the codes of a reply', () => {
  it.each([
    ['250 2.0.0 Ok: queued as 4XyZ12', { reply: 250, status: '2.0.0' }],
    ['250-2.1.5 Ok\n250 done', { reply: 250, status: '2.1.5' }],
    ['250 Ok', { reply: 250, status: null }],
    ['550 5.1.1', { reply: 550, status: '5.1.1' }],
    ['550 192.0.2.7 says no', { reply: 550, status: null }],
    ['550 5.1.1.1 says no', { reply: 550, status: null }],
    ['', { reply: 0, status: null }],
    ['999990019', { reply: 0, status: null }],
  ])('%j', (response, codes) => {
    expect(replyCodes(response)).toEqual(codes);
  });
});

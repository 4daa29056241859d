import { describe, expect, it } from 'vitest';
import { accountsIn, senderAddress } from '../../src/mail/addresses.ts';
import { unwrapMail } from '../../src/mail/unwrap.ts';
import { EDIFACT, mail } from './mails.ts';

describe('the sender', () => {
  it.each([
    ['Lab <Uitslagen@Lab.example>', 'uitslagen@lab.example'],
    ['uitslagen@lab.example', 'uitslagen@lab.example'],
    ['"other@evil.example" <uitslagen@lab.example>', 'uitslagen@lab.example'],
    ['uitslagen@lab.example (other@evil.example)', 'uitslagen@lab.example'],
  ])('of %s is the address, lower case, and never one inside a name', (from, address) => {
    expect(senderAddress([from])).toBe(address);
  });

  it('is not guessed from two addresses, two headers, none, or what is no address', () => {
    for (const from of [
      ['a@lab.example, b@lab.example'],
      ['a@lab.example', 'b@lab.example'],
      [],
      [''],
      ['Lab'],
      ['<>'],
    ]) {
      expect(senderAddress(from)).toBeNull();
    }
  });

  it('is of the outer mail, also for a payload in a forwarded one', async () => {
    const raw = `From: Buiten <BUITEN@x.example>\nContent-Type: message/rfc822\n\nFrom: binnen@y.example\n\n${EDIFACT}`;
    expect((await unwrapMail(mail(raw))).payloads[0]?.mailSender).toBe('buiten@x.example');
  });
});

describe('recipient accounts', () => {
  it('are numbers of 8 to 10 digits, each once and in order', () => {
    const values = ['500088001@lms.example', '<50008800@lms.example>', '500088001@lms.example', '5000880011@x.example'];
    expect(accountsIn(values)).toEqual(['500088001', '50008800', '5000880011']);
  });

  it('are not read from other addresses', () => {
    expect(accountsIn(['praktijk@lms.example', '1234567@x', '12345678901@x', 'a 500088001@lms.example', ''])).toEqual(
      [],
    );
  });

  it('come from Delivered-To first and then X-Original-To, and never from To', async () => {
    const raw =
      'X-Original-To: 500088002@lms.example\nDelivered-To: 500088001@lms.example\nTo: 500088003@lms.example\n\nhoi';
    expect((await unwrapMail(mail(raw))).recipientAccounts).toEqual(['500088001', '500088002']);
  });
});

/**
 * Bounces that are made for people. Read only where three things come together: a mail system wrote it, our mail is in it
 * by name, and its own words say plainly that it failed or that it is late. Two of the three are for a person.
 */

import type { MailParts } from '../mail/mail.ts';
import type { ReceiptReading, Reference } from './receipt.ts';
import { quotedReferences, receiptsOf, returnedReferences, unique } from './references.ts';

/** The mail system's own words are at the beginning; what follows is the mail it returns. */
const WORDS_MAX = 20_000;

const MAIL_SYSTEM = /(?:^|[<\s"])(?:mailer-daemon|mail-daemon|postmaster|maildelivery|mail\.delivery\.subsystem)@/i;

const FAILED: readonly RegExp[] = [
  /(?:^|[^0-9.])5\.[0-9]{1,2}\.[0-9]{1,3}(?![0-9.])/,
  /(?:^|[^0-9.])5[0-9]{2}[ -][^0-9]/,
  /permanent (?:fatal )?(?:error|failure)|giving it up|could ?n[o']t be delivered|cannot be delivered|undeliverable/i,
  /delivery (?:to the following recipients? )?(?:has )?failed|kon(?:den)? niet (?:worden )?(?:bezorgd|afgeleverd)|onbestelbaar/i,
];

const DELAYED: readonly RegExp[] = [
  /(?:has been|is|was) delayed|warning message only|not yet been delivered|has not been delivered yet|still undelivered/i,
  /will (?:be retried|continue|keep trying|try again)|delivery attempts will continue|vertraagd|nog niet (?:bezorgd|afgeleverd)/i,
];

/** A bounce without a notification in it; `none` where no mail system wrote it. */
export function readBounce(mail: MailParts): ReceiptReading {
  if (!isOfMailSystem(mail)) return { kind: 'none' };
  const texts = mail.parts
    .filter(({ contentType }) => contentType === 'text/plain')
    .map(({ bytes }) => quotedReferences(bytes));
  const references: readonly Reference[] = unique([
    ...returnedReferences(mail),
    ...texts.flatMap(({ references: quoted }) => quoted),
  ]);
  if (references.length === 0) return { kind: 'unclear', code: 'receipt.unnamed', references };
  const words = [...mail.header('subject'), ...texts.map((text) => text.words)].join('\n').slice(0, WORDS_MAX);
  const isFailed = FAILED.some((pattern) => pattern.test(words));
  const isDelayed = DELAYED.some((pattern) => pattern.test(words));
  if (isFailed === isDelayed) return { kind: 'unclear', code: 'receipt.unknown', references };
  return {
    kind: 'receipts',
    receipts: receiptsOf(isFailed ? 'failed' : 'delayed', statusIn(words, isFailed), references),
  };
}

// Absence assistants write with an empty Return-Path too (RFC 3834 §3.3), so that alone says nothing.
function isOfMailSystem({ header }: MailParts): boolean {
  return header('from').some((value) => MAIL_SYSTEM.test(value)) || header('x-failed-recipients').length > 0;
}

function statusIn(words: string, isFailed: boolean): string | null {
  const enhanced = isFailed
    ? /(?:^|[^0-9.])(5\.[0-9]{1,2}\.[0-9]{1,3})(?![0-9.])/
    : /(?:^|[^0-9.])(4\.[0-9]{1,2}\.[0-9]{1,3})(?![0-9.])/;
  const plain = isFailed ? /(?:^|[^0-9.])(5[0-9]{2})[ -][^0-9]/ : /(?:^|[^0-9.])(4[0-9]{2})[ -][^0-9]/;
  return enhanced.exec(words)?.[1] ?? plain.exec(words)?.[1] ?? null;
}

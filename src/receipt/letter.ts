/**
 * What is no receipt: somebody wrote back, a laboratory sent a message to the wrong mailbox, or a machine answered. Only the
 * last may go; a doctor's own words, or a result, come before a person.
 */

import type { MailContents, MailParts } from '../mail/mail.ts';
import type { ReceiptReading } from './receipt.ts';
import { messageId, returnedReferences, unique } from './references.ts';

/** Of a mail that says nothing of ours as a receipt would. `none`: a machine wrote it, and there is nothing in it but words. */
export function readLetter(mail: MailParts, { payloads, quarantine }: MailContents): ReceiptReading {
  const references = unique([
    ...mail.header('in-reply-to').flatMap(messageId),
    // The last of them is the mail that is answered.
    ...mail.header('references').flatMap((value) => messageId(value.slice(Math.max(0, value.lastIndexOf('<'))))),
    ...returnedReferences(mail),
  ]);
  // Machines of laboratories say that they are machines: what they send is looked at first.
  if (payloads.length > 0) return { kind: 'unclear', code: 'receipt.message', references };
  if (quarantine === 'mail.encrypted') return { kind: 'unclear', code: 'receipt.encrypted', references };
  const isWords = quarantine === null && mail.parts.every(({ contentType }) => WORDS.test(contentType));
  return isAutomatic(mail) && isWords ? { kind: 'none' } : { kind: 'unclear', code: 'receipt.letter', references };
}

// Texts, the logos in them, and the mail that is answered: a document may be a result.
const WORDS =
  /^(?:text\/(?:plain|html|enriched|rfc822-headers)|image\/[a-z0-9.+-]+|message\/(?:rfc822|rfc822-headers))$/;

const MACHINES: readonly (readonly [string, RegExp])[] = [
  // RFC 3834 §5: anything but `no`.
  ['auto-submitted', /^(?!no\b)[a-z]/i],
  ['precedence', /^(?:bulk|junk|list|auto[_-]?reply)\b/i],
  // Before there was a standard, and beside it.
  ['x-autoreply', /^(?!no\b)\S/i],
  ['x-autorespond', /^(?!no\b)\S/i],
  ['x-autoresponder', /^(?!no\b)\S/i],
];

function isAutomatic({ header }: MailParts): boolean {
  return MACHINES.some(([name, says]) => header(name).some((value) => says.test(withoutComments(value))));
}

function withoutComments(value: string): string {
  return value.replace(/\([^()]*\)/g, ' ').trim();
}

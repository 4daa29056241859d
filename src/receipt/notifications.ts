/** Notifications that are made for programs: about delivery (RFC 3464) and about what became of it there (RFC 8098). */

import type { MailPart, MailParts } from '../mail/mail.ts';
import { type Fields, fieldGroups } from './fields.ts';
import type { Receipt, ReceiptKind, Reference } from './receipt.ts';
import { envelopeId, messageId, receiptsOf, returnedReferences } from './references.ts';

/** What the notifications in a mail say. `isUnknown`: one of them said something that we do not know. */
export interface Statements {
  readonly receipts: readonly Receipt[];
  readonly references: readonly Reference[];
  readonly isUnknown: boolean;
}

/** Delivery and disposition notifications; null where the mail holds none. */
export function readNotifications(mail: MailParts): Statements | null {
  const read = mail.parts.flatMap((part) => {
    if (/^message\/(?:global-)?delivery-status$/.test(part.contentType)) return [deliveryStatements(part, mail)];
    return /^message\/(?:global-)?disposition-notification$/.test(part.contentType)
      ? [dispositionStatements(part, mail)]
      : [];
  });
  if (read.length === 0) return null;
  return {
    receipts: read.flatMap(({ receipts }) => receipts),
    references: read.flatMap(({ references }) => references),
    isUnknown: read.some(({ isUnknown }) => isUnknown),
  };
}

// RFC 3464 §2.3.3. `expanded` reached a list and says nothing of who is on it: as little as `relayed`.
const ACTIONS: Readonly<Record<string, ReceiptKind>> = {
  delivered: 'delivered',
  failed: 'failed',
  delayed: 'delayed',
  relayed: 'relayed',
  expanded: 'relayed',
};

function deliveryStatements(part: MailPart, mail: MailParts): Statements {
  const groups = fieldGroups(part.bytes);
  const perMail = groups[0] ?? new Map<string, string>();
  const references = named(mail, [
    ...envelopeId(perMail.get('original-envelope-id')),
    ...messageId(perMail.get('x-original-message-id')),
  ]);
  // Each recipient has a group of its own; some systems leave out the blank line before the first.
  const recipients = groups.filter((group) => group.has('action'));
  const receipts = recipients.flatMap((recipient) => {
    const kind = ACTIONS[firstWord(recipient.get('action'))];
    return kind === undefined ? [] : receiptsOf(kind, statusOf(recipient), references);
  });
  const isUnknown =
    recipients.length === 0 || recipients.some((one) => ACTIONS[firstWord(one.get('action'))] === undefined);
  return { receipts, references, isUnknown: isUnknown || part.isDamaged };
}

// RFC 8098 §3.2.6, and the older words of RFC 2298. Whoever says what was done with a mail has it; a system that deletes
// what it has taken in (formats/edifact.md §7: that is the habit) has taken it in.
const DISPOSITIONS: Readonly<Record<string, ReceiptKind>> = {
  displayed: 'displayed',
  processed: 'delivered',
  dispatched: 'delivered',
  deleted: 'delivered',
  denied: 'delivered',
  failed: 'failed',
};

function dispositionStatements(part: MailPart, mail: MailParts): Statements {
  const fields = fieldGroups(part.bytes)[0] ?? new Map<string, string>();
  const references = named(mail, messageId(fields.get('original-message-id')));
  // `manual-action/MDN-sent-manually; displayed/error`
  const [, type = '', modifier = ''] =
    /;\s*([a-z]{1,20})(?:\s*\/\s*([a-z,/ -]{1,60}))?/i.exec(fields.get('disposition') ?? '') ?? [];
  const word = type.toLowerCase();
  const kind = /\b(?:error|failure)\b/i.test(modifier) ? 'failed' : DISPOSITIONS[word];
  const isUnknown = kind === undefined || DISPOSITIONS[word] === undefined || part.isDamaged;
  const receipts =
    kind === undefined || isUnknown ? [] : receiptsOf(kind, kind === 'failed' ? `${word}/error` : word, references);
  return { receipts, references, isUnknown };
}

// The mail that the notification answers is a last resort: many systems give no other name.
function named(mail: MailParts, stated: readonly Reference[]): readonly Reference[] {
  const references = [...stated, ...returnedReferences(mail)];
  return references.length > 0 ? references : messageId(mail.header('in-reply-to')[0]);
}

function statusOf(recipient: Fields): string | null {
  return /^[245]\.[0-9]{1,3}\.[0-9]{1,3}(?![0-9.])/.exec(recipient.get('status') ?? '')?.[0] ?? null;
}

function firstWord(value: string | undefined): string {
  return /^[a-z]{1,20}/.exec((value ?? '').toLowerCase())?.[0] ?? '';
}

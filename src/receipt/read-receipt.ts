/** A mail of the return mailbox → what it says. May be repeated: the same bytes always say the same. */

import { openParts, unwrapMail } from '../mail/mail.ts';
import { readBounce } from './bounce.ts';
import { readLetter } from './letter.ts';
import { readNotifications, type Statements } from './notifications.ts';
import type { ReceiptReading } from './receipt.ts';
import { unique } from './references.ts';
import { readAcknowledgements } from './syntax-acknowledgement.ts';

/** Never throws for what the bytes hold. */
export async function readReceipt(raw: Buffer): Promise<ReceiptReading> {
  const mail = await openParts(raw);
  if (typeof mail === 'string') return { kind: 'unclear', code: mail, references: [] };
  const notified = readNotifications(mail);
  if (notified !== null) return readingOf(notified);
  const contents = await unwrapMail(raw);
  const acknowledged = readAcknowledgements(contents.payloads);
  if (acknowledged !== null) return readingOf(acknowledged);
  const bounce = readBounce(mail);
  return bounce.kind === 'none' ? readLetter(mail, contents) : bounce;
}

// One statement that is not understood makes the whole unclear: it may be the one that takes the others back.
function readingOf({ receipts, references, isUnknown }: Statements): ReceiptReading {
  const named = unique(references);
  if (named.length === 0) return { kind: 'unclear', code: 'receipt.unnamed', references: [] };
  if (isUnknown || receipts.length === 0) return { kind: 'unclear', code: 'receipt.unknown', references: named };
  return { kind: 'receipts', receipts };
}

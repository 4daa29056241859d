/** A mail as its own header and its leaf parts, for readers that know what a part means by its type: receipts. */

import type { MailParts } from './mail.ts';
import { splitMail } from './parts.ts';
import { MAIL_BYTES_MAX, MAIL_DECODED_BYTES_MAX, MAIL_DEPTH_MAX, MAIL_PARTS_MAX } from './unwrap.ts';

/**
 * The parts of one level: a nested mail is a part, and not looked into. Over a limit, or with content that may stand
 * outside the parts, the code that a mail is kept for. Never throws for what the bytes hold.
 */
export async function openParts(raw: Buffer): Promise<MailParts | 'mail.too-large' | 'mail.malformed'> {
  if (raw.length > MAIL_BYTES_MAX) return 'mail.too-large';
  if (raw.length === 0) return 'mail.malformed';
  const mail = await splitMail(raw, '', MAIL_PARTS_MAX + 1);
  if (typeof mail === 'string') return mail;
  const decodedBytes = mail.leaves.reduce((sum, part) => sum + part.bytes.length, 0);
  if (mail.partCount > MAIL_PARTS_MAX || decodedBytes > MAIL_DECODED_BYTES_MAX) return 'mail.too-large';
  if (mail.isBroken || mail.depth > MAIL_DEPTH_MAX) return 'mail.malformed';
  return { header: mail.header, parts: mail.leaves };
}

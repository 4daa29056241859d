/** A file from a developer's disk: a mail, or a bare payload that was saved from one. */

import type { MailContents, PayloadKind } from './mail.ts';
import { resemblesPayload, sniffStart } from './sniff.ts';
import { MAIL_BYTES_MAX, unwrapMail } from './unwrap.ts';

/** Unwraps by content; the file name only decides where the content does not (a broken .edi is still an .edi). */
export async function openFile(bytes: Buffer, fileName: string): Promise<MailContents> {
  if (bytes.length > MAIL_BYTES_MAX) return { payloads: [], recipientAccounts: [], quarantine: 'mail.too-large' };
  const kind = sniffStart(bytes) ?? kindByName(fileName);
  if (kind !== null) return bare(kind, bytes);
  if (isMail(bytes) || /\.eml$/i.test(fileName)) return unwrapMail(bytes);
  return resemblesPayload(bytes) ? bare('resembles', bytes) : { ...bare('resembles', bytes), payloads: [] };
}

function kindByName(fileName: string): PayloadKind | null {
  if (/\.edi$/i.test(fileName)) return 'edifact';
  return /\.hl7$/i.test(fileName) ? 'hl7' : null;
}

// RFC 5322 §2.2: a mail begins with header fields; a mailbox file puts a `From ` line before them.
function isMail(bytes: Buffer): boolean {
  const start = bytes.toString('latin1', 0, 2048).replace(/^From [^\n]*\n/, '');
  return /^[!-9;-~]+:[ \t]?[^\n]*\n(?:[!-9;-~]+:|[ \t]|\r?\n)/.test(start);
}

function bare(kind: PayloadKind, bytes: Buffer): MailContents {
  const payload = { source: 'file', kind, bytes, charset: null, mailSender: null, attachments: [] };
  return { payloads: [payload], recipientAccounts: [], quarantine: null };
}

/**
 * The door of mail/: raw RFC 5322 bytes go in, the payloads that may be laboratory messages come out.
 *
 * It promises: every leaf part and body is looked at by content, whatever its type or file name says; bytes come out
 * transfer-decoded but in their own charset; what resembles a payload and is none is named, never lost.
 * It never decides what a message means.
 */

/** What a payload starts like, by its first bytes. */
export type PayloadKind = 'edifact' | 'hl7' | 'xml' | 'resembles';

export interface Payload {
  /** Where it stood: `part 1.2 text/plain`, or `file` for a bare .edi or .hl7. */
  readonly source: string;
  readonly kind: PayloadKind;
  /** Transfer-decoded bytes, not charset-decoded. */
  readonly bytes: Buffer;
  /** The MIME charset as declared, lower case, or null. */
  readonly charset: string | null;
  /** The mail's From address, lower case, or null: a clue to the laboratory. */
  readonly mailSender: string | null;
  /** Attachments of the same mail that are documents (PDF), offered to the reports of this payload. */
  readonly attachments: readonly MailAttachment[];
}

export interface MailAttachment {
  readonly contentType: string;
  readonly bytes: Buffer;
  readonly sha256: string;
}

/** A mail, unwrapped. */
export interface MailContents {
  readonly payloads: readonly Payload[];
  /** Accounts from Delivered-To and X-Original-To (the local part), in that order. */
  readonly recipientAccounts: readonly string[];
  /**
   * A reason code when the mail as a whole must be kept for a person, else null. Too large, malformed: `payloads` is
   * empty. Encrypted, attachment unclear: the payloads that could be read are there too and do not wait for it.
   */
  readonly quarantine: 'mail.too-large' | 'mail.malformed' | 'mail.encrypted' | 'mail.attachment-unclear' | null;
}

/** One level of a mail, for readers that go by a part's type. */
export interface MailParts {
  /** Values by lower-case name, in the order of the mail; folded as they stood. */
  readonly header: (name: string) => readonly string[];
  readonly parts: readonly MailPart[];
}

export interface MailPart {
  /** Lower case, without parameters. */
  readonly contentType: string;
  /** Transfer-decoded bytes, not charset-decoded. */
  readonly bytes: Buffer;
  /** The bytes are a best effort. */
  readonly isDamaged: boolean;
}

/** A mail as a person reads it. */
export interface ReadableMail {
  /** Decoded, in the order in which a mail program shows them. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly parts: readonly ReadablePart[];
}

export interface ReadablePart {
  /** As IMAP numbers it. */
  readonly path: string;
  readonly contentType: string;
  readonly bytes: number;
  /** null: it is no text. Of a nested mail its headers; its parts follow. */
  readonly text: string | null;
}

export { openFile } from './open-file.ts';
export { openParts } from './open-parts.ts';
export { readableMail } from './readable.ts';
export { unwrapMail } from './unwrap.ts';

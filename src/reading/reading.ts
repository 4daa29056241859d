/**
 * The door of reading/: the raw bytes of one mail go in; what a laboratory meant by them comes out, or, of a return mailbox,
 * what they say about a mail of ours.
 *
 * `readHere` and `readReturnedHere` read in this process. `openReadingThreads` reads in worker threads with a limit of time and of memory, for
 * mails that could hang or exhaust a reader: there it promises an answer in time, whatever the bytes are, and the same
 * answer as here where there is one. Reading changes nothing anywhere and may be repeated. What it never does: decide
 * what becomes of a mail that was stopped, write, or let an error carry content.
 */

import type { PayloadReading } from '../lab/lab.ts';
import type { ReadableMail } from '../mail/mail.ts';
import type { ReceiptReading } from '../receipt/receipt.ts';
import type { Failure } from '../shared/failure.ts';

/** A mail, read: all that later steps need of its bytes. */
export interface MailRead {
  readonly kind: 'read';
  /** Accounts from Delivered-To and X-Original-To. */
  readonly recipientAccounts: readonly string[];
  readonly readings: readonly PayloadReading[];
  /** The documents that its reports name, by sha256. */
  readonly documents: ReadonlyMap<string, { readonly contentType: string; readonly bytes: Buffer }>;
  /** Payloads that our reader failed on: they are quarantined among the readings, and this is for the log. */
  readonly defects: readonly Failure[];
}

/** A mail of a return mailbox, read. */
export interface ReturnedRead {
  readonly kind: 'returned';
  readonly reading: ReceiptReading;
}

/** A mail as a person reads it. */
export interface MailShown {
  readonly kind: 'shown';
  readonly mail: ReadableMail;
}

/** Our reader failed on the mail as a whole: a defect. */
export interface MailFailed {
  readonly kind: 'failed';
  readonly failure: Failure;
}

/** The thread was ended, and with it the reading. `unknown`: it ended by itself, and not by answering. */
export interface MailStopped {
  readonly kind: 'stopped';
  readonly by: 'time' | 'memory' | 'unknown';
}

export interface ReadingThreads {
  /**
   * `fileName`: the bytes come from a file, which may be a bare .edi or .hl7; null: from a mailbox. Throws only when the
   * threads were released meanwhile, which says nothing of the mail.
   */
  read(raw: Buffer, fileName: string | null): Promise<MailRead | MailFailed | MailStopped>;
  /** A mail of a return mailbox, under the same limits. */
  readReturned(raw: Buffer): Promise<ReturnedRead | MailFailed | MailStopped>;
  /** Any mail, for a person, under the same limits. */
  show(raw: Buffer): Promise<MailShown | MailFailed | MailStopped>;
  release(): Promise<void>;
}

export { readHere, readReturnedHere, showHere } from './read-here.ts';
export { openReadingThreads } from './threads.ts';

/**
 * The door of mailbox/: a practice's mailbox over IMAP, which we may look at and never touch.
 *
 * It promises: EXAMINE and BODY.PEEK only (no command that could change a flag, a mail or \Recent exists behind this
 * door); TLS always, or a Failure; an answer that looks like "nothing" is checked before it is believed.
 * It never writes, never retries a refused login quickly, and never decides what a mail means.
 */

import type { Heard } from './poll-pace.ts';

export interface MailboxAccount {
  readonly host: string;
  readonly port: number;
  /** tls: implicit (993). starttls: enforced upgrade (143); without it the connection fails. */
  readonly security: 'tls' | 'starttls';
  readonly username: string;
  readonly password: string;
  /** Folder to examine, usually INBOX. */
  readonly path: string;
  /** PEM of a private certificate authority (sandbox), or null for the system's. */
  readonly ca: string | null;
}

/** What the server says of the mailbox: taken before a fetch, so that arrivals in between show as drift. */
export interface MailboxStatus {
  readonly uidValidity: number;
  readonly uidNext: number;
  /** Number of mails. */
  readonly messages: number;
}

export interface CopiedMail {
  readonly uid: number;
  readonly internalDate: Date;
  /** Exactly what the server holds; length checked against RFC822.SIZE. */
  readonly raw: Buffer;
}

/** A mail whose size is over the limit: its bytes were not fetched. */
export interface OversizedMail {
  readonly uid: number;
  readonly internalDate: Date;
  readonly bytes: number;
}

export interface FetchedRange {
  /** Ascending by uid. */
  readonly mails: readonly CopiedMail[];
  readonly oversized: readonly OversizedMail[];
  /**
   * Uids of the asked range that the server provably no longer has: answered absent while the connection, the folder
   * and the uidValidity were re-checked afterwards.
   */
  readonly vanished: readonly number[];
  /** The end of the asked range, where it was more than `togetherBytes`: to be asked for again, nothing is said of these. */
  readonly rest?: readonly number[];
}

export interface MailboxConnection {
  /** A fresh STATUS (or the examined state after NOOP). Throws a transient Failure where uidValidity is missing or 0. */
  status(): Promise<MailboxStatus>;
  /**
   * All of `uids` (ascending, at most 200 at a time), mails over `maxBytes` left out; where together they are larger than
   * `togetherBytes` as many of the first as fit, one at least.
   */
  fetch(uids: readonly number[], maxBytes: number, togetherBytes?: number): Promise<FetchedRange>;
  /** Uids below `belowUid` whose INTERNALDATE is at or after the moment: for `--since`. */
  listSince(since: Date, belowUid: number): Promise<readonly { readonly uid: number; readonly internalDate: Date }[]>;
  /** Every uid that the server holds now, ascending (UID SEARCH ALL): for the daily comparison with the ledger. */
  listUids(): Promise<readonly number[]>;
  /** Resolves when the server hints that something arrived or left, after `timeoutMs`, or on abort. A hint, not a feed. */
  waitForHint(timeoutMs: number, signal: AbortSignal): Promise<void>;
  /** How the last wait went: what silence was worth. Where a connection cannot say, silence is worth nothing. */
  heard?(): Heard;
  release(): Promise<void>;
}

/** `silenceMs`: how long the server may say nothing while it owes an answer, before the connection is given up. */
export type MailboxOpener = (
  account: MailboxAccount,
  signal?: AbortSignal,
  silenceMs?: number,
) => Promise<MailboxConnection>;

export { type LoginGate, type LoginLimits, newLoginGate } from './logins.ts';
export { openMailbox } from './open-mailbox.ts';
export type { Heard } from './poll-pace.ts';
export { type MailboxWatch, type WatchOptions, type WatchState, watchMailbox } from './watch.ts';

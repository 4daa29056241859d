/**
 * The door of pipeline/, and where to start reading.
 *
 *   mailbox ─▶ copy ─▶ ledger ─▶ queue ─▶ read ─▶ ledger ─▶ queue ─▶ deliver ─▶ patient card ─▶ board
 *   source ─▶ accept ─▶ ledger ─▶ queue ─▶ render ─▶ ledger ─▶ send ─▶ ZorgMail’s relay ─▶ the practice's HIS
 *
 * forward.ts runs the worker; copy.ts, read.ts and deliver.ts are its three steps; accept.ts, render.ts and send.ts are those
 * of the way back, of which the first runs where a source posts; recover.ts looks after what was left
 * lying, and prune.ts erases what has had its time. Each step remembers (commits), then acts, then acknowledges, and says in its header why it may be repeated.
 */

import type { Board } from '../delivery/board/board.ts';
import type { PatientCard } from '../delivery/patient-card/patient-card.ts';
import type { ZorgmailRelay } from '../delivery/zorgmail/zorgmail.ts';
import type { Keys } from '../keys/keys.ts';
import type { LaboratoryRegistry } from '../lab/lab.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { MailboxOpener } from '../mailbox/mailbox.ts';
import type { AdaptiveLimit, Breaker, JobQueue } from '../queue/queue.ts';
import type { ReadingThreads } from '../reading/reading.ts';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { Meter } from './meter.ts';

/** What the steps work with: built once, in compose.ts. */
export interface Courier {
  readonly ledger: Ledger;
  readonly keys: Keys;
  readonly queue: JobQueue;
  readonly registry: LaboratoryRegistry;
  /** For mails that could hang or exhaust a reader. */
  readonly reading: ReadingThreads;
  readonly openMailbox: MailboxOpener;
  readonly card: PatientCard;
  readonly board: Board;
  /** null: not configured; registrations wait. */
  readonly relay: ZorgmailRelay | null;
  /** The address that registrations go out from; its local part is our ZorgMail account. */
  readonly smtpFrom: string | null;
  /** Test persons never leave. */
  readonly isProduction: boolean;
  readonly breakers: Breakers;
  /** How many requests each target is sent at once. */
  readonly turns: Readonly<Record<'patient-card' | 'board', AdaptiveLimit>>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly meter: Meter;
  /** 0 ≤ x < 1: jitter. */
  readonly random: () => number;
  readonly limits: CourierLimits;
  /** Named moments between steps; the tests' composition kills the process there, production does nothing. */
  readonly mark: (moment: Moment) => void;
}

/**
 * Per target one for reading and one for writing: a cKIS that answers searches and hangs on writes is as good as away, and
 * the searches that go well must not hide it.
 */
export type Breakers = Readonly<
  Record<'patient-card' | 'board', { readonly read: Breaker; readonly write: Breaker }>
> & {
  /** The relay is only written to. */
  readonly zorgmail: Breaker;
};

export type Moment =
  | 'fetched'
  | 'copy-uncommitted'
  | 'copy-committed'
  | 'batch-added'
  | 'read-committed'
  | 'deliveries-added'
  | 'retracted'
  | 'card-written'
  | 'delivery-settled'
  | 'audit-sealed'
  | 'registration-accepted'
  | 'registration-rendered'
  /** Just before the bytes of a part go. */
  | 'mail-sending'
  /** The relay said that it has it; the ledger does not know yet. */
  | 'mail-accepted'
  | 'mail-recorded';

export interface CourierLimits {
  /** Larger mails are not fetched but quarantined. */
  readonly mailMaxBytes: number;
  readonly readConcurrency: number;
  readonly deliverConcurrency: number;
  readonly pollIntervalMs: number;
  /** Between two looks at a mailbox whose server has proved that it announces what comes. */
  readonly pollLongestMs: number;
  readonly loginsPerSecond: number;
  readonly loginsAtOnce: number;
  readonly sweepIntervalMs: number;
  /** How long a result may take from card to board before the alarm. */
  readonly boardWithinMs: number;
  /** How long it may take until something is heard of a registration that was sent, before the alarm. */
  readonly receiptWithinMs: number;
  /** How long the content of what was forwarded or shadowed is kept. */
  readonly keepForwardedDays: number;
  /** How long digests find what was seen before. */
  readonly dedupeDays: number;
  readonly pruneIntervalMs: number;
  /** How long a receipt is waited for where nobody knows whether the relay took a mail. */
  readonly uncertainWaitMs: number;
  /** Mailboxes that one worker reads. */
  readonly mailboxesMax: number;
  /** Where the seals of the audit are also written; null: nowhere. */
  readonly auditSealFile: string | null;
}

export { type AcceptAnswer, type Acceptor, acceptRegistration } from './accept.ts';
export { type AuditSealing, auditSealing, sealKey } from './audit-sealing.ts';
export { copyMailbox } from './copy.ts';
export { type Discarded, discardHold, type ReleaseChoice, releaseHold } from './decide.ts';
export {
  discardRegistration,
  type RegistrationAction,
  type RegistrationDecision,
  type RegistrationRetry,
  registrationActions,
  retryRegistration,
} from './decide-registration.ts';
export { type Foreseen, type ForeseenReport, foresee } from './foresee.ts';
export { type RunningWorker, startWorker } from './forward.ts';
export { HOLD_ALARMS, type HoldAlarm } from './hold-alarms.ts';
export type { Meter, MovedRegistration, ReadReport, SettledDelivery } from './meter.ts';
export { addMailboxTo, type LinkedMailbox, replacePassword } from './practice-mailbox.ts';
export { prune, pruneBatches } from './prune.ts';
export { practiceOf } from './recipient.ts';
export { type Comparison, compareWithServer, reconcileMailbox, repair } from './reconcile.ts';
export { sweep } from './recover.ts';
export { openOutward, openPosted } from './registration-content.ts';
export { openMail, reopenContent, reopenMail } from './reopen.ts';
export {
  mailsStillThere,
  type Replayed,
  type ReplaySource,
  replayMails,
  type StillThere,
  settleReplayed,
} from './replay.ts';
export { type Recovered, recoverRestored } from './restored.ts';
export { addReturnMailbox, removeReturnMailbox, replaceReturnPassword } from './return-mailbox.ts';
export { destroyRetired, type RotationWish, rotate, rotateMaster } from './rotate.ts';
export { type ShreddedAnswer, shredMailbox, shredPractice } from './shred.ts';
export { disableForwarding, type EnabledForwarding, enableForwarding, pauseForwarding } from './switch.ts';
export {
  type DisabledRegistrations,
  disableRegistrations,
  enableRegistrations,
  pauseRegistrations,
} from './switch-registrations.ts';

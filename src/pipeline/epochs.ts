/**
 * The epochs of a mailbox: opening one when a practice is switched on, and the next when the server numbers anew.
 *
 * It may be repeated: whoever opens one holds the mailbox, as its owner in the ledger or by a lock, and what an earlier
 * epoch had not copied yet is taken over or counted as vanished in the same transaction.
 */

import type { Sql } from '../ledger/ledger.ts';
import type { MailboxConnection, MailboxStatus } from '../mailbox/mailbox.ts';
import {
  assignOlder,
  claimEpochRange,
  closeEpochs,
  type Epoch,
  type EpochClaim,
  firstMoment,
  integrationOf,
  type ListedMail,
  openEpoch,
  openEpochOf,
  practicesOfMailbox,
  unfinishedEpochs,
} from '../practice/practice.ts';
import { markRenumbered } from '../records/records.ts';
import { Failure } from '../shared/failure.ts';
import type { MailboxId, WorkerId } from '../shared/ids.ts';
import type { Courier } from './pipeline.ts';

/** Who copies: commits of a former owner change nothing. */
export interface CopyOwner {
  readonly mailboxId: MailboxId;
  readonly workerId: WorkerId;
  readonly epoch: number;
}

export type Range = EpochClaim['range'];

export const OWNERSHIP_LOST = 'mailbox.ownership-lost';

export async function requireOwned(tx: Sql, owner: CopyOwner, range: Range): Promise<void> {
  if (!(await claimEpochRange(tx, owner, range))) throw ownershipLost(owner);
}

export function ownershipLost({ mailboxId }: CopyOwner): Failure {
  return new Failure(OWNERSHIP_LOST, { kind: 'transient', scope: 'peer', fields: { mailbox: mailboxId } });
}

/** Whether the server still numbers the mailbox as it did in this epoch. */
export function isOfEpoch({ uidValidity, uidNext }: Epoch, status: MailboxStatus): boolean {
  return uidValidity === status.uidValidity && status.uidNext >= uidNext;
}

/** The open epoch. A changed uidValidity, or a uidNext that went down, closes it and opens the next: nothing is skipped. */
export async function currentEpoch(
  courier: Courier,
  owner: CopyOwner,
  connection: MailboxConnection,
  status: MailboxStatus,
): Promise<Epoch> {
  const { mailboxId } = owner;
  const open = await openEpochOf(courier.ledger, mailboxId);
  if (open === null) throw ownershipLost(owner);
  if (isOfEpoch(open, status)) return open;
  courier.logger.error('mailbox was renumbered: reading it again as a new epoch', {
    mailboxId,
    code: 'mailbox.renumbered',
  });
  return nextEpoch(courier, owner, connection, open);
}

// Only the owner may: the former one would close the epoch that the new one is copying.
async function nextEpoch(
  courier: Courier,
  owner: CopyOwner,
  connection: MailboxConnection,
  last: Epoch,
): Promise<Epoch> {
  const { mailboxId } = owner;
  const look = await lookAt(connection, await earliestSince(courier, mailboxId));
  const { epoch, vanished } = await courier.ledger.transaction(async (tx) => {
    const { id, cursorUid } = last;
    await requireOwned(tx, owner, { epochId: id, fromCursor: cursorUid, toCursor: cursorUid, uidNext: last.uidNext });
    return openEpochOn(tx, mailboxId, look, 'worker');
  });
  if (vanished > 0)
    courier.logger.warn('mails were renumbered before they were copied', { mailboxId, count: vanished });
  return epoch;
}

async function earliestSince(courier: Courier, mailboxId: string): Promise<Date> {
  const practices = await practicesOfMailbox(courier.ledger, mailboxId);
  // Nobody's: a return mailbox, whose mail is ours from when it was first watched.
  if (practices.length === 0) return (await firstMoment(courier.ledger, mailboxId)) ?? courier.clock.now();
  const integrations = await Promise.all(
    practices.map((practice) => integrationOf(courier.ledger, practice.id, 'forwarding')),
  );
  const moments = integrations.filter((found) => found !== null).map((found) => found.since.getTime());
  return new Date(Math.min(...moments, courier.clock.now().getTime()));
}

/** What a mailbox held when it was looked at, read-only, before anything was switched. */
export interface Look {
  readonly uidValidity: number;
  readonly uidNext: number;
  /** Mails from a moment on that are there already; empty where no moment was given. */
  readonly listed: readonly ListedMail[];
}

export async function lookAt(connection: MailboxConnection, since: Date | null): Promise<Look> {
  const { uidValidity, uidNext } = await connection.status();
  const listed = since === null ? [] : await connection.listSince(since, uidNext);
  return { uidValidity, uidNext, listed };
}

/**
 * Opens an epoch at the look's uidNext, closing the one before; what was listed is assigned too, everything older is
 * outside the accounting. What closed epochs had not copied is copied now if it is still there; under another numbering
 * those uids name nothing any more, and count as vanished.
 */
export async function openEpochOn(
  tx: Sql,
  mailboxId: string,
  look: Look,
  actor: string,
): Promise<{ readonly epoch: Epoch; readonly vanished: number }> {
  await closeEpochs(tx, mailboxId, null, actor);
  const takesOver: string[] = [];
  let vanished = 0;
  for (const { id, uidValidity, uidNext } of await unfinishedEpochs(tx, mailboxId)) {
    if (uidValidity === look.uidValidity && uidNext <= look.uidNext) takesOver.push(id);
    else vanished += await markRenumbered(tx, id, await today(tx));
  }
  return { epoch: await openEpoch(tx, { mailboxId, ...look, takesOver }, actor), vanished };
}

// By database time, as everything that switching writes: it runs where there is no clock of the worker's.
async function today(tx: Sql): Promise<string> {
  const { rows } = await tx.query<{ day: string }>("select (now() at time zone 'Europe/Amsterdam')::date as day");
  return rows[0]?.day ?? '';
}

/** What switching on did to one mailbox. */
export interface Opened {
  /** False: it was watched already. */
  readonly isNew: boolean;
  /** Mails that were there already and are copied too, by their date. */
  readonly listed: number;
}

/**
 * Sees to it that a mailbox has an open epoch. One that is open already takes in what was listed below its start; where
 * the server has numbered anew meanwhile, the worker lists again when it opens the next. The caller holds the lock.
 */
export async function ensureEpoch(tx: Sql, mailboxId: string, look: Look | undefined, actor: string): Promise<Opened> {
  const open = await openEpochOf(tx, mailboxId);
  if (open === null) {
    if (look === undefined) throw changedMeanwhile();
    await openEpochOn(tx, mailboxId, look, actor);
    return { isNew: true, listed: look.listed.length };
  }
  const isSame = look !== undefined && look.uidValidity === open.uidValidity;
  return { isNew: false, listed: isSame ? await assignOlder(tx, open, look.listed, actor) : 0 };
}

/** Somebody else switched between our look and our transaction: nothing was changed. */
export function changedMeanwhile(): Failure {
  return new Failure('pipeline.switched-meanwhile', { kind: 'transient' });
}

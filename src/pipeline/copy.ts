/**
 * Step 1, copy: what arrived in a mailbox goes, encrypted, into the ledger.
 *
 * It may be repeated: rows and cursor move in one transaction, so a uid is copied again only if its row is not there.
 * It never touches the mailbox (the connection cannot), and never moves the cursor past a uid that has no row.
 */

import type { FetchedRange, MailboxConnection, MailboxStatus } from '../mailbox/mailbox.ts';
import type { Epoch } from '../practice/practice.ts';
import { type CopiedRow, waitingAssigned } from '../records/records.ts';
import { amsterdamDay } from '../shared/amsterdam.ts';
import { asFailure } from '../shared/failure.ts';
import { type MailboxId, type MailId, newId } from '../shared/ids.ts';
import {
  type CopyOwner,
  currentEpoch,
  isOfEpoch,
  OWNERSHIP_LOST,
  ownershipLost,
  type Range,
  requireOwned,
} from './epochs.ts';
import type { Courier } from './pipeline.ts';
import { BATCH, recordCopy } from './record-copies.ts';
import { newSlots } from './slots.ts';
import { perLedger } from './together.ts';

/** Mails per fetch and per transaction. */
const RANGE = 200;
/** What they may be together, so that a range of large mails is a short one. */
const RANGE_BYTES = 8 * 1024 * 1024;
/**
 * Ranges of backlogs that a worker has in memory, of all its mailboxes together: copying must not outrun the ledger. What
 * comes in day by day is less than a batch and never waits for a backlog elsewhere.
 */
const BACKLOG_RANGES = 4;

export interface Copied {
  readonly count: number;
  /** As it is now: everything of it up to its cursor is in the ledger, and nothing of it waits to be copied. */
  readonly epoch: Epoch;
}

/** What whoever visits knows already. */
export interface Visit {
  /** What the server said just now. */
  readonly asked?: MailboxStatus;
  /** What the last visit answered, where nothing has been changed since: then the ledger is not asked again. */
  readonly known?: Epoch | null;
  /** Called after every range that is safe. */
  readonly progress?: () => void;
}

/**
 * Copies everything that is new, oldest first. Throws `mailbox.ownership-lost` once another worker owns the mailbox. What was
 * known is only believed while the ledger agrees: it moves no cursor from where it is not.
 */
export async function copyMailbox(
  courier: Courier,
  owner: CopyOwner,
  connection: MailboxConnection,
  { asked, known = null, progress = () => {} }: Visit = {},
): Promise<Copied> {
  const status = asked ?? (await connection.status());
  if (known !== null && isOfEpoch(known, status) && status.uidNext > known.cursorUid + 1) {
    try {
      return await copyNew(courier, owner, connection, { status, epoch: known, progress });
    } catch (thrown) {
      if (asFailure(thrown).code !== OWNERSHIP_LOST) throw thrown;
    }
  }
  const epoch = await currentEpoch(courier, owner, connection, status);
  const before = await copyAssigned(courier, owner, connection, epoch, status.uidNext);
  const { count, epoch: now } = await copyNew(courier, owner, connection, { status, epoch, progress });
  return { count: before + count, epoch: now };
}

interface NewMails {
  readonly status: MailboxStatus;
  readonly epoch: Epoch;
  readonly progress: () => void;
}

async function copyNew(
  courier: Courier,
  owner: CopyOwner,
  connection: MailboxConnection,
  { status, epoch, progress }: NewMails,
): Promise<Copied> {
  const { uidNext } = status;
  const last = uidNext - 1;
  let count = 0;
  // While one range is committed the next is fetched, never more than that.
  let committing: Promise<number> | null = null;
  let cursor = epoch.cursorUid;
  try {
    for (let isFirst = true; cursor < last; isFirst = false) {
      const giveBack = isFirst ? () => {} : await backlogs(courier).take();
      const fetched = await fetchNext(
        courier,
        connection,
        cursor,
        Math.min(cursor + (isFirst ? BATCH : RANGE), last),
      ).catch((thrown: unknown) => {
        giveBack();
        throw thrown;
      });
      if (committing !== null) {
        count += await committing.catch((thrown: unknown) => {
          giveBack();
          throw thrown;
        });
        progress();
      }
      const range = { epochId: epoch.id, fromCursor: cursor, toCursor: fetched.toCursor, uidNext };
      committing = commit(courier, owner, range, fetched.range, new Map()).finally(giveBack);
      // Heard of where it is waited for; until then it must not end the process.
      committing.catch(() => {});
      cursor = fetched.toCursor;
    }
    if (committing !== null) {
      count += await committing;
      progress();
    }
  } finally {
    // A visit that fails has not ended while a commit of it runs.
    await committing?.catch(() => {});
  }
  // Nothing was claimed yet that would say that the mailbox is ours, and where its uids end.
  if (committing === null)
    await touch(courier, owner, { epochId: epoch.id, fromCursor: cursor, toCursor: cursor, uidNext });
  return { count, epoch: { ...epoch, cursorUid: cursor, uidNext: Math.max(epoch.uidNext, uidNext) } };
}

const backlogs = perLedger(() => newSlots(BACKLOG_RANGES));

async function fetchNext(courier: Courier, connection: MailboxConnection, cursor: number, last: number) {
  const uids = Array.from({ length: last - cursor }, (_, index) => cursor + 1 + index);
  const range = await connection.fetch(uids, courier.limits.mailMaxBytes, RANGE_BYTES);
  return { range, toCursor: (range.rest?.[0] ?? last + 1) - 1 };
}

async function touch(courier: Courier, owner: CopyOwner, range: Range): Promise<void> {
  await courier.ledger.transaction((tx) => requireOwned(tx, owner, range));
}

/** Uids that were assigned before (listed by their date, or taken over), from the rows that wait for them. */
async function copyAssigned(
  courier: Courier,
  owner: CopyOwner,
  connection: MailboxConnection,
  epoch: Epoch,
  uidNext: number,
): Promise<number> {
  let copied = 0;
  for (;;) {
    const waiting = await waitingAssigned(courier.ledger, epoch.id, BATCH);
    if (waiting.length === 0) return copied;
    const ids = new Map(waiting.map((row) => [row.uid, row.id]));
    const fetched = await connection.fetch([...ids.keys()], courier.limits.mailMaxBytes, RANGE_BYTES);
    const range = { epochId: epoch.id, fromCursor: epoch.cursorUid, toCursor: epoch.cursorUid, uidNext };
    copied += await commit(courier, owner, range, fetched, ids);
  }
}

/** Sealed, and recorded with what others copied meanwhile. `assigned`: rows that exist already. */
async function commit(
  courier: Courier,
  owner: CopyOwner,
  range: Range,
  fetched: FetchedRange,
  assigned: ReadonlyMap<number, MailId>,
): Promise<number> {
  courier.mark('fetched');
  const { mailboxId } = owner;
  const rows = await sealedRows(courier, mailboxId, fetched, assigned);
  const fresh = rows.filter(({ uid }) => !assigned.has(uid));
  const recorded = await recordCopy(courier, {
    courier,
    owner,
    range,
    fresh,
    assigned: rows.filter(({ uid }) => assigned.has(uid)),
    gone: fetched.vanished.map((uid) => ({ id: assigned.get(uid) ?? newId<MailId>(), uid })),
  });
  if (recorded.kind === 'not-ours') throw ownershipLost(owner);
  // What was there before we looked did not wait for us.
  const arrivedMs = fresh.map(({ internalDate }) => recorded.copiedAt.getTime() - internalDate.getTime());
  const vanished = fetched.vanished.length;
  courier.meter.copied({ count: rows.length, vanished, arrivedMs });
  if (vanished > 0) courier.logger.warn('mails vanished before they were seen', { mailboxId, count: vanished });
  await recorded.queued;
  return rows.length;
}

async function sealedRows(
  courier: Courier,
  mailboxId: MailboxId,
  fetched: FetchedRange,
  assigned: ReadonlyMap<number, MailId>,
): Promise<CopiedRow[]> {
  const owner = { purpose: 'mailbox', id: mailboxId } as const;
  const copied = fetched.mails.map(async (mail): Promise<CopiedRow> => {
    const id = assigned.get(mail.uid) ?? newId<MailId>();
    return {
      id,
      uid: mail.uid,
      internalDate: mail.internalDate,
      day: amsterdamDay(mail.internalDate),
      bytes: mail.raw.length,
      digest: await courier.keys.mac('digest', mail.raw),
      content: await courier.keys.seal({ table: 'mail', rowId: id, owner }, mail.raw),
    };
  });
  const oversized = fetched.oversized.map(
    (mail): CopiedRow => ({
      id: assigned.get(mail.uid) ?? newId<MailId>(),
      uid: mail.uid,
      internalDate: mail.internalDate,
      day: amsterdamDay(mail.internalDate),
      bytes: mail.bytes,
      digest: null,
      content: null,
    }),
  );
  return [...(await Promise.all(copied)), ...oversized].sort((a, b) => a.uid - b.uid);
}

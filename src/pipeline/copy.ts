/**
 * Step 1, copy: what arrived in a mailbox goes, encrypted, into the ledger.
 *
 * It may be repeated: rows and cursor move in one transaction, so a uid is copied again only if its row is not there.
 * It never touches the mailbox (the connection cannot), and never moves the cursor past a uid that has no row.
 */

import { appendAudit } from '../audit/audit.ts';
import type { Sql } from '../ledger/ledger.ts';
import type { FetchedRange, MailboxConnection, MailboxStatus } from '../mailbox/mailbox.ts';
import type { Epoch } from '../practice/practice.ts';
import {
  type CopiedRow,
  countArrivals,
  insertBatch,
  insertCopied,
  markVanished,
  setAssignedCopied,
  waitingAssigned,
} from '../records/records.ts';
import { amsterdamDay } from '../shared/amsterdam.ts';
import type { Failure } from '../shared/failure.ts';
import { type BatchId, type MailboxId, type MailId, newId } from '../shared/ids.ts';
import { type CopyOwner, currentEpoch, type Range, requireOwned } from './epochs.ts';
import type { Courier } from './pipeline.ts';
import { newSlots } from './slots.ts';
import { perLedger } from './together.ts';

/** Mails per fetch and per transaction. */
const RANGE = 200;
/** What they may be together, so that a range of large mails is a short one. */
const RANGE_BYTES = 8 * 1024 * 1024;
/** Mails per read job; and per visit those that are copied without waiting for a turn. */
const BATCH = 50;
/**
 * Ranges of backlogs that a worker has in memory, of all its mailboxes together: copying must not outrun the ledger. What
 * comes in day by day is less than a batch and never waits for a backlog elsewhere.
 */
const BACKLOG_RANGES = 4;

/**
 * Copies everything that is new, oldest first; `progress` is called after every batch that is safe. Throws
 * `mailbox.ownership-lost` once another worker owns the mailbox. `asked`: what the server said just now, where it was asked.
 */
export async function copyMailbox(
  courier: Courier,
  owner: CopyOwner,
  connection: MailboxConnection,
  progress: () => void = () => {},
  asked?: MailboxStatus,
): Promise<number> {
  const status = asked ?? (await connection.status());
  const epoch = await currentEpoch(courier, owner, connection, status);
  let copied = await copyAssigned(courier, owner, connection, epoch, status.uidNext);
  const last = status.uidNext - 1;
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
        copied += await committing.catch((thrown: unknown) => {
          giveBack();
          throw thrown;
        });
        progress();
      }
      const range = { epochId: epoch.id, fromCursor: cursor, toCursor: fetched.toCursor, uidNext: status.uidNext };
      committing = commit(courier, owner, range, fetched.range, new Map()).finally(giveBack);
      // Heard of where it is waited for; until then it must not end the process.
      committing.catch(() => {});
      cursor = fetched.toCursor;
    }
    if (committing !== null) {
      copied += await committing;
      progress();
    }
  } finally {
    // A visit that fails has not ended while a commit of it runs.
    await committing?.catch(() => {});
  }
  await touch(courier, owner, { epochId: epoch.id, fromCursor: cursor, toCursor: cursor, uidNext: status.uidNext });
  return copied;
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

/** Rows, batches and cursor in one transaction; then, not before, the queue. `assigned`: rows that exist already. */
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
  const batches = batchesOf(rows);
  const place = { mailboxId, epochId: range.epochId };
  const gone = fetched.vanished.map((uid) => ({ id: assigned.get(uid) ?? newId<MailId>(), uid }));
  const copiedAt = await courier.ledger.transaction(async (tx) => {
    await requireOwned(tx, owner, range);
    let insertedAt = courier.clock.now();
    for (const { batchId, rows } of batches) {
      insertedAt = await insertBatch(tx, batchId, mailboxId);
      const [before, fresh] = [
        rows.filter(({ uid }) => assigned.has(uid)),
        rows.filter(({ uid }) => !assigned.has(uid)),
      ];
      await setAssignedCopied(tx, batchId, before);
      await insertCopied(tx, { ...place, batchId }, fresh);
    }
    await markVanished(tx, place, gone, amsterdamDay(courier.clock.now()));
    await countArrivals(tx, mailboxId, rows);
    await auditCopy(tx, mailboxId, batches, gone.length);
    courier.mark('copy-uncommitted');
    return insertedAt;
  });
  courier.mark('copy-committed');
  // What was there before we looked did not wait for us.
  const arrived = rows.filter((row) => !assigned.has(row.uid));
  const arrivedMs = arrived.map(({ internalDate }) => copiedAt.getTime() - internalDate.getTime());
  courier.meter.copied({ count: rows.length, vanished: gone.length, arrivedMs });
  if (gone.length > 0) courier.logger.warn('mails vanished before they were seen', { mailboxId, count: gone.length });
  if (rows.length > 0) await addReadJobs(courier, batches);
  courier.mark('batch-added');
  return rows.length;
}

interface CopiedBatch {
  readonly batchId: BatchId;
  readonly rows: readonly CopiedRow[];
}

/** One at least: where all of a range vanished, the audit says so of a batch without mails. */
function batchesOf(rows: readonly CopiedRow[]): readonly CopiedBatch[] {
  const count = Math.max(1, Math.ceil(rows.length / BATCH));
  return Array.from({ length: count }, (_, index) => ({
    batchId: newId<BatchId>(),
    rows: rows.slice(index * BATCH, (index + 1) * BATCH),
  }));
}

// What vanished is said once, with the first batch.
async function auditCopy(tx: Sql, mailbox: string, batches: readonly CopiedBatch[], vanished: number): Promise<void> {
  await appendAudit(
    tx,
    batches.map(({ batchId, rows }, index) => ({
      event: 'mails.copied',
      actor: 'worker',
      objectKind: 'batch',
      objectId: batchId,
      fields: { mailbox, copied: rows.length, vanished: index === 0 ? vanished : 0 },
    })),
  );
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

// The rows are safe; a queue that is away costs time, not mail: the sweeper adds the batches again.
async function addReadJobs(courier: Courier, batches: readonly CopiedBatch[]): Promise<void> {
  await courier.queue
    .add(batches.map(({ batchId }) => ({ kind: 'read', id: batchId, generation: 1 })))
    .catch((thrown) =>
      courier.logger.warn('batches wait for the sweeper', {
        count: batches.length,
        code: (thrown as Failure).code,
      }),
    );
}

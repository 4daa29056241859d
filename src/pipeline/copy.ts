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

/** Mails per transaction and per read job. */
const BATCH = 50;

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
  let cursor = epoch.cursorUid;
  while (cursor < status.uidNext - 1) {
    const toUid = Math.min(cursor + BATCH, status.uidNext - 1);
    const uids = Array.from({ length: toUid - cursor }, (_, index) => cursor + 1 + index);
    const fetched = await connection.fetch(uids, courier.limits.mailMaxBytes);
    const range = { epochId: epoch.id, fromCursor: cursor, toCursor: toUid, uidNext: status.uidNext };
    copied += await commit(courier, owner, range, fetched, new Map());
    progress();
    cursor = toUid;
  }
  await touch(courier, owner, { epochId: epoch.id, fromCursor: cursor, toCursor: cursor, uidNext: status.uidNext });
  return copied;
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
    const fetched = await connection.fetch([...ids.keys()], courier.limits.mailMaxBytes);
    const range = { epochId: epoch.id, fromCursor: epoch.cursorUid, toCursor: epoch.cursorUid, uidNext };
    copied += await commit(courier, owner, range, fetched, ids);
  }
}

/** Rows, batch and cursor in one transaction; then, not before, the queue. `assigned`: rows that exist already. */
async function commit(
  courier: Courier,
  owner: CopyOwner,
  range: Range,
  fetched: FetchedRange,
  assigned: ReadonlyMap<number, MailId>,
): Promise<number> {
  courier.mark('fetched');
  const rows = await sealedRows(courier, owner.mailboxId, fetched, assigned);
  const batchId = newId<BatchId>();
  const place = { mailboxId: owner.mailboxId, epochId: range.epochId, batchId };
  const gone = fetched.vanished.map((uid) => ({ id: assigned.get(uid) ?? newId<MailId>(), uid }));
  const copiedAt = await courier.ledger.transaction(async (tx) => {
    await requireOwned(tx, owner, range);
    const insertedAt = await insertBatch(tx, batchId, owner.mailboxId);
    await setAssignedCopied(
      tx,
      batchId,
      rows.filter((row) => assigned.has(row.uid)),
    );
    await insertCopied(
      tx,
      place,
      rows.filter((row) => !assigned.has(row.uid)),
    );
    await markVanished(tx, place, gone, amsterdamDay(courier.clock.now()));
    await countArrivals(tx, owner.mailboxId, rows);
    await auditCopy(tx, owner.mailboxId, batchId, rows.length, gone.length);
    courier.mark('copy-uncommitted');
    return insertedAt;
  });
  courier.mark('copy-committed');
  // What was there before we looked did not wait for us.
  const arrived = rows.filter((row) => !assigned.has(row.uid));
  const arrivedMs = arrived.map(({ internalDate }) => copiedAt.getTime() - internalDate.getTime());
  courier.meter.copied({ count: rows.length, vanished: gone.length, arrivedMs });
  if (gone.length > 0)
    courier.logger.warn('mails vanished before they were seen', { mailboxId: owner.mailboxId, count: gone.length });
  if (rows.length > 0) await addReadJob(courier, batchId);
  courier.mark('batch-added');
  return rows.length;
}

async function auditCopy(tx: Sql, mailboxId: string, batchId: string, copied: number, vanished: number): Promise<void> {
  await appendAudit(tx, [
    {
      event: 'mails.copied',
      actor: 'worker',
      objectKind: 'batch',
      objectId: batchId,
      fields: { mailbox: mailboxId, copied, vanished },
    },
  ]);
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

// The rows are safe; a queue that is away costs time, not mail: the sweeper adds the batch again.
async function addReadJob(courier: Courier, batchId: BatchId): Promise<void> {
  await courier.queue
    .add([{ kind: 'read', id: batchId, generation: 1 }])
    .catch((thrown) => courier.logger.warn('batch waits for the sweeper', { batchId, code: (thrown as Failure).code }));
}

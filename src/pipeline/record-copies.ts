/**
 * What was copied is recorded: rows, batches and cursors in one transaction, and then, not before, the queue.
 *
 * Mails that come one by one to thousands of mailboxes are recorded together: what is fetched while one transaction is under
 * way is in the next (together.ts), and shares its batches and its jobs. Each mailbox is claimed for itself, so that one that
 * has become another worker's is left out and the others are recorded.
 */

import { appendAudit } from '../audit/audit.ts';
import type { Ledger, Sql } from '../ledger/ledger.ts';
import { claimEpochRanges } from '../practice/practice.ts';
import {
  type CopiedPart,
  type CopiedRow,
  countArrivals,
  insertBatches,
  insertCopied,
  markVanished,
  setAssignedCopied,
} from '../records/records.ts';
import { amsterdamDay } from '../shared/amsterdam.ts';
import type { Failure } from '../shared/failure.ts';
import { type BatchId, type MailId, newId } from '../shared/ids.ts';
import type { CopyOwner, Range } from './epochs.ts';
import type { Courier } from './pipeline.ts';
import { perLedger, together } from './together.ts';

/** Mails per read job. */
export const BATCH = 50;
/** Mailboxes in one transaction, and mails: that many ciphertexts go in one statement. */
const MAILBOXES_MOST = 100;
const MAILS_MOST = 200;

/** A range of one mailbox that was fetched, and sealed. */
export interface CopiedRange {
  readonly courier: Pick<Courier, 'clock' | 'mark' | 'queue' | 'logger'>;
  readonly owner: CopyOwner;
  readonly range: Range;
  /** Rows that are new. */
  readonly fresh: readonly CopiedRow[];
  /** Rows that exist and waited to be copied. */
  readonly assigned: readonly CopiedRow[];
  /** Gone before they were seen. */
  readonly gone: readonly { readonly id: MailId; readonly uid: number }[];
}

export type RecordedRange =
  | {
      readonly kind: 'recorded';
      /** By the ledger's clock. */
      readonly copiedAt: Date;
      /** Its jobs are in the queue, or wait for the sweeper. */
      readonly queued: Promise<void>;
    }
  /** The mailbox is another worker's, or the epoch is closed: nothing of it was recorded. */
  | { readonly kind: 'not-ours' };

/** Answers once the transaction is committed. */
export function recordCopy(courier: Courier, range: CopiedRange): Promise<RecordedRange> {
  // A range of a backlog is a transaction of its own, which nobody who brings a single mail waits for.
  return mailsOf(range) > BATCH ? alone(courier, range) : shared(courier)(range);
}

const shared = perLedger(({ ledger }) =>
  together((ranges: readonly CopiedRange[]) => recordRound(ledger, ranges), {
    most: MAILBOXES_MOST,
    fits: (range, chosen) => chosen.reduce(addMails, mailsOf(range)) <= MAILS_MOST,
  }),
);

async function alone({ ledger }: Courier, range: CopiedRange): Promise<RecordedRange> {
  const [recorded = { kind: 'not-ours' }] = await recordRound(ledger, [range]);
  return recorded;
}

async function recordRound(ledger: Ledger, ranges: readonly CopiedRange[]): Promise<readonly RecordedRange[]> {
  const { copiedAt, ours, batchIds } = await ledger.transaction((tx) => recordAll(tx, ranges));
  const courier = ranges[0]?.courier;
  courier?.mark('copy-committed');
  const queued = addReadJobs(courier, batchIds);
  return ranges.map((range) => (ours.has(range) ? { kind: 'recorded', copiedAt, queued } : { kind: 'not-ours' }));
}

const mailsOf = ({ fresh, assigned }: CopiedRange) => fresh.length + assigned.length;
const addMails = (sum: number, range: CopiedRange) => sum + mailsOf(range);

interface Recorded {
  readonly copiedAt: Date;
  readonly ours: ReadonlySet<CopiedRange>;
  readonly batchIds: readonly BatchId[];
}

async function recordAll(tx: Sql, ranges: readonly CopiedRange[]): Promise<Recorded> {
  const areOurs = await claimEpochRanges(tx, ranges);
  const ours = ranges.filter((_, index) => areOurs[index]);
  const parts = partsOf(ours);
  const of = (rows: (part: Part) => readonly CopiedRow[]): readonly CopiedPart[] =>
    parts.map((part) => ({ place: placeOf(part), rows: rows(part) }));
  const arrivals = ours.flatMap(({ owner: { mailboxId }, fresh, assigned }) =>
    [...fresh, ...assigned].map(({ day, internalDate }) => ({ mailboxId, day, internalDate })),
  );
  const batches = Map.groupBy(parts, ({ batchId }) => batchId);
  // One after the other on their connection; sent without waiting for each other's answers.
  const [copiedAt] = await Promise.all([
    insertBatches(
      tx,
      [...batches].map(([id, of]) => ({ id, mailboxId: onlyMailboxOf(of) })),
    ),
    setAssignedCopied(
      tx,
      of(({ assigned }) => assigned),
    ),
    insertCopied(
      tx,
      of(({ fresh }) => fresh),
    ),
    ...ours.map(({ owner, range, gone, courier }) =>
      markVanished(tx, { mailboxId: owner.mailboxId, epochId: range.epochId }, gone, amsterdamDay(courier.clock.now())),
    ),
    countArrivals(tx, arrivals),
    auditCopies(tx, parts),
  ]);
  ranges[0]?.courier.mark('copy-uncommitted');
  const filled = parts.filter(({ fresh, assigned }) => fresh.length + assigned.length > 0);
  return { copiedAt, ours: new Set(ours), batchIds: [...new Set(filled.map(({ batchId }) => batchId))] };
}

/** Mails of one range that go into one batch. */
interface Part extends Pick<CopiedRange, 'owner' | 'range' | 'fresh' | 'assigned'> {
  readonly batchId: BatchId;
  /** How many of the range vanished: said once, with its first part. */
  readonly vanished: number;
}

/** The mails in their order, so many to a batch; one part of each range at least, since the audit speaks of every copy. */
function partsOf(ranges: readonly CopiedRange[]): readonly Part[] {
  const parts: Part[] = [];
  let batchId = newId<BatchId>();
  let room = BATCH;
  for (const { owner, range, fresh, assigned, gone } of ranges) {
    const waiting = [
      ...assigned.map((row) => ({ row, isFresh: false })),
      ...fresh.map((row) => ({ row, isFresh: true })),
    ];
    let vanished = gone.length;
    do {
      if (room === 0) [batchId, room] = [newId<BatchId>(), BATCH];
      const rows = waiting.splice(0, room);
      room -= rows.length;
      const ofKind = (wanted: boolean) => rows.filter(({ isFresh }) => isFresh === wanted).map(({ row }) => row);
      parts.push({ owner, range, batchId, vanished, fresh: ofKind(true), assigned: ofKind(false) });
      vanished = 0;
    } while (waiting.length > 0);
  }
  return parts;
}

function placeOf({ owner, range, batchId }: Part) {
  return { mailboxId: owner.mailboxId, epochId: range.epochId, batchId };
}

function onlyMailboxOf(parts: readonly Part[]) {
  const [first, ...others] = new Set(parts.map(({ owner }) => owner.mailboxId));
  return first !== undefined && others.length === 0 ? first : null;
}

async function auditCopies(tx: Sql, parts: readonly Part[]): Promise<void> {
  await appendAudit(
    tx,
    parts.map(({ owner, batchId, fresh, assigned, vanished }) => ({
      event: 'mails.copied',
      actor: 'worker',
      objectKind: 'batch',
      objectId: batchId,
      fields: { mailbox: owner.mailboxId, copied: fresh.length + assigned.length, vanished },
    })),
  );
}

// The rows are safe; a queue that is away costs time, not mail: the sweeper adds the batches again.
async function addReadJobs(courier: CopiedRange['courier'] | undefined, batchIds: readonly BatchId[]): Promise<void> {
  if (courier === undefined || batchIds.length === 0) return;
  await courier.queue
    .add(batchIds.map((id) => ({ kind: 'read', id, generation: 1 })))
    .catch((thrown) =>
      courier.logger.warn('batches wait for the sweeper', { count: batchIds.length, code: (thrown as Failure).code }),
    );
  courier.mark('batch-added');
}

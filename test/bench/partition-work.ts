/** What the workers ask of the ledger, as they ask it: each step's statements, for a batch of 50 new mails of one mailbox. */

import { randomBytes } from 'node:crypto';
import type { Sql } from '../../src/ledger/ledger.ts';
import {
  accountingOf,
  claimDelivery,
  claimMails,
  earliestDate,
  findOriginal,
  insertBatch,
  insertCopied,
  insertReports,
  type NewReport,
  overdueBatches,
  overdueDeliveries,
  pruneBatch,
  settleDelivery,
  settleMail,
} from '../../src/records/records.ts';
import {
  type BatchId,
  type DeliveryId,
  type MailboxId,
  type MailId,
  newId,
  type ReportId,
} from '../../src/shared/ids.ts';
import { type Filled, receiptOf, type Sizes } from './partition-fill.ts';
import type { Side } from './partition-stage.ts';

export const BATCH = 50;
/** As a worker's: mails above it are claimed alone. */
const TOGETHER_MAX_BYTES = 1_000_000;
const SWEPT_MOST = 500;
const PRUNED_MOST = 500;
const DIGEST_BYTES = 32;

/** A batch that was copied. */
export interface Copied {
  readonly batchId: BatchId;
  readonly practiceId: string;
}

export interface Worker {
  /** Copies 50 mails, in one transaction. */
  copy(): Promise<Copied>;
  /** Claims them, looks whether each is new, inserts what was read, settles the mails. */
  read(copied: Copied): Promise<readonly DeliveryId[]>;
  /** Claims and settles, one by one. */
  deliver(ids: readonly DeliveryId[]): Promise<void>;
  /** A look of the sweeper, when nothing is overdue. */
  sweep(): Promise<void>;
  /** Whether bytes, or a content, were seen before: they were not. */
  lookUp(): Promise<void>;
  /** The books of all mailboxes: how many mails they say there are. */
  account(): Promise<number>;
  /** Erases what has had its time; answers of how many mails. */
  prune(): Promise<number>;
}

export function workerOn({ ledger }: Side, filled: Filled, sizes: Sizes): Worker {
  let turn = 0;
  const nextUid = new Map<number, number>();
  return {
    copy: async () => {
      const place = turn % filled.mailboxes.length;
      turn += 1;
      const of = (ids: readonly string[]) => ids[place] ?? '';
      const batchId = newId<BatchId>();
      const uid = nextUid.get(place) ?? 1_000_000;
      nextUid.set(place, uid + BATCH);
      const at = new Date();
      const rows = Array.from({ length: BATCH }, (_, index) => ({
        id: newId<MailId>(),
        uid: uid + index,
        internalDate: at,
        day: at.toISOString().slice(0, 10),
        bytes: sizes.mailBytes,
        digest: randomBytes(DIGEST_BYTES),
        content: randomBytes(sizes.mailBytes),
      }));
      await ledger.transaction(async (tx) => {
        const mailboxId = of(filled.mailboxes) as MailboxId;
        await insertBatch(tx, batchId, mailboxId);
        await insertCopied(tx, [{ place: { mailboxId, epochId: of(filled.epochs), batchId }, rows }]);
      });
      return { batchId, practiceId: of(filled.practices) };
    },
    read: async ({ batchId, practiceId }) => {
      const leaseToken = crypto.randomUUID();
      const { mails } = await claimMails(ledger, [batchId], leaseToken, TOGETHER_MAX_BYTES);
      const added: DeliveryId[] = [];
      for (const { id } of mails)
        await ledger.transaction(async (tx) => {
          const report = newReport(id, practiceId, sizes);
          await findOriginal(tx, practiceId, [report.contentDigest ?? Buffer.alloc(0)]);
          added.push(...(await insertReports(tx, [report])));
          await settleMail(tx, id, leaseToken, { verdict: null, reason: null });
        });
      return added;
    },
    deliver: async (ids) => {
      for (const id of ids) {
        const leaseToken = crypto.randomUUID();
        const answer = await claimDelivery(ledger, id, leaseToken, 1);
        if (answer.kind !== 'claimed') throw new Error(`a delivery was ${answer.kind}`);
        const receipt = JSON.parse(receiptOf(sizes)) as Record<string, unknown>;
        const settlement = { state: 'forwarded', reason: null, detail: null, withheldCount: 0, receipt } as const;
        const isSettled = await ledger.transaction((tx) => settleDelivery(tx, id, leaseToken, settlement));
        if (!isSettled) throw new Error('a claim was lost');
      }
    },
    sweep: async () => {
      const found = [await overdueBatches(ledger, SWEPT_MOST), await overdueDeliveries(ledger, SWEPT_MOST)].flat();
      if (found.length > 0) throw new Error('something was overdue');
    },
    lookUp: async () => {
      const seen = await earliestDate(ledger, [randomBytes(DIGEST_BYTES)]);
      const original = await findOriginal(ledger, filled.practices[0] ?? '', [randomBytes(DIGEST_BYTES)]);
      if (seen !== null || original !== null) throw new Error('a random digest was found');
    },
    account: async () => (await accountingOf(ledger)).reduce((sum, { forwarded }) => sum + forwarded, 0),
    prune: async () => {
      let mails = 0;
      for (;;) {
        const pruned = await ledger.transaction((tx) => pruneBatch(tx, { keepDays: 30, dedupeDays: 400 }, PRUNED_MOST));
        if (pruned.mails + pruned.reports === 0) return mails;
        mails += pruned.mails;
      }
    },
  };
}

function newReport(mailId: MailId, practiceId: string, sizes: Sizes): NewReport {
  return {
    id: newId<ReportId>(),
    deliveryId: newId<DeliveryId>(),
    mailId,
    practiceId,
    kind: 'report',
    payloadOrdinal: 1,
    reportOrdinal: 1,
    format: 'medlab-1',
    laboratory: 'noord',
    sender: null,
    patientKey: randomBytes(DIGEST_BYTES),
    contentDigest: randomBytes(DIGEST_BYTES),
    referenceDigest: randomBytes(DIGEST_BYTES),
    referenceNameDigest: randomBytes(DIGEST_BYTES),
    version: new Date().toISOString(),
    isCorrected: false,
    content: randomBytes(sizes.reportBytes),
    state: 'ready',
    reason: null,
    detail: null,
    originalId: null,
  };
}

/** Removes mails, reports and deliveries from before an id, row by row as only the owner may: 500 mails a transaction. */
export async function deleteBefore({ ledger }: Side, beforeId: string): Promise<number> {
  let mails = 0;
  for (;;) {
    const gone = await ledger.transaction((tx) => deleteSome(tx, beforeId));
    if (gone === 0) return mails;
    mails += gone;
  }
}

async function deleteSome(tx: Sql, beforeId: string): Promise<number> {
  const { rows } = await tx.query<{ id: string }>('select id from mail where id < $1 order by id limit 500', [
    beforeId,
  ]);
  const ids = [rows.map(({ id }) => id)];
  // Its deliveries go with a report.
  await tx.query('delete from report where mail_id = any($1::uuid[])', ids);
  return (await tx.query('delete from mail where id = any($1::uuid[])', ids)).count;
}

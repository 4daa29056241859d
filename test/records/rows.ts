/** Rows of the journey for the tests: made through the doors of production, put into a state as the owner where need be. */

import { randomBytes, randomUUID } from 'node:crypto';
import type { DeliveryState, Ledger, Sql } from '../../src/ledger/ledger.ts';
import {
  type CopiedRow,
  claimDelivery,
  claimMails,
  insertBatch,
  insertCopied,
  insertReports,
  type NewReport,
  settleDeliveries,
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
import type { WatchedPlace } from '../practice/places.ts';

export const digest = (): Buffer => randomBytes(32);

export function copiedRow(uid: number, changes: Partial<CopiedRow> = {}): CopiedRow {
  const content = Buffer.from(`sealed bytes of uid ${uid}`);
  return {
    id: newId<MailId>(),
    uid,
    internalDate: new Date('2026-11-22T08:00:00Z'),
    day: '2026-11-22',
    bytes: content.length,
    digest: digest(),
    content,
    ...changes,
  };
}

/** Takes the next uids of the epoch, as a copy does: cursor and uidNext move over them. Answers the first. */
export async function takeUids(tx: Sql, place: WatchedPlace, count: number): Promise<number> {
  const { rows } = await tx.query<{ cursor: number }>(
    `update epoch set cursor_uid = cursor_uid + $2, uid_next = greatest(uid_next, cursor_uid + $2 + 1) where id = $1
     returning cursor_uid as cursor`,
    [place.epochId, count],
  );
  return (rows[0]?.cursor ?? 0) - count + 1;
}

export interface CopiedMails {
  readonly batchId: BatchId;
  readonly mailIds: readonly MailId[];
}

/** Mails that were just copied, in one batch. */
export async function copiedMails(ledger: Ledger, place: WatchedPlace, count = 1): Promise<CopiedMails> {
  const batchId = newId<BatchId>();
  return ledger.transaction(async (tx) => {
    const first = await takeUids(tx, place, count);
    const rows = Array.from({ length: count }, (_, index) => copiedRow(first + index));
    await insertBatch(tx, batchId, place.mailboxId as MailboxId);
    await insertCopied(tx, [{ place: { mailboxId: place.mailboxId, epochId: place.epochId, batchId }, rows }]);
    return { batchId, mailIds: rows.map((row) => row.id) };
  });
}

/** A report of this mail, ready to be delivered. */
export function newReport(mailId: MailId, practiceId: string | null, changes: Partial<NewReport> = {}): NewReport {
  return {
    id: newId<ReportId>(),
    deliveryId: newId<DeliveryId>(),
    mailId,
    practiceId: practiceId as NewReport['practiceId'],
    kind: 'report',
    payloadOrdinal: 1,
    reportOrdinal: 1,
    format: 'medlab-1',
    laboratory: null,
    sender: '50001111',
    patientKey: digest(),
    contentDigest: digest(),
    referenceDigest: digest(),
    version: '2026-11-22T09:00:00+01:00',
    isCorrected: false,
    content: Buffer.from('a sealed report'),
    state: 'ready',
    reason: null,
    detail: null,
    originalId: null,
    ...changes,
  };
}

/** Reads a copied mail as these reports. */
export async function readAs(ledger: Ledger, mails: CopiedMails, reports: readonly NewReport[]): Promise<void> {
  const leaseToken = randomUUID();
  await claimMails(ledger, [mails.batchId], leaseToken, 1_000_000);
  await ledger.transaction(async (tx) => {
    for (const mailId of mails.mailIds) await settleMail(tx, mailId, leaseToken, { verdict: null, reason: null });
    await insertReports(tx, reports);
  });
}

/** The delivery to the card goes there, and one to the board with this id follows; null: it is there already. */
export async function boardAfter(ledger: Ledger, cardDeliveryId: string, boardId: DeliveryId) {
  const leaseToken = randomUUID();
  await claimDelivery(ledger, cardDeliveryId, leaseToken);
  const end = { state: 'forwarded', reason: null, detail: null, withheldCount: 0, receipt: null } as const;
  const row = { ...end, id: cardDeliveryId, leaseToken, isStranger: false, boardId, uncoded: [], entries: [] };
  const settled = (await settleDeliveries(ledger, [row])).get(cardDeliveryId);
  if (settled === undefined) throw new Error('the delivery was not ready');
  return settled.boardId;
}

export interface DeliveryRow {
  readonly state: DeliveryState;
  readonly reason: string | null;
  readonly lease_token: string | null;
  readonly attempts: number;
  readonly generation: number;
  readonly is_parked: boolean;
  readonly original_id: string | null;
}

export async function deliveryRow(ledger: Ledger, id: string): Promise<DeliveryRow | undefined> {
  const text =
    'select state, reason, lease_token, attempts, generation, is_parked, original_id from delivery where id = $1';
  return (await ledger.query<DeliveryRow>(text, [id])).rows[0];
}

/** One mail with one report; its delivery is put into the state as the owner of the tables may. */
export async function deliveryIn(
  ledgers: { readonly worker: Ledger; readonly owner: Ledger },
  place: WatchedPlace,
  state: DeliveryState,
  changes: Partial<NewReport> = {},
): Promise<NewReport> {
  const mails = await copiedMails(ledgers.worker, place);
  const report = newReport(mails.mailIds[0] ?? newId<MailId>(), place.practice.id, changes);
  await readAs(ledgers.worker, mails, [report]);
  await ledgers.owner.query(
    `update delivery set state = $2, settled_at = case when $2 in ('ready', 'sending', 'uncertain') then null else now() end where id = $1`,
    [report.deliveryId, state],
  );
  return report;
}

/** What time does to the claims on a mail or a delivery. */
export async function expireLease(owner: Ledger, table: 'mail' | 'delivery', id: string): Promise<void> {
  await owner.query(`update ${table} set lease_until = now() - interval '1 second' where id = $1`, [id]);
}

/** What time does to a batch or delivery that nobody looks after. */
export async function makeOverdue(owner: Ledger, table: 'read_batch' | 'delivery', id: string): Promise<void> {
  await owner.query(`update ${table} set next_check_at = now() - interval '1 second' where id = $1`, [id]);
}

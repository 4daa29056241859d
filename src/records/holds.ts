/** Statements on what waits for a person: held and quarantined deliveries. */

import type { Sql } from '../ledger/ledger.ts';
import { Failure } from '../shared/failure.ts';
import { type DeliveryId, isId, type MailId, type ReportId } from '../shared/ids.ts';

export interface HeldItem {
  readonly deliveryId: DeliveryId;
  readonly reportId: ReportId;
  readonly mailId: MailId;
  readonly mailboxId: string | null;
  /** The mailbox's label; null for a replayed file. */
  readonly mailbox: string | null;
  readonly target: 'patient-card' | 'board';
  readonly state: 'held' | 'quarantined';
  readonly kind: 'report' | 'payload';
  readonly payloadOrdinal: number;
  readonly reason: string;
  readonly detail: string | null;
  readonly practiceId: string | null;
  readonly practiceAgb: string | null;
  readonly laboratory: string | null;
  readonly sender: string | null;
  readonly patientKey: Buffer | null;
  readonly settledAt: Date;
  /** The hold this one joined, or null. */
  readonly originalId: string | null;
}

const SELECT = `select d.id as "deliveryId", r.id as "reportId", r.mail_id as "mailId", m.mailbox_id as "mailboxId", b.name as mailbox, d.target, d.state, r.kind,
    r.payload_ordinal as "payloadOrdinal", d.reason, d.detail, r.practice_id as "practiceId", p.agb as "practiceAgb", r.laboratory, r.sender,
    r.patient_key as "patientKey", d.settled_at as "settledAt", d.original_id as "originalId"
  from delivery d join report r on r.id = d.report_id join mail m on m.id = r.mail_id left join practice p on p.id = r.practice_id
    left join mailbox b on b.id = m.mailbox_id
  where d.state in ('held', 'quarantined')`;

/** Everything that waits for a person, oldest first; of one practice (by id) or of all. */
export async function heldItems(sql: Sql, practiceId: string | null): Promise<readonly HeldItem[]> {
  const { rows } = await sql.query<HeldItem>(
    `${SELECT} and ($1::uuid is null or r.practice_id = $1) order by d.settled_at, d.id`,
    [practiceId],
  );
  return rows;
}

export async function heldItemById(sql: Sql, id: string): Promise<HeldItem | null> {
  if (!isId(id)) return null;
  const { rows } = await sql.query<HeldItem>(`${SELECT} and d.id = $1 for update of d`, [id]);
  return rows[0] ?? null;
}

/** Those that joined this hold with the same content. */
export async function joinedTo(tx: Sql, id: string): Promise<readonly DeliveryId[]> {
  const { rows } = await tx.query<{ id: DeliveryId }>(
    `select id from delivery where original_id = $1 and state = 'held'`,
    [id],
  );
  return rows.map((row) => row.id);
}

/**
 * A held report goes back to ready, and all checks run again; what joined it becomes its duplicate. A payload that was
 * not understood is forgotten and its mail waits to be read again, in the given batch.
 */
export async function releaseHeld(
  tx: Sql,
  item: HeldItem,
  how: {
    readonly batchId: string | null;
    readonly override: { readonly reason: string; readonly by: string; readonly card: string } | null;
  },
): Promise<number> {
  await tx.query(`update delivery set state = 'duplicate' where original_id = $1 and state = 'held'`, [
    item.deliveryId,
  ]);
  if (how.batchId === null) {
    const { rows } = await tx.query<{ generation: number }>(
      `update delivery set state = 'ready', reason = null, detail = null, original_id = null, settled_at = null, override = $2,
         generation = generation + 1, next_check_at = now() + interval '60 seconds'
       where id = $1 and state in ('held', 'quarantined') returning generation`,
      [item.deliveryId, how.override === null ? null : JSON.stringify(how.override)],
    );
    return rows[0]?.generation ?? 0;
  }
  await tx.query('delete from report where id = $1', [item.reportId]);
  const waiting = await tx.query(
    `update mail set state = 'copied', verdict = null, reason = null, read_batch_id = $2, read_attempts = 0, lease_token = null, lease_until = null
     where id = $1 and content is not null`,
    [item.mailId, how.batchId],
  );
  // Without bytes there is nothing to read, and without its report the mail would be accounted for nowhere.
  if (waiting.count === 0)
    throw new Failure('records.nothing-to-read', { kind: 'defect', fields: { mail: item.mailId } });
  return 1;
}

/** A person decided against it: content goes, the decision stays in the audit. */
export async function discardHeld(tx: Sql, item: HeldItem): Promise<void> {
  const discarded = await tx.query(
    `update delivery set state = 'discarded', settled_at = now() where (id = $1 or original_id = $1) and state in ('held', 'quarantined')`,
    [item.deliveryId],
  );
  // Another person may have released it meanwhile: then its content is needed.
  if (discarded.count === 0) return;
  await tx.query('update report set content = null, erased_at = now() where id = $1', [item.reportId]);
}

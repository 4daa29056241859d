/**
 * The end of deliveries: settled under their claim, with all that must be true with it.
 *
 * One statement, which is a transaction of its own: a delivery that ends waits for the ledger once. Its parts act on the
 * rows that `settled` answers, so on none whose claim had passed on. All of them see the ledger as it was before, and
 * none touches a row that another one does.
 */

import { type AuditEntry, actValues, appendingPart } from '../audit/audit.ts';
import type { DeliveryState, Sql } from '../ledger/ledger.ts';
import type { DeliveryId } from '../shared/ids.ts';
import { NEXT_OF_PATIENT } from './deliveries.ts';
import { NEEDS_BYTES } from './reports.ts';
import { addingUncoded, type UncodedRow, uncodedValues } from './uncoded.ts';

/** How long a delivery may lie before the sweeper looks after it. */
const CHECK_SECONDS = 30;

export interface Settlement {
  readonly state: Extract<DeliveryState, 'forwarded' | 'no-card' | 'shadowed' | 'held'>;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly withheldCount: number;
  /** Ids and versions of what stands at the target. */
  readonly receipt: Readonly<Record<string, unknown>> | null;
}

/** One that comes to rest, under its claim, and what is recorded with it. */
export interface SettledRow extends Settlement {
  readonly id: string;
  readonly leaseToken: string;
  /** Its patient is not followed: its content goes, and the bytes of its mail where nobody else needs them. */
  readonly isStranger: boolean;
  /** The delivery to the board that follows; null: none does. */
  readonly boardId: DeliveryId | null;
  readonly uncoded: readonly UncodedRow[];
  readonly entries: readonly AuditEntry[];
}

/** One that came to rest. */
export interface Settled {
  /** By the ledger's clock. */
  readonly at: Date;
  /** The delivery to the board, where it is new: it may be there already. */
  readonly boardId: DeliveryId | null;
  /** The oldest delivery for the same patient and target that was never tried; null where there is none. */
  readonly next: DeliveryId | null;
}

const SETTLED = `update delivery d set state = e.state, reason = e.reason, detail = e.detail, receipt = e.receipt::jsonb, settled_at = now(),
    lease_token = null, lease_until = null
  from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::boolean[], $9::uuid[])
    as e (id, token, state, reason, detail, receipt, withheld, is_stranger, board_id)
  where d.id = e.id and d.lease_token = e.token and d.state in ('sending', 'uncertain')
  returning d.id, d.report_id, d.target, d.patient_key, d.state, e.withheld, e.is_stranger, e.board_id`;

const REPORTS = `update report r set withheld_count = s.withheld, content = case when not s.is_stranger then r.content end,
    erased_at = case when s.is_stranger and r.content is not null then now() else r.erased_at end
  from (select report_id, max(withheld) as withheld, bool_or(is_stranger) as is_stranger from settled group by report_id) s
  where r.id = s.report_id and (r.withheld_count <> s.withheld or (s.is_stranger and r.content is not null))`;

// As eraseMails, of mails with a report of a patient who is not followed: all else of it has a content for itself. In one
// order everywhere, since the rows are locked in it.
const MAILS = `update mail m set content = null, erased_at = now()
  from (select distinct r.mail_id from settled s join report r on r.id = s.report_id where s.is_stranger order by r.mail_id) u
  where m.id = u.mail_id and m.state = 'read' and m.content is not null and not exists (
    select 1 from report r join delivery d on d.report_id = r.id and d.target = 'patient-card' left join settled s on s.id = d.id
    where r.mail_id = u.mail_id and ${NEEDS_BYTES('coalesce(s.state, d.state)')})`;

// A report has one delivery to its board: where a person had the card written again, it is there already.
const BOARDS = `insert into delivery (id, report_id, target, state, patient_key, next_check_at)
  select s.board_id, s.report_id, 'board', 'ready', s.patient_key, now() + make_interval(secs => ${CHECK_SECONDS})
  from settled s where s.board_id is not null on conflict do nothing returning id`;

const UNCODED = addingUncoded(`unnest($10::text[], $11::text[], $12::text[], $13::bigint[], $14::uuid[])
  as sent (laboratory, code, why, result_count, delivery_id) where delivery_id in (select id from settled)`);

const SETTLE = `with settled as (${SETTLED}), reports as (${REPORTS}), mails as (${MAILS}), boards as (${BOARDS}),
    counted as (${UNCODED}), audited as (${appendingPart('settled', 15)})
  select s.id, now() as at, b.id as "boardId", n.id as next
  from settled s left join boards b on b.id = s.board_id left join lateral (${NEXT_OF_PATIENT('s')}) n on true`;

/**
 * Records the end of deliveries; only for the worker that claimed them. Answers which came to rest: the claim of the
 * others had passed on.
 */
export async function settleDeliveries(sql: Sql, rows: readonly SettledRow[]): Promise<ReadonlyMap<string, Settled>> {
  const of = <Value>(value: (row: SettledRow) => Value) => rows.map(value);
  const uncoded = rows.flatMap(({ id, uncoded: all }) => all.map((one) => ({ ...one, id })));
  const settled = await sql.query<Settled & { id: string }>(SETTLE, [
    of(({ id }) => id),
    of(({ leaseToken }) => leaseToken),
    of(({ state }) => state),
    of(({ reason }) => reason),
    of(({ detail }) => detail),
    of(({ receipt }) => (receipt === null ? null : JSON.stringify(receipt))),
    of(({ withheldCount }) => withheldCount),
    of(({ isStranger }) => isStranger),
    of(({ boardId }) => boardId),
    ...uncodedValues(uncoded),
    uncoded.map(({ id }) => id),
    ...actValues(rows.flatMap(({ id, entries }) => entries.map((entry) => ({ ...entry, actId: id })))),
  ]);
  return new Map(settled.rows.map(({ id, ...one }) => [id, one]));
}

/** The same of one, with nothing but its end. False: the claim had passed to another. */
export async function settleDelivery(
  sql: Sql,
  id: string,
  leaseToken: string,
  settlement: Settlement,
): Promise<boolean> {
  const alone = { isStranger: false, boardId: null, uncoded: [], entries: [] };
  return (await settleDeliveries(sql, [{ id, leaseToken, ...settlement, ...alone }])).has(id);
}

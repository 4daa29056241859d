/** Statements on the end of deliveries: settled under their claim, and what follows to the board. */

import type { DeliveryState, Sql } from '../ledger/ledger.ts';
import type { DeliveryId } from '../shared/ids.ts';

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

/** One that comes to rest, under its claim. */
export interface SettledRow extends Settlement {
  readonly id: string;
  readonly leaseToken: string;
}

/**
 * Records the end of deliveries; only for the worker that claimed them. Answers which, with when that was by the ledger's
 * clock: the claim of the others had passed on.
 */
export async function settleDeliveries(tx: Sql, rows: readonly SettledRow[]): Promise<ReadonlyMap<string, Date>> {
  const of = <Value>(value: (row: SettledRow) => Value) => rows.map(value);
  const settled = await tx.query<{ id: string; at: Date }>(
    `with ends as (select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[])
         as e (id, token, state, reason, detail, receipt, withheld)),
       settled as (
         update delivery d set state = e.state, reason = e.reason, detail = e.detail, receipt = e.receipt::jsonb, settled_at = now(),
           lease_token = null, lease_until = null
         from ends e where d.id = e.id and d.lease_token = e.token and d.state in ('sending', 'uncertain')
         returning d.id, d.report_id, e.withheld),
       counted as (update report r set withheld_count = s.withheld from settled s where r.id = s.report_id and r.withheld_count <> s.withheld)
     select id, now() as at from settled`,
    [
      of(({ id }) => id),
      of(({ leaseToken }) => leaseToken),
      of(({ state }) => state),
      of(({ reason }) => reason),
      of(({ detail }) => detail),
      of(({ receipt }) => (receipt === null ? null : JSON.stringify(receipt))),
      of(({ withheldCount }) => withheldCount),
    ],
  );
  return new Map(settled.rows.map(({ id, at }) => [id, at]));
}

/** The same of one. False: the claim had passed to another. `note` hears when that was. */
export async function settleDelivery(
  tx: Sql,
  id: string,
  leaseToken: string,
  settlement: Settlement,
  note: (settledAt: Date) => void = () => {},
): Promise<boolean> {
  const at = (await settleDeliveries(tx, [{ id, leaseToken, ...settlement }])).get(id);
  if (at !== undefined) note(at);
  return at !== undefined;
}

/** Deliveries to the board that follow ones to the card; answers those that are new: the others are there already. */
export async function insertBoardDeliveries(
  tx: Sql,
  rows: readonly { readonly id: DeliveryId; readonly cardDeliveryId: string }[],
): Promise<ReadonlySet<DeliveryId>> {
  if (rows.length === 0) return new Set();
  const inserted = await tx.query<{ id: DeliveryId }>(
    `insert into delivery (id, report_id, target, state, patient_key, next_check_at)
     select b.id, d.report_id, 'board', 'ready', d.patient_key, now() + make_interval(secs => ${CHECK_SECONDS})
     from unnest($1::uuid[], $2::uuid[]) as b (id, card_delivery_id) join delivery d on d.id = b.card_delivery_id
     on conflict (report_id, target) do nothing returning id`,
    [rows.map(({ id }) => id), rows.map(({ cardDeliveryId }) => cardDeliveryId)],
  );
  return new Set(inserted.rows.map(({ id }) => id));
}

/** The same of one. False: it is there already. */
export async function insertBoardDelivery(tx: Sql, id: DeliveryId, cardDeliveryId: string): Promise<boolean> {
  return (await insertBoardDeliveries(tx, [{ id, cardDeliveryId }])).has(id);
}

/** Statements on deliveries: claim, postpone, settle. */

import type { DeliveryState, Sql } from '../ledger/ledger.ts';
import type { DeliveryId, MailId, ReportId } from '../shared/ids.ts';

/** How long a claim lasts; whoever delivers renews it, so that a dead worker's deliveries are soon another's. */
const LEASE_SECONDS = 30;
/** How long a delivery may lie before the sweeper looks after it. */
const CHECK_SECONDS = 30;

export interface ClaimedDelivery {
  readonly id: DeliveryId;
  readonly target: 'patient-card' | 'board';
  readonly reportId: ReportId;
  readonly mailId: MailId;
  /** null: a replayed file. */
  readonly mailboxId: string | null;
  readonly practiceId: string;
  readonly source: 'mailbox' | 'replay';
  readonly format: string;
  readonly laboratory: string | null;
  readonly sender: string | null;
  readonly patientKey: Buffer | null;
  readonly referenceDigest: Buffer | null;
  readonly contentDigest: Buffer | null;
  /** Its place in its payload, from 1. */
  readonly reportOrdinal: number;
  readonly version: string;
  readonly isCorrected: boolean;
  readonly content: Buffer | null;
  /** The card that a person named, or null. */
  readonly overrideCard: string | null;
  /** Codes of what it was held for and a person decided to pass over. */
  readonly acknowledged: readonly string[];
  /** How persons wanted it released, where there was a choice. */
  readonly choices: readonly string[];
  /** The card whose results are to be taken back before this one is delivered, or null. */
  readonly retractFrom: string | null;
  /** What its results are called on the card where their keys say otherwise; null until that was decided. */
  readonly identifiers: ReadonlyMap<string, string> | null;
  readonly attempts: number;
  /** An earlier request for it may have been taken: the target is asked before anything else. */
  readonly isUncertain: boolean;
  /** Since it was made, by database time: a worker's own clock may be wrong. */
  readonly ageMs: number;
  /** INTERNALDATE; null where the mail was there before we looked, or a person decided about it: then nothing was timed. */
  readonly arrivedAt: Date | null;
}

export type ClaimAnswer =
  | { readonly kind: 'claimed'; readonly delivery: ClaimedDelivery }
  /** At rest, parked, or being worked on elsewhere: nothing to do. */
  | { readonly kind: 'nothing' }
  /** Another delivery for the same patient and target is on its way. */
  | { readonly kind: 'busy' };

// `generation`: the placeholder of the job's, which may be null.
const isClaimable = (generation: '$2' | '$3') => `d.state in ('ready', 'sending', 'uncertain') and not d.is_parked
  and (d.lease_until is null or d.lease_until < now()) and d.generation <= coalesce(${generation}::int, d.generation)`;

/**
 * Takes a delivery for this worker: ready → sending; one whose earlier claim ran out → uncertain, since its request may
 * have been taken. The unique index on (target, patient) makes a second one for the same patient wait.
 * A job of an earlier `generation` than the row's has a successor and does nothing; null: no job, but somebody who wants
 * it now.
 */
export async function claimDelivery(
  sql: Sql,
  id: string,
  leaseToken: string,
  generation: number | null = null,
): Promise<ClaimAnswer> {
  // `busy` is asked in the statement and guarded by the index: two claims at the same moment meet there.
  const claimed = await sql
    .query<{ state: string }>(
      `update delivery d set state = case when d.state = 'ready' then 'sending' else 'uncertain' end,
       lease_token = $2, lease_until = now() + make_interval(secs => ${LEASE_SECONDS})
     where d.id = $1 and ${isClaimable('$3')}
       and not exists (select 1 from delivery o where o.target = d.target and o.patient_key = d.patient_key and o.id <> d.id
                       and o.state in ('sending', 'uncertain'))
     returning d.state`,
      [id, leaseToken, generation],
    )
    .catch(asBusy);
  if (claimed === 'busy' || claimed.count === 0) {
    return (await waitsForItsPatient(sql, id, generation)) ? { kind: 'busy' } : { kind: 'nothing' };
  }
  const { rows } = await sql.query<StoredDelivery>(
    `select d.id, d.target, r.id as "reportId", r.mail_id as "mailId", m.mailbox_id as "mailboxId", r.practice_id as "practiceId", m.source, r.format, r.laboratory,
       r.sender, r.patient_key as "patientKey", r.reference_digest as "referenceDigest", r.content_digest as "contentDigest", r.report_ordinal as "reportOrdinal", r.version,
       r.is_corrected as "isCorrected", r.content, d.override ->> 'card' as "overrideCard",
       coalesce(d.override -> 'acknowledged', '[]') as acknowledged, coalesce(d.override -> 'choices', '[]') as choices,
       d.override ->> 'retractFrom' as "retractFrom", r.identifiers, d.attempts,
       d.state = 'uncertain' or d.ask_first as "isUncertain", round(extract(epoch from now() - d.created_at) * 1000)::bigint as "ageMs",
       case when m.source = 'mailbox' and not m.is_untimed and not d.is_untimed then m.internal_date end as "arrivedAt"
     from delivery d join report r on r.id = d.report_id join mail m on m.id = r.mail_id where d.id = $1`,
    [id],
  );
  const delivery = rows[0];
  if (delivery === undefined) return { kind: 'nothing' };
  const identifiers = delivery.identifiers === null ? null : new Map(Object.entries(delivery.identifiers));
  return { kind: 'claimed', delivery: { ...delivery, identifiers } };
}

type StoredDelivery = Omit<ClaimedDelivery, 'identifiers'> & {
  readonly identifiers: Readonly<Record<string, string>> | null;
};

function asBusy(thrown: unknown): 'busy' {
  const fields = (thrown as { fields?: { constraint?: unknown } }).fields;
  if (fields?.constraint === 'delivery_one_patient') return 'busy';
  throw thrown;
}

// Somebody looks after it then: the sweeper need not add it once more.
async function waitsForItsPatient(sql: Sql, id: string, generation: number | null): Promise<boolean> {
  const { count } = await sql.query(
    `update delivery d set next_check_at = greatest(next_check_at, now() + make_interval(secs => ${CHECK_SECONDS}))
     where d.id = $1 and ${isClaimable('$2')}`,
    [id, generation],
  );
  return count === 1;
}

/**
 * Whether this job is one for a target that is left alone for the moment. Then somebody looks after it: the sweeper need
 * not add it once more before the wait is over.
 */
export async function waitsForTarget(
  sql: Sql,
  id: string,
  generation: number | null,
  wait: { readonly target: ClaimedDelivery['target']; readonly delayMs: number },
): Promise<boolean> {
  const { count } = await sql.query(
    `update delivery d set next_check_at = greatest(next_check_at, now() + make_interval(secs => $4::double precision / 1000 + ${CHECK_SECONDS}))
     where d.id = $1 and d.target = $3 and ${isClaimable('$2')}`,
    [id, generation, wait.target, wait.delayMs],
  );
  return count === 1;
}

/** Keeps a claim while a slow target is waited for. False: it had passed to another. */
export async function renewLease(sql: Sql, id: string, leaseToken: string): Promise<boolean> {
  const { count } = await sql.query(
    `update delivery set lease_until = now() + make_interval(secs => ${LEASE_SECONDS}) where id = $1 and lease_token = $2`,
    [id, leaseToken],
  );
  return count === 1;
}

/** The target was asked and has not taken it: an uncertain claim is a plain one again. */
export async function clearUncertain(sql: Sql, id: string, leaseToken: string): Promise<void> {
  await sql.query(
    `update delivery set state = 'sending', ask_first = false where id = $1 and lease_token = $2 and state in ('sending', 'uncertain')`,
    [id, leaseToken],
  );
}

export interface Postponement {
  readonly delayMs: number;
  readonly isUncertain: boolean;
  readonly isParked: boolean;
  readonly isAttemptSpent: boolean;
  /** Code of the failure, or null. */
  readonly reason: string | null;
}

// Asked again under a lock on the choice of the practice: one that resumes in this very moment either is seen here, or
// waits for this and then finds what was parked. Without it a delivery could stay parked although nothing is paused.
const IS_PRACTICE_PAUSED = `coalesce((select i.state <> 'enabled' from report r join integration i on i.practice_id = r.practice_id
    where r.id = delivery.report_id and i.name = 'forwarding' for share of i), true)`;

/**
 * Gives a claim back, to be tried again later. `isUncertain`: the target may have taken it. `isParked`: the practice is
 * paused; it waits until the practice resumes.
 */
export async function postponeDelivery(sql: Sql, id: string, leaseToken: string, how: Postponement): Promise<void> {
  // Once uncertain, it stays so until the target was asked: only settling ends it.
  await sql.query(
    `update delivery set state = case when $3 or state = 'uncertain' then 'uncertain' else 'ready' end, is_parked = $4 and ${IS_PRACTICE_PAUSED}, reason = $5,
       attempts = attempts + $7, lease_token = null, lease_until = null,
       next_check_at = now() + make_interval(secs => $6::double precision / 1000 + ${CHECK_SECONDS})
     where id = $1 and lease_token = $2 and state in ('sending', 'uncertain')`,
    [id, leaseToken, how.isUncertain, how.isParked, how.reason, how.delayMs, how.isAttemptSpent ? 1 : 0],
  );
}

export interface Settlement {
  readonly state: Extract<DeliveryState, 'forwarded' | 'no-card' | 'shadowed' | 'held'>;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly withheldCount: number;
  /** Ids and versions of what stands at the target. */
  readonly receipt: Readonly<Record<string, unknown>> | null;
}

/**
 * Records the end of a delivery; only for the worker that claimed it. False: the claim had passed to another. `note` hears
 * when that was, by the ledger's clock.
 */
export async function settleDelivery(
  tx: Sql,
  id: string,
  leaseToken: string,
  settlement: Settlement,
  note: (settledAt: Date) => void = () => {},
): Promise<boolean> {
  const settled = await tx.query(
    `update delivery set state = $3, reason = $4, detail = $5, receipt = $6, settled_at = now(), lease_token = null, lease_until = null
     where id = $1 and lease_token = $2 and state in ('sending', 'uncertain')`,
    [
      id,
      leaseToken,
      settlement.state,
      settlement.reason,
      settlement.detail,
      settlement.receipt === null ? null : JSON.stringify(settlement.receipt),
    ],
  );
  if (settled.count === 0) return false;
  const { rows } = await tx.query<{ at: Date }>(
    'update report set withheld_count = $2 where id = (select report_id from delivery where id = $1) returning now() as at',
    [id, settlement.withheldCount],
  );
  if (rows[0] !== undefined) note(rows[0].at);
  return true;
}

/** The delivery to the board that follows one to the card; its id, or null where it is there already. */
export async function insertBoardDelivery(tx: Sql, id: DeliveryId, cardDeliveryId: string): Promise<boolean> {
  const inserted = await tx.query(
    `insert into delivery (id, report_id, target, state, patient_key, next_check_at)
     select $1, report_id, 'board', 'ready', patient_key, now() + make_interval(secs => ${CHECK_SECONDS}) from delivery where id = $2
     on conflict (report_id, target) do nothing`,
    [id, cardDeliveryId],
  );
  return inserted.count === 1;
}

/** Open deliveries that nobody looks after: generation raised, to be added to the queue again. */
export async function overdueDeliveries(
  sql: Sql,
  most: number,
): Promise<readonly { readonly id: DeliveryId; readonly generation: number }[]> {
  const { rows } = await sql.query<{ id: DeliveryId; generation: number }>(
    `update delivery set generation = generation + 1, next_check_at = now() + make_interval(secs => ${CHECK_SECONDS})
     where id in (
       select id from delivery where state in ('ready', 'sending', 'uncertain') and not is_parked and next_check_at < now()
         and (lease_until is null or lease_until < now()) order by next_check_at limit $1 for update skip locked)
     returning id, generation`,
    [most],
  );
  return rows;
}

/** Deliveries of these mails that are not at rest, and that no paused practice keeps back. */
export async function openDeliveriesOf(sql: Sql, mailIds: readonly MailId[]): Promise<readonly DeliveryId[]> {
  const { rows } = await sql.query<{ id: DeliveryId }>(
    `select d.id from delivery d join report r on r.id = d.report_id
     where r.mail_id = any($1::uuid[]) and d.state in ('ready', 'sending', 'uncertain') and not d.is_parked order by d.id`,
    [mailIds],
  );
  return rows.map((row) => row.id);
}

/** The oldest delivery for this patient and target that was never tried; null where there is none. */
export async function nextOfPatient(
  sql: Sql,
  target: ClaimedDelivery['target'],
  patientKey: Buffer,
): Promise<DeliveryId | null> {
  const { rows } = await sql.query<{ id: DeliveryId }>(
    `select id from delivery where target = $1 and patient_key = $2 and state = 'ready' and attempts = 0 and reason is null and not is_parked
       and (lease_until is null or lease_until < now()) order by created_at, id limit 1`,
    [target, patientKey],
  );
  return rows[0]?.id ?? null;
}

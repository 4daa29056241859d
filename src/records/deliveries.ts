/** Statements on deliveries: claim, postpone, find what waits. */

import type { Sql } from '../ledger/ledger.ts';
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

// `generation`: where the job's stands in the statement; it may be null.
const isClaimable = (
  generation: '$2' | 'w.generation',
) => `d.state in ('ready', 'sending', 'uncertain') and not d.is_parked
  and (d.lease_until is null or d.lease_until < now()) and d.generation <= coalesce(${generation}::int, d.generation)`;

/** A delivery that somebody wants to work on now. */
export interface ClaimWish {
  readonly id: string;
  readonly leaseToken: string;
  /** A job of an earlier generation than the row's has a successor and does nothing; null: no job, but somebody who wants it now. */
  readonly generation: number | null;
}

/**
 * Takes a delivery for this worker: ready → sending; one whose earlier claim ran out → uncertain, since its request may
 * have been taken. The unique index on (target, patient) makes a second one for the same patient wait.
 */
export async function claimDelivery(
  sql: Sql,
  id: string,
  leaseToken: string,
  generation: number | null = null,
): Promise<ClaimAnswer> {
  const [answer = { kind: 'nothing' }] = await claimDeliveries(sql, [{ id, leaseToken, generation }]);
  return answer;
}

/** The same of many, each answered in its place: of one patient one at most, also among themselves. */
export async function claimDeliveries(sql: Sql, wishes: readonly ClaimWish[]): Promise<readonly ClaimAnswer[]> {
  const claimed = await takeClaims(sql, wishes);
  const rest = wishes.filter(({ leaseToken }) => !claimed.has(leaseToken));
  const busy = rest.length === 0 ? new Set<string>() : await waitForTheirPatients(sql, rest);
  return wishes.map(({ id, leaseToken }): ClaimAnswer => {
    const delivery = claimed.get(leaseToken);
    if (delivery !== undefined) return { kind: 'claimed', delivery };
    return { kind: busy.has(id) ? 'busy' : 'nothing' };
  });
}

/** How often many are claimed anew in one statement before each is tried by itself. */
const TOGETHER_TRIES = 3;

// `busy` is asked in the statement and guarded by the index: two claims at the same moment meet there. Where that is one of
// many, none of them was made. Asked again the other's claim is seen, so that only its patient is busy.
async function takeClaims(
  sql: Sql,
  wishes: readonly ClaimWish[],
  tries = TOGETHER_TRIES,
): Promise<ReadonlyMap<string, ClaimedDelivery>> {
  const claimed = await claimRows(sql, wishes).catch(asBusy);
  if (claimed !== 'busy') return claimed;
  const all = new Map<string, ClaimedDelivery>();
  if (wishes.length === 1) return all;
  if (tries > 1) return takeClaims(sql, wishes, tries - 1);
  for (const wish of wishes) for (const [token, delivery] of await takeClaims(sql, [wish])) all.set(token, delivery);
  return all;
}

/** By lease token. */
async function claimRows(sql: Sql, wishes: readonly ClaimWish[]): Promise<ReadonlyMap<string, ClaimedDelivery>> {
  const { rows } = await sql.query<StoredDelivery & { leaseToken: string }>(
    `with wish as (select * from unnest($1::uuid[], $2::uuid[], $3::int[]) with ordinality as w (id, token, generation, place)),
       chosen as (
         select distinct on (d.target, coalesce(d.patient_key, uuid_send(d.id))) d.id, w.token, w.generation
         from wish w join delivery d on d.id = w.id
         where ${isClaimable('w.generation')} and not exists (select 1 from delivery o where o.target = d.target
           and o.patient_key = d.patient_key and o.id <> d.id and o.state in ('sending', 'uncertain'))
         order by d.target, coalesce(d.patient_key, uuid_send(d.id)), w.place)
     update delivery d set state = case when d.state = 'ready' then 'sending' else 'uncertain' end,
       lease_token = w.token, lease_until = now() + make_interval(secs => ${LEASE_SECONDS})
     from chosen w, report r, mail m
     where d.id = w.id and r.id = d.report_id and m.id = r.mail_id and ${isClaimable('w.generation')}
     returning w.token as "leaseToken", d.id, d.target, r.id as "reportId", r.mail_id as "mailId", m.mailbox_id as "mailboxId",
       r.practice_id as "practiceId", m.source, r.format, r.laboratory, r.sender, r.patient_key as "patientKey",
       r.reference_digest as "referenceDigest", r.content_digest as "contentDigest", r.report_ordinal as "reportOrdinal", r.version,
       r.is_corrected as "isCorrected", r.content, d.override ->> 'card' as "overrideCard",
       coalesce(d.override -> 'acknowledged', '[]') as acknowledged, coalesce(d.override -> 'choices', '[]') as choices,
       d.override ->> 'retractFrom' as "retractFrom", r.identifiers, d.attempts,
       d.state = 'uncertain' or d.ask_first as "isUncertain", round(extract(epoch from now() - d.created_at) * 1000)::bigint as "ageMs",
       case when m.source = 'mailbox' and not m.is_untimed and not d.is_untimed then m.internal_date end as "arrivedAt"`,
    [
      wishes.map(({ id }) => id),
      wishes.map(({ leaseToken }) => leaseToken),
      wishes.map(({ generation }) => generation),
    ],
  );
  return new Map(
    rows.map(({ leaseToken, identifiers, ...delivery }) => [
      leaseToken,
      { ...delivery, identifiers: identifiers === null ? null : new Map(Object.entries(identifiers)) },
    ]),
  );
}

type StoredDelivery = Omit<ClaimedDelivery, 'identifiers'> & {
  readonly identifiers: Readonly<Record<string, string>> | null;
};

function asBusy(thrown: unknown): 'busy' {
  const fields = (thrown as { fields?: { constraint?: unknown } }).fields;
  if (fields?.constraint === 'delivery_one_patient') return 'busy';
  throw thrown;
}

// Somebody looks after them then: the sweeper need not add them once more.
async function waitForTheirPatients(sql: Sql, wishes: readonly ClaimWish[]): Promise<ReadonlySet<string>> {
  const { rows } = await sql.query<{ id: string }>(
    `update delivery d set next_check_at = greatest(next_check_at, now() + make_interval(secs => ${CHECK_SECONDS}))
     from unnest($1::uuid[], $2::int[]) as w (id, generation) where d.id = w.id and ${isClaimable('w.generation')} returning d.id`,
    [wishes.map(({ id }) => id), wishes.map(({ generation }) => generation)],
  );
  return new Set(rows.map(({ id }) => id));
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
  const [next = null] = await nextOfPatients(sql, [{ target, patientKey }]);
  return next;
}

/** The first of those of one patient and target, as SQL: of whoever has a `target` and a `patient_key`. */
export const NEXT_OF_PATIENT = (whose: string) =>
  `select id from delivery d where d.target = ${whose}.target and d.patient_key = ${whose}.patient_key and d.state = 'ready'
         and attempts = 0 and reason is null and not is_parked and (lease_until is null or lease_until < now())
         order by created_at, id limit 1`;

/** The same of many, each in its place. */
export async function nextOfPatients(
  sql: Sql,
  asked: readonly { readonly target: ClaimedDelivery['target']; readonly patientKey: Buffer }[],
): Promise<readonly (DeliveryId | null)[]> {
  const { rows } = await sql.query<{ place: number; id: DeliveryId }>(
    `select a.place::int as place, n.id from unnest($1::text[], $2::bytea[]) with ordinality as a (target, patient_key, place),
       lateral (${NEXT_OF_PATIENT('a')}) n`,
    [asked.map(({ target }) => target), asked.map(({ patientKey }) => patientKey)],
  );
  const found = new Map(rows.map(({ place, id }) => [place - 1, id]));
  return asked.map((_, place) => found.get(place) ?? null);
}

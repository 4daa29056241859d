/**
 * Statements on registrations on their way: rendered, claimed, postponed, settled. Of one patient and practice one goes at
 * a time, the oldest first, so that a correction never overtakes what it corrects.
 */

import type { RegistrationState, Sql } from '../ledger/ledger.ts';
import type { RegistrationId } from '../shared/ids.ts';

/** How long a claim lasts; whoever sends renews it, so that a dead worker's registrations are soon another's. */
const LEASE_SECONDS = 30;
/** How long a registration may lie before the sweeper looks after it. */
const CHECK_SECONDS = 30;

export interface OpenRegistration {
  readonly id: RegistrationId;
  readonly sourceId: string;
  readonly practiceId: string;
  readonly patientKey: Buffer;
  readonly earlierId: string | null;
  readonly content: Buffer | null;
  readonly attempts: number;
}

export type RegistrationClaim =
  | { readonly kind: 'claimed'; readonly registration: OpenRegistration }
  /** At rest, not rendered, parked, or being sent elsewhere: nothing to do. */
  | { readonly kind: 'nothing' }
  /** An older one of the same patient is not at rest yet. */
  | { readonly kind: 'busy' };

const COLUMNS = `r.id, r.source_id as "sourceId", r.practice_id as "practiceId", r.patient_key as "patientKey", r.earlier_id as "earlierId",
  r.content, r.attempts`;

// A job of an earlier generation than the row's has a successor; null: no job, but somebody who wants it now.
const isOpen = (states: string, generation: '$2' | '$3') => `r.state in (${states}) and not r.is_parked
  and (r.lease_until is null or r.lease_until < now()) and r.generation <= coalesce(${generation}::int, r.generation)`;
const UNRENDERED = "'accepted'";
const RENDERED = "'queued', 'sending', 'uncertain'";
const OPEN = `${UNRENDERED}, ${RENDERED}`;

const IS_OLDER_OPEN = `exists (select 1 from registration o where o.practice_id = r.practice_id and o.patient_key = r.patient_key and o.id <> r.id
  and (o.state in ('sending', 'uncertain') or (o.state in ('accepted', 'queued') and (o.created_at, o.id) < (r.created_at, r.id))))`;
const IS_PART_UNCERTAIN = `exists (select 1 from outward_mail m where m.registration_id = r.id and m.state = 'uncertain')`;

/** One that is to be rendered, as it stands; null: it is rendered, at rest or parked, or another job's. */
export async function unrenderedRegistration(
  sql: Sql,
  id: string,
  generation: number | null,
): Promise<OpenRegistration | null> {
  const { rows } = await sql.query<OpenRegistration>(
    `select ${COLUMNS} from registration r where r.id = $1 and ${isOpen(UNRENDERED, '$2')}`,
    [id, generation],
  );
  return rows[0] ?? null;
}

/** Nobody else renders it until the transaction ends. `gone`: somebody has; `busy`: an older one of the patient is open. */
export async function lockUnrendered(tx: Sql, id: string): Promise<'locked' | 'busy' | 'gone'> {
  const { rows } = await tx.query(
    `select 1 from registration where id = $1 and state = 'accepted' and not is_parked for update`,
    [id],
  );
  if (rows.length === 0) return 'gone';
  const older = await tx.query(`select 1 from registration r where r.id = $1 and ${IS_OLDER_OPEN}`, [id]);
  return older.count === 0 ? 'locked' : 'busy';
}

export interface AcceptedEnd {
  readonly state: Extract<RegistrationState, 'queued' | 'shadowed' | 'held'>;
  readonly reason: string | null;
  readonly detail: string | null;
}

/** What rendering made of it. False: it was not `accepted` any more. */
export async function settleAccepted(tx: Sql, id: string, { state, reason, detail }: AcceptedEnd): Promise<boolean> {
  const { count } = await tx.query(
    `update registration set state = $2::text, reason = $3, detail = $4, attempts = 0,
       settled_at = case when $2::text <> 'queued' then now() end where id = $1 and state = 'accepted'`,
    [id, state, reason, detail],
  );
  return count === 1;
}

/** Rendering is tried again later, or waits until the practice resumes. */
export async function postponeAccepted(sql: Sql, id: string, how: RegistrationPostponement): Promise<void> {
  await sql.query(
    `update registration set is_parked = $2, reason = $3, attempts = attempts + $5,
       next_check_at = now() + make_interval(secs => $4::double precision / 1000 + ${CHECK_SECONDS}) where id = $1 and state = 'accepted'`,
    [id, how.isParked, how.reason, how.delayMs, how.isAttemptSpent ? 1 : 0],
  );
}

/**
 * Takes a rendered registration for this worker: `sending`, or `uncertain` where the bytes of a part went and nobody knows
 * what became of them, which is also what a worker leaves that died while it sent.
 */
export async function claimRegistration(
  sql: Sql,
  id: string,
  leaseToken: string,
  generation: number | null = null,
): Promise<RegistrationClaim> {
  // `busy` is asked in the statement and guarded by the index: two claims at the same moment meet there.
  const claimed = await sql
    .query<OpenRegistration>(
      `update registration r set state = case when ${IS_PART_UNCERTAIN} then 'uncertain' else 'sending' end, lease_token = $2,
         lease_until = now() + make_interval(secs => ${LEASE_SECONDS})
       where r.id = $1 and ${isOpen(RENDERED, '$3')} and not ${IS_OLDER_OPEN} returning ${COLUMNS}`,
      [id, leaseToken, generation],
    )
    .catch(asBusy);
  const registration = claimed === 'busy' ? undefined : claimed.rows[0];
  if (registration !== undefined) return { kind: 'claimed', registration };
  return { kind: (await waitUntilAsked(sql, id, generation, 0)) ? 'busy' : 'nothing' };
}

function asBusy(thrown: unknown): 'busy' {
  const fields = (thrown as { fields?: { constraint?: unknown } }).fields;
  if (fields?.constraint === 'registration_one_patient') return 'busy';
  throw thrown;
}

/** Whether this job is one that may be taken up in a while; then the sweeper need not add it before the wait is over. */
export async function waitUntilAsked(
  sql: Sql,
  id: string,
  generation: number | null,
  delayMs: number,
): Promise<boolean> {
  const { count } = await sql.query(
    `update registration r set next_check_at = greatest(next_check_at, now() + make_interval(secs => $3::double precision / 1000 + ${CHECK_SECONDS}))
     where r.id = $1 and ${isOpen(OPEN, '$2')}`,
    [id, generation, delayMs],
  );
  return count === 1;
}

/** Keeps a claim while the relay is waited for. False: it had passed to another. */
export async function renewRegistration(sql: Sql, id: string, leaseToken: string): Promise<boolean> {
  const { count } = await sql.query(
    `update registration set lease_until = now() + make_interval(secs => ${LEASE_SECONDS}) where id = $1 and lease_token = $2`,
    [id, leaseToken],
  );
  return count === 1;
}

export interface RegistrationPostponement {
  readonly delayMs: number;
  /** The practice is paused: it waits until the practice resumes. */
  readonly isParked: boolean;
  readonly isAttemptSpent: boolean;
  /** Code of the failure, or null. */
  readonly reason: string | null;
}

// Asked again under a lock on the choice of the practice: one that resumes in this very moment either is seen here, or
// waits for this and then finds what was parked.
const IS_PRACTICE_PAUSED = `coalesce((select i.state <> 'enabled' from integration i where i.practice_id = r.practice_id
  and i.name = 'registrations' for share of i), true)`;

/** Gives a claim back, to be tried again later; uncertain for as long as one of its parts is. */
export async function postponeRegistration(
  sql: Sql,
  id: string,
  leaseToken: string,
  how: RegistrationPostponement,
): Promise<void> {
  await sql.query(
    `update registration r set state = case when ${IS_PART_UNCERTAIN} then 'uncertain' else 'queued' end,
       is_parked = $3 and ${IS_PRACTICE_PAUSED}, reason = $4, attempts = attempts + $6, lease_token = null, lease_until = null,
       next_check_at = now() + make_interval(secs => $5::double precision / 1000 + ${CHECK_SECONDS})
     where r.id = $1 and r.lease_token = $2 and r.state in ('sending', 'uncertain')`,
    [id, leaseToken, how.isParked, how.reason, how.delayMs, how.isAttemptSpent ? 1 : 0],
  );
}

export interface RegistrationEnd {
  readonly state: Extract<RegistrationState, 'sent' | 'shadowed' | 'held'>;
  readonly reason: string | null;
  readonly detail: string | null;
}

/**
 * Records what sending came to; only for the worker that claimed it. False: the claim had passed to another. What may have
 * been sent is never said to be in shadow.
 */
export async function settleRegistration(
  tx: Sql,
  id: string,
  leaseToken: string,
  { state, reason, detail }: RegistrationEnd,
): Promise<boolean> {
  const { count } = await tx.query(
    `update registration set state = $3::text, reason = $4, detail = $5, lease_token = null, lease_until = null,
       sent_at = case when $3::text = 'sent' then coalesce(sent_at, now()) else sent_at end,
       settled_at = case when $3::text <> 'sent' then now() end
     where id = $1 and lease_token = $2 and state in ('sending', case when $3::text <> 'shadowed' then 'uncertain' end)`,
    [id, leaseToken, state, reason, detail],
  );
  return count === 1;
}

/** Open registrations that nobody looks after: generation raised, to be added to the queue again. */
export async function overdueRegistrations(
  sql: Sql,
  most: number,
): Promise<readonly { readonly id: RegistrationId; readonly generation: number }[]> {
  const { rows } = await sql.query<{ id: RegistrationId; generation: number }>(
    `update registration set generation = generation + 1, next_check_at = now() + make_interval(secs => ${CHECK_SECONDS})
     where id in (
       select id from registration where state in (${OPEN}) and not is_parked and next_check_at < now()
         and (lease_until is null or lease_until < now()) order by next_check_at limit $1 for update skip locked)
     returning id, generation`,
    [most],
  );
  return rows;
}

/** The oldest open one of this patient and practice that was never tried; null where there is none. */
export async function nextRegistrationOfPatient(
  sql: Sql,
  { practiceId, patientKey }: Pick<OpenRegistration, 'practiceId' | 'patientKey'>,
): Promise<RegistrationId | null> {
  const { rows } = await sql.query<{ id: RegistrationId }>(
    `select id from registration where practice_id = $1 and patient_key = $2 and state in ('accepted', 'queued') and attempts = 0 and reason is null
       and not is_parked and (lease_until is null or lease_until < now()) order by created_at, id limit 1`,
    [practiceId, patientKey],
  );
  return rows[0]?.id ?? null;
}

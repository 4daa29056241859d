/** Statements on registrations as they come in, and as they are looked at. */

import type { RegistrationState, Sql } from '../ledger/ledger.ts';
import type { RegistrationId, SourceId } from '../shared/ids.ts';

/** How long a registration may lie before the sweeper looks after it. */
const CHECK_SECONDS = 30;

export interface NewRegistration {
  readonly id: RegistrationId;
  readonly sourceId: SourceId;
  /** A UUID. */
  readonly idempotencyKey: string;
  readonly bodyDigest: Buffer;
  readonly practiceId: string;
  readonly patientKey: Buffer;
  readonly origin: 'card' | 'board';
  readonly earlierId: string | null;
  readonly writtenAt: Date;
  /** Ciphertext. */
  readonly content: Buffer;
}

/** False: the source has used this key before. A second one at the same moment waits until the first has committed. */
export async function insertRegistration(tx: Sql, row: NewRegistration): Promise<boolean> {
  const { count } = await tx.query(
    `insert into registration (id, source_id, idempotency_key, body_digest, practice_id, patient_key, origin, state, earlier_id, written_at, content, next_check_at)
     values ($1, $2, $3, $4, $5, $6, $7, 'accepted', $8, $9, $10, now() + make_interval(secs => ${CHECK_SECONDS}))
     on conflict (source_id, idempotency_key) do nothing`,
    [
      row.id,
      row.sourceId,
      row.idempotencyKey,
      row.bodyDigest,
      row.practiceId,
      row.patientKey,
      row.origin,
      row.earlierId,
      row.writtenAt,
      row.content,
    ],
  );
  return count === 1;
}

/** What a source posted under this key; the digest is null where it has had its time. */
export async function registrationOfKey(
  sql: Sql,
  sourceId: SourceId,
  idempotencyKey: string,
): Promise<{ readonly id: RegistrationId; readonly bodyDigest: Buffer | null } | null> {
  const { rows } = await sql.query<{ id: RegistrationId; bodyDigest: Buffer | null }>(
    'select id, body_digest as "bodyDigest" from registration where source_id = $1 and idempotency_key = $2',
    [sourceId, idempotencyKey],
  );
  return rows[0] ?? null;
}

export interface RegistrationView {
  readonly id: RegistrationId;
  readonly state: string;
  readonly reason: string | null;
  readonly createdAt: Date;
  readonly sentAt: Date | null;
  readonly settledAt: Date | null;
  /** Of its latest rendering; none before it is rendered. */
  readonly parts: readonly RegistrationPartView[];
}

export interface RegistrationPartView {
  readonly part: number;
  readonly parts: number;
  readonly controlReference: string;
  readonly state: string;
}

// What only we make a difference of: to a source it waits.
const shown = (state: string) =>
  `case when $2::uuid is not null and ${state} in ('sending', 'uncertain') then 'queued' else ${state} end`;

/**
 * As a source may see its own, or, with null, as the office sees any: to a source what is being sent, or perhaps was,
 * is queued.
 */
export async function findRegistration(
  sql: Sql,
  sourceId: SourceId | null,
  id: string,
): Promise<RegistrationView | null> {
  const { rows } = await sql.query<RegistrationView>(
    `select r.id, ${shown('r.state')} as state, r.reason, r.created_at as "createdAt", r.sent_at as "sentAt", r.settled_at as "settledAt",
       coalesce((select jsonb_agg(jsonb_build_object('part', m.part, 'parts', m.parts, 'controlReference', m.control_reference,
           'state', ${shown('m.state')}) order by m.part)
         from (select o.*, count(*) over () as parts from outward_mail o where o.registration_id = r.id
           and o.rendering = (select max(rendering) from outward_mail where registration_id = r.id)) m), '[]') as parts
     from registration r where r.id = $1 and ($2::uuid is null or r.source_id = $2)`,
    [id, sourceId],
  );
  return rows[0] ?? null;
}

export interface EarlierRegistration {
  readonly sourceId: SourceId;
  readonly practiceId: string;
  readonly patientKey: Buffer;
  readonly state: RegistrationState;
  readonly writtenAt: Date;
  /** Control references of its latest rendering, in the order of its parts. */
  readonly references: readonly string[];
}

/** One that another corrects or withdraws. */
export async function earlierRegistration(sql: Sql, id: string): Promise<EarlierRegistration | null> {
  const { rows } = await sql.query<EarlierRegistration>(
    `select source_id as "sourceId", practice_id as "practiceId", patient_key as "patientKey", state, written_at as "writtenAt",
       array(select m.control_reference from outward_mail m where m.registration_id = r.id
         and m.rendering = (select max(rendering) from outward_mail where registration_id = r.id) order by m.part) as references
     from registration r where id = $1`,
    [id],
  );
  return rows[0] ?? null;
}

/** The practice's choice on registrations, which stays as it is until the transaction ends; null: never enabled. */
export async function lockRegistrationChoice(
  tx: Sql,
  practiceId: string,
): Promise<{ readonly state: 'enabled' | 'paused' | 'disabled'; readonly mode: 'shadow' | 'live' } | null> {
  const { rows } = await tx.query<{ state: 'enabled' | 'paused' | 'disabled'; mode: 'shadow' | 'live' }>(
    `select state, mode from integration where practice_id = $1 and name = 'registrations' for share`,
    [practiceId],
  );
  return rows[0] ?? null;
}

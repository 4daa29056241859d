/** What the ledger remembers across messages: references, laboratory numbers, laboratories that were accepted. */

import type { Sql } from '../ledger/ledger.ts';

/** Another report with the same laboratory, time and references but other content, neither marked corrected. */
export async function hasReferenceConflict(
  sql: Sql,
  report: {
    readonly reportId: string;
    readonly practiceId: string;
    /** Under every live key, as the content's; none: the report states no reference. */
    readonly referenceDigests: readonly Buffer[];
    readonly contentDigests: readonly Buffer[];
  },
): Promise<boolean> {
  if (report.referenceDigests.length === 0 || report.contentDigests.length === 0) return false;
  const { count } = await sql.query(
    `select 1 from report r join delivery d on d.report_id = r.id and d.target = 'patient-card'
     where r.practice_id = $1 and r.reference_digest = any($2::bytea[]) and r.content_digest <> all($3::bytea[]) and r.id <> $4 and not r.is_corrected
       and d.state not in ('no-card', 'discarded', 'quarantined') limit 1`,
    [report.practiceId, report.referenceDigests, report.contentDigests, report.reportId],
  );
  return count > 0;
}

/**
 * Whether an earlier report came under the same references with another moment. Only the later of two says so, so that a
 * delivery that is tried again says what it said before.
 */
export async function isReferenceReused(
  sql: Sql,
  report: {
    readonly reportId: string;
    readonly practiceId: string;
    /** Under every live key, as those with the moment; none: the report states no reference. */
    readonly referenceNameDigests: readonly Buffer[];
    readonly referenceDigests: readonly Buffer[];
  },
): Promise<boolean> {
  if (report.referenceNameDigests.length === 0 || report.referenceDigests.length === 0) return false;
  const { count } = await sql.query(
    `select 1 from report n join report r on r.practice_id = n.practice_id and r.reference_name_digest = any($2::bytea[])
       and r.reference_digest <> all($3::bytea[]) and (r.created_at, r.id) < (n.created_at, n.id)
     where n.id = $1 and n.practice_id = $4 limit 1`,
    [report.reportId, report.referenceNameDigests, report.referenceDigests, report.practiceId],
  );
  return count > 0;
}

/** How long a laboratory number belongs to the patient it was last seen under (lab-report.md). */
export const LAB_NUMBER_DAYS = 90;

// Nothing more goes to a patient from whom a number was taken back, or is about to be by a delivery that is under way.
const IS_THEIRS = `n.retracted_at is null and not exists (select 1 from delivery d where d.id = n.retracting_by
    and d.state in ('ready', 'sending', 'uncertain'))`;
const IS_RECENT = `n.seen_at > now() - make_interval(days => ${LAB_NUMBER_DAYS})`;
// A report without a BSN has a patient key of its own; the card then says whether it is the same patient.
const IS_OTHER = `n.patient_key <> $2 and (n.card_id is null or $3::text is null or n.card_id <> $3)`;
// Two patients may share a number once a person decided so: each then has a row, and neither stands in the other's way.
const HAS_OWN = `exists (select 1 from lab_number n where n.number_digest = o.number_digest and n.patient_key = $2 and ${IS_THEIRS})`;

/** Whether one of these numbers was taken back from this patient, or is about to be: a person decided that it is another's. */
export async function isTakenBack(sql: Sql, numbers: readonly Buffer[], patientKey: Buffer): Promise<boolean> {
  const { count } = await sql.query(
    `select 1 from lab_number n where n.number_digest = any($1::bytea[]) and n.patient_key = $2 and not (${IS_THEIRS}) limit 1`,
    [numbers, patientKey],
  );
  return count > 0;
}

/** Whether one of these laboratory numbers was seen under another patient within 90 days, and never accepted for this one. */
export async function isUnderOtherPatient(
  sql: Sql,
  numbers: readonly Buffer[],
  patientKey: Buffer,
  cardId: string | null = null,
): Promise<boolean> {
  return (await otherCards(sql, numbers, patientKey, cardId)).length > 0;
}

/** A card that a number was delivered to before. */
export interface OtherCard {
  /** Patient id; null where it was delivered before cards were remembered. */
  readonly card: string | null;
  readonly practiceAgb: string | null;
}

/** The cards of other patients that these numbers were seen under within 90 days. */
export async function otherCards(
  sql: Sql,
  numbers: readonly Buffer[],
  patientKey: Buffer,
  cardId: string | null,
): Promise<readonly OtherCard[]> {
  const { rows } = await sql.query<OtherCard>(
    `select distinct o.card_id as card, p.agb as "practiceAgb" from (select * from lab_number n where n.number_digest = any($1::bytea[]) and ${IS_OTHER}
         and ${IS_RECENT} and n.retracted_at is null) o
       left join delivery d on d.id = o.delivery_id left join report r on r.id = d.report_id left join practice p on p.id = r.practice_id
     where not ${HAS_OWN} order by 1, 2`,
    [numbers, patientKey, cardId],
  );
  return rows;
}

/**
 * Remembers the numbers of a report that goes to a card, in the transaction that decides so. A number that another
 * patient had, however long ago, gets a scope: its results must not meet that patient's under one identifier.
 */
export async function rememberLabNumbers(
  tx: Sql,
  numbers: readonly Buffer[],
  patientKey: Buffer,
  deliveryId: string,
  cardId: string | null = null,
): Promise<void> {
  for (const number of numbers) {
    await tx.query(
      `insert into lab_number (number_digest, patient_key, delivery_id, seen_at, card_id, scope)
       select $1, $2, $4::uuid, now(), $3::text, case
         when bool_or(not (${IS_OTHER})) then max(n.scope) filter (where not (${IS_OTHER}))
         when count(*) > 0 then ($4::uuid)::text end
       from lab_number n where n.number_digest = $1
       on conflict (number_digest, patient_key) do update set seen_at = now(), card_id = coalesce(excluded.card_id, lab_number.card_id),
         retracting_by = null, retracting_at = null, retracted_at = null`,
      [number, patientKey, cardId, deliveryId],
    );
  }
}

/** Those of these numbers that are remembered, for whoever. */
export async function knownNumbers(sql: Sql, numbers: readonly Buffer[]): Promise<readonly Buffer[]> {
  const { rows } = await sql.query<{ number: Buffer }>(
    'select distinct number_digest as number from lab_number where number_digest = any($1::bytea[])',
    [numbers],
  );
  return rows.map(({ number }) => number);
}

/** What sets the identifiers of a number apart for this patient, by number (hex); nothing for a number that has no scope. */
export async function scopesOf(
  sql: Sql,
  numbers: readonly Buffer[],
  patientKey: Buffer,
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql.query<{ number: string; scope: string }>(
    `select encode(number_digest, 'hex') as number, scope from lab_number
     where number_digest = any($1::bytea[]) and patient_key = $2 and scope is not null`,
    [numbers, patientKey],
  );
  return new Map(rows.map(({ number, scope }) => [number, scope]));
}

export async function isSenderAccepted(sql: Sql, sender: string): Promise<boolean> {
  return (await sql.query('select 1 from accepted_sender where sender = $1', [sender])).count === 1;
}

/** A person accepted a laboratory that the registry does not know. */
export async function acceptSender(tx: Sql, sender: string, acceptedBy: string): Promise<void> {
  await tx.query('insert into accepted_sender (sender, accepted_by) values ($1, $2) on conflict do nothing', [
    sender,
    acceptedBy,
  ]);
}

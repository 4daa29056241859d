/** What the ledger remembers across messages: references, laboratory numbers, laboratories that were accepted. */

import type { Sql } from '../ledger/ledger.ts';

/** A report that is compared with what has its references. */
export interface ReferencedReport {
  readonly reportId: string;
  readonly practiceId: string;
  /** Under every live key, as the content's; none: the report states no reference. */
  readonly referenceDigests: readonly Buffer[];
  readonly contentDigests: readonly Buffer[];
}

/** Another report with the same laboratory, time and references but other content, neither marked corrected. */
export async function hasReferenceConflict(sql: Sql, report: ReferencedReport): Promise<boolean> {
  return (await referenceConflicts(sql, [report])).has(report.reportId);
}

/** Those of many reports that have such another one, by id. */
export async function referenceConflicts(sql: Sql, reports: readonly ReferencedReport[]): Promise<ReadonlySet<string>> {
  const asked = reports.filter(
    ({ referenceDigests, contentDigests }) => referenceDigests.length > 0 && contentDigests.length > 0,
  );
  if (asked.length === 0) return new Set();
  const references = asked.flatMap(({ reportId, practiceId, referenceDigests }) =>
    referenceDigests.map((digest) => ({ reportId, practiceId, digest })),
  );
  const contents = asked.flatMap(({ reportId, contentDigests }) =>
    contentDigests.map((digest) => ({ reportId, digest })),
  );
  const { rows } = await sql.query<{ id: string }>(
    `with own as (select * from unnest($4::uuid[], $5::bytea[]) as o (id, content_digest))
     select distinct a.id from unnest($1::uuid[], $2::uuid[], $3::bytea[]) as a (id, practice_id, reference_digest)
       join report r on r.practice_id = a.practice_id and r.reference_digest = a.reference_digest
       join delivery d on d.report_id = r.id and d.target = 'patient-card'
     where r.content_digest is not null and not exists (select 1 from own where own.id = a.id and own.content_digest = r.content_digest)
       and r.id <> a.id and not r.is_corrected and d.state not in ('no-card', 'discarded', 'quarantined')`,
    [
      references.map(({ reportId }) => reportId),
      references.map(({ practiceId }) => practiceId),
      references.map(({ digest }) => digest),
      contents.map(({ reportId }) => reportId),
      contents.map(({ digest }) => digest),
    ],
  );
  return new Set(rows.map(({ id }) => id));
}

/** A report whose references are compared with earlier ones. */
export interface NamedReport {
  readonly reportId: string;
  readonly practiceId: string;
  /** Under every live key, as those with the moment; none: the report states no reference. */
  readonly referenceNameDigests: readonly Buffer[];
  readonly referenceDigests: readonly Buffer[];
}

/**
 * Whether an earlier report came under the same references with another moment. Only the later of two says so, so that a
 * delivery that is tried again says what it said before.
 */
export async function isReferenceReused(sql: Sql, report: NamedReport): Promise<boolean> {
  return (await reusedReferences(sql, [report])).has(report.reportId);
}

/** Those of many reports of which it is so, by id. */
export async function reusedReferences(sql: Sql, reports: readonly NamedReport[]): Promise<ReadonlySet<string>> {
  const asked = reports.filter(
    ({ referenceNameDigests, referenceDigests }) => referenceNameDigests.length > 0 && referenceDigests.length > 0,
  );
  if (asked.length === 0) return new Set();
  const names = asked.flatMap(({ reportId, practiceId, referenceNameDigests }) =>
    referenceNameDigests.map((digest) => ({ reportId, practiceId, digest })),
  );
  const references = asked.flatMap(({ reportId, referenceDigests }) =>
    referenceDigests.map((digest) => ({ reportId, digest })),
  );
  const { rows } = await sql.query<{ id: string }>(
    `with own as (select * from unnest($4::uuid[], $5::bytea[]) as o (id, reference_digest))
     select distinct n.id from unnest($1::uuid[], $2::uuid[], $3::bytea[]) as a (id, practice_id, name_digest)
       join report n on n.id = a.id and n.practice_id = a.practice_id
       join report r on r.practice_id = a.practice_id and r.reference_name_digest = a.name_digest
     where r.reference_digest is not null and (r.created_at, r.id) < (n.created_at, n.id)
       and not exists (select 1 from own where own.id = a.id and own.reference_digest = r.reference_digest)`,
    [
      names.map(({ reportId }) => reportId),
      names.map(({ practiceId }) => practiceId),
      names.map(({ digest }) => digest),
      references.map(({ reportId }) => reportId),
      references.map(({ digest }) => digest),
    ],
  );
  return new Set(rows.map(({ id }) => id));
}

/** How long a laboratory number belongs to the patient it was last seen under (lab-report.md). */
export const LAB_NUMBER_DAYS = 90;

// Nothing more goes to a patient from whom a number was taken back, or is about to be by a delivery that is under way.
const IS_THEIRS = `n.retracted_at is null and not exists (select 1 from delivery d where d.id = n.retracting_by
    and d.state in ('ready', 'sending', 'uncertain'))`;
const IS_RECENT = `n.seen_at > now() - make_interval(days => ${LAB_NUMBER_DAYS})`;
// A report without a BSN has a patient key of its own; the card then says whether it is the same patient.
const IS_OTHER = `n.patient_key <> a.patient_key and (n.card_id is null or a.card_id is null or n.card_id <> a.card_id)`;
// Two patients may share a number once a person decided so: each then has a row, and neither stands in the other's way.
const HAS_OWN = `exists (select 1 from lab_number n where n.number_digest = a.number_digest and n.patient_key = a.patient_key and ${IS_THEIRS})`;

/** Whose numbers are asked about. */
export interface NumberHolderAsked {
  readonly numbers: readonly Buffer[];
  readonly patientKey: Buffer;
  /** The card that they go to, where it is known. */
  readonly cardId: string | null;
}

// As `a` in the statements: one row for each number of each that is asked about, with its place among them.
const ASKED =
  'unnest($1::int[], $2::bytea[], $3::bytea[], $4::text[]) as a (place, number_digest, patient_key, card_id)';

function askedValues(asked: readonly NumberHolderAsked[]) {
  const flat = asked.flatMap(({ numbers, patientKey, cardId }, place) =>
    numbers.map((number) => ({ place, number, patientKey, cardId })),
  );
  return [
    flat.map(({ place }) => place),
    flat.map(({ number }) => number),
    flat.map(({ patientKey }) => patientKey),
    flat.map(({ cardId }) => cardId),
  ] as const;
}

/** Whether one of these numbers was taken back from this patient, or is about to be: a person decided that it is another's. */
export async function isTakenBack(sql: Sql, numbers: readonly Buffer[], patientKey: Buffer): Promise<boolean> {
  return (await takenBack(sql, [{ numbers, patientKey, cardId: null }])).has(0);
}

/** The same of many: the places of those of whom it is so. */
export async function takenBack(sql: Sql, asked: readonly NumberHolderAsked[]): Promise<ReadonlySet<number>> {
  if (asked.length === 0) return new Set();
  const { rows } = await sql.query<{ place: number }>(
    `select distinct a.place from ${ASKED} join lab_number n on n.number_digest = a.number_digest and n.patient_key = a.patient_key
     where not (${IS_THEIRS})`,
    askedValues(asked),
  );
  return new Set(rows.map(({ place }) => place));
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
  const [cards = []] = await otherCardsOf(sql, [{ numbers, patientKey, cardId }]);
  return cards;
}

/** The same of many, each in its place. */
export async function otherCardsOf(
  sql: Sql,
  asked: readonly NumberHolderAsked[],
): Promise<readonly (readonly OtherCard[])[]> {
  if (asked.length === 0) return [];
  const { rows } = await sql.query<OtherCard & { place: number }>(
    `select distinct a.place, n.card_id as card, p.agb as "practiceAgb" from ${ASKED}
       join lab_number n on n.number_digest = a.number_digest and ${IS_OTHER} and ${IS_RECENT} and n.retracted_at is null
       left join delivery d on d.id = n.delivery_id left join report r on r.id = d.report_id left join practice p on p.id = r.practice_id
     where not ${HAS_OWN} order by 1, 2, 3`,
    askedValues(asked),
  );
  return asked.map((_, index) =>
    rows.filter(({ place }) => place === index).map(({ card, practiceAgb }) => ({ card, practiceAgb })),
  );
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
  await rememberNumbersOf(tx, [{ numbers, patientKey, cardId, deliveryId }]);
}

/** The same of many reports, no two of which have a number in common. */
export async function rememberNumbersOf(
  tx: Sql,
  reports: readonly (NumberHolderAsked & { readonly deliveryId: string })[],
): Promise<void> {
  if (reports.length === 0) return;
  const deliveryIds = reports.flatMap(({ numbers, deliveryId }) => numbers.map(() => deliveryId));
  await tx.query(
    `insert into lab_number (number_digest, patient_key, delivery_id, seen_at, card_id, scope)
     select a.number_digest, a.patient_key, a.delivery_id, now(), a.card_id, s.scope
     from unnest($1::int[], $2::bytea[], $3::bytea[], $4::text[], $5::uuid[]) as a (place, number_digest, patient_key, card_id, delivery_id),
       lateral (select case
           when bool_or(not (${IS_OTHER})) then max(n.scope) filter (where not (${IS_OTHER}))
           when count(*) > 0 then a.delivery_id::text end as scope
         from lab_number n where n.number_digest = a.number_digest) s
     on conflict (number_digest, patient_key) do update set seen_at = now(), card_id = coalesce(excluded.card_id, lab_number.card_id),
       retracting_by = null, retracting_at = null, retracted_at = null`,
    [...askedValues(reports), deliveryIds],
  );
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
  const [scopes = new Map()] = await scopesOfAll(sql, [{ numbers, patientKey, cardId: null }]);
  return scopes;
}

/** The same of many, each in its place. */
export async function scopesOfAll(
  sql: Sql,
  asked: readonly NumberHolderAsked[],
): Promise<readonly ReadonlyMap<string, string>[]> {
  if (asked.length === 0) return [];
  const { rows } = await sql.query<{ place: number; number: string; scope: string }>(
    `select a.place, encode(n.number_digest, 'hex') as number, n.scope from ${ASKED}
       join lab_number n on n.number_digest = a.number_digest and n.patient_key = a.patient_key where n.scope is not null`,
    askedValues(asked),
  );
  return asked.map(
    (_, index) =>
      new Map(rows.filter(({ place }) => place === index).map(({ number, scope }) => [number, scope] as const)),
  );
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

/**
 * What the ledger remembers of laboratory numbers: whose they are, and which results were delivered under them.
 *
 * One statement for all that is asked of a number, since all of it is asked at one moment, under the number's lock: what the
 * answers are made of cannot change in between, and whoever waits for the lock asks once.
 */

import type { Sql } from '../ledger/ledger.ts';
import type { KnownResult, RememberedNumber } from './lab-results.ts';

/** How long a laboratory number belongs to the patient it was last seen under (lab-report.md). */
export const LAB_NUMBER_DAYS = 90;

/** Whose numbers are asked about. */
export interface NumberHolderAsked {
  readonly numbers: readonly Buffer[];
  readonly patientKey: Buffer;
  /** The card that they go to, where it is known. */
  readonly cardId: string | null;
}

/** A card that a number was delivered to before. */
export interface OtherCard {
  /** Patient id; null where it was delivered before cards were remembered. */
  readonly card: string | null;
  readonly practiceAgb: string | null;
}

/** What is known of one number, to whom asks for one patient. */
export interface NumberFacts {
  /** In hex. */
  readonly number: string;
  /** Remembered, for whoever. */
  readonly isKnown: boolean;
  /** It was taken back from this patient, or is about to be: a person decided that it is another's. */
  readonly isTakenBack: boolean;
  /** The cards of other patients that it was seen under within 90 days; none where it was accepted for this one. */
  readonly otherCards: readonly OtherCard[];
  /** What sets its identifiers apart for this patient, who has it or whose card has it. */
  readonly scope: string | null;
  /** Other patients alone had it, however long ago: their identifiers must not be met under. */
  readonly isOfOthersOnly: boolean;
  /** What was delivered under it for this patient; also what went to the same card without a BSN. */
  readonly results: readonly KnownResult[];
}

// Values and not `exists`, of which PostgreSQL may make a list of all open deliveries, or of all numbers, first.
const IS_OWN = 'n.patient_key = a.patient_key';
// Nothing more goes to a patient from whom a number was taken back, or is about to be by a delivery that is under way.
const IS_THEIRS = `n.retracted_at is null and coalesce((select d.state not in ('ready', 'sending', 'uncertain') from delivery d
    where d.id = n.retracting_by), true)`;
const IS_RECENT = `n.seen_at > now() - make_interval(days => ${LAB_NUMBER_DAYS})`;
// A report without a BSN has a patient key of its own; the card then says whether it is the same patient.
const IS_OTHER = `(n.patient_key <> a.patient_key and (n.card_id is null or a.card_id is null or n.card_id <> a.card_id))`;

/** The rows of one number, in one. `is_theirs`: this patient has it, and nobody takes it from them. */
const HELD = `select count(*) > 0 as is_known, coalesce(bool_or(${IS_OWN}), false) as has_own,
    coalesce(bool_or(${IS_OWN} and ${IS_THEIRS}), false) as is_theirs, coalesce(bool_or(not ${IS_OTHER}), false) as has_same,
    max(n.scope) filter (where ${IS_OWN}) as own_scope, max(n.scope) filter (where not ${IS_OTHER}) as same_scope
  from lab_number n where n.number_digest = a.number_digest`;

const OTHER_CARDS = `select distinct n.card_id as card, p.agb as "practiceAgb" from lab_number n
    left join delivery d on d.id = n.delivery_id left join report r on r.id = d.report_id left join practice p on p.id = r.practice_id
  where n.number_digest = a.number_digest and ${IS_OTHER} and ${IS_RECENT} and n.retracted_at is null`;

const RESULTS = `select distinct on (r.code_digest, r.identifier) encode(r.number_digest, 'hex') as number, encode(r.code_digest, 'hex') as code,
    encode(r.name_digest, 'hex') as name, encode(r.moment_digest, 'hex') as moment, encode(r.day_digest, 'hex') as day, r.ordinal,
    r.identifier, r.report_identifier as "reportIdentifier"
  from lab_result r where r.number_digest = a.number_digest and (r.patient_key = a.patient_key or a.card_id = (
    select n.card_id from lab_number n where n.number_digest = r.number_digest and n.patient_key = r.patient_key))
  order by r.code_digest, r.identifier, r.seen_at desc`;

// Two patients may share a number once a person decided so: each then has a row, and neither stands in the other's way.
// The arrays as sub-selects: PostgreSQL counts one that it sees, finds the plan for any number of rows dearer than one for
// these few, and would plan this statement anew each time (which takes longer than carrying it out).
const FACTS = `select a.place, encode(a.number_digest, 'hex') as number, h.is_known as "isKnown",
    h.has_own and not h.is_theirs as "isTakenBack",
    case when h.is_theirs then '[]'
      else (select coalesce(json_agg(o order by o.card, o."practiceAgb"), '[]') from (${OTHER_CARDS}) o) end as "otherCards",
    case when h.has_own then h.own_scope else h.same_scope end as scope, h.is_known and not h.has_same as "isOfOthersOnly",
    (select coalesce(json_agg(k order by k.code, k.identifier), '[]') from (${RESULTS}) k) as results
  from unnest((select $1::int[]), (select $2::bytea[]), (select $3::bytea[]), (select $4::text[])) with ordinality
      as a (place, number_digest, patient_key, card_id, ordinal), lateral (${HELD}) h
  order by a.ordinal`;

/** Each in its place, with each of its numbers once, in the order asked. */
export async function factsOfNumbers(
  sql: Sql,
  asked: readonly NumberHolderAsked[],
): Promise<readonly (readonly NumberFacts[])[]> {
  const flat = asked.flatMap(({ numbers, patientKey, cardId }, place) =>
    differentNumbers(numbers).map((number) => ({ place, number, patientKey, cardId })),
  );
  const facts = asked.map((): NumberFacts[] => []);
  if (flat.length === 0) return facts;
  const { rows } = await sql.query<NumberFacts & { place: number }>(FACTS, [
    flat.map(({ place }) => place),
    flat.map(({ number }) => number),
    flat.map(({ patientKey }) => patientKey),
    flat.map(({ cardId }) => cardId),
  ]);
  for (const { place, ...fact } of rows) facts[place]?.push(fact);
  return facts;
}

/** Each once: a laboratory may be called the same by both names. */
export function differentNumbers(numbers: readonly Buffer[]): readonly Buffer[] {
  return [...new Map(numbers.map((number) => [number.toString('hex'), number])).values()];
}

/** The cards that these numbers are in doubt for, each once. */
export function cardsAmong(facts: readonly NumberFacts[]): readonly OtherCard[] {
  return [...new Map(facts.flatMap(({ otherCards }) => otherCards).map((one) => [JSON.stringify(one), one])).values()];
}

/** A number that another patient had, however long ago, gets a scope: the delivery that brings it to a second one. */
export function scopeOf({ scope, isOfOthersOnly }: NumberFacts, deliveryId: string | null): string | null {
  return isOfOthersOnly ? deliveryId : scope;
}

/** As they are remembered when a report of theirs goes to a card. */
export function rememberedNumbers(
  facts: readonly NumberFacts[],
  whose: Omit<RememberedNumber, 'number' | 'scope'>,
): readonly RememberedNumber[] {
  return facts.map((fact) => ({
    ...whose,
    number: Buffer.from(fact.number, 'hex'),
    scope: scopeOf(fact, whose.deliveryId),
  }));
}

/** Which results were delivered under a laboratory's number, and how each is called on the card. Keyed digests only. */

import type { Sql } from '../ledger/ledger.ts';
import type { NumberHolderAsked } from './memory.ts';

/** A result that was delivered, or is about to be. All but the ordinal are keyed digests, in hex. */
export interface KnownResult {
  readonly number: string;
  /** Laboratory, number, year, order, code (else name), sub-id. */
  readonly code: string;
  /** Number, year, name and material. */
  readonly name: string;
  readonly moment: string;
  readonly day: string;
  /** Which of equals of one moment, from 1. */
  readonly ordinal: number;
  /** On the card. */
  readonly identifier: string;
  readonly reportIdentifier: string;
}

/** What was delivered for this patient under these numbers; also what went to the same card without a BSN. */
export async function knownResults(
  sql: Sql,
  numbers: readonly Buffer[],
  patientKey: Buffer,
  cardId: string | null,
): Promise<readonly KnownResult[]> {
  const [known = []] = await knownResultsOf(sql, [{ numbers, patientKey, cardId }]);
  return known;
}

/** The same of many, each in its place. */
export async function knownResultsOf(
  sql: Sql,
  asked: readonly NumberHolderAsked[],
): Promise<readonly (readonly KnownResult[])[]> {
  const flat = asked.flatMap(({ numbers, patientKey, cardId }, place) =>
    numbers.map((number) => ({ place, number, patientKey, cardId })),
  );
  if (flat.length === 0) return asked.map(() => []);
  const { rows } = await sql.query<KnownResult & { place: number }>(
    `select distinct on (a.place, r.number_digest, r.code_digest, r.identifier) a.place,
       encode(r.number_digest, 'hex') as number, encode(r.code_digest, 'hex') as code, encode(r.name_digest, 'hex') as name,
       encode(r.moment_digest, 'hex') as moment, encode(r.day_digest, 'hex') as day, r.ordinal, r.identifier, r.report_identifier as "reportIdentifier"
     from unnest($1::int[], $2::bytea[], $3::bytea[], $4::text[]) as a (place, number_digest, patient_key, card_id)
       join lab_result r on r.number_digest = a.number_digest and (r.patient_key = a.patient_key or exists (
         select 1 from lab_number n where n.number_digest = r.number_digest and n.patient_key = r.patient_key and n.card_id = a.card_id))
     order by a.place, r.number_digest, r.code_digest, r.identifier, r.seen_at desc`,
    [
      flat.map(({ place }) => place),
      flat.map(({ number }) => number),
      flat.map(({ patientKey }) => patientKey),
      flat.map(({ cardId }) => cardId),
    ],
  );
  const known = asked.map((): KnownResult[] => []);
  for (const { place, ...result } of rows) known[place]?.push(result);
  return known;
}

/** What is to be remembered of one report before it is written. */
export interface RememberedReport {
  readonly patientKey: Buffer;
  readonly reportId: string;
  readonly results: readonly KnownResult[];
  /** From the digest of a key to what it is called on the card, where they differ. */
  readonly identifiers: ReadonlyMap<string, string>;
}

/**
 * Remembers the results of a report before they are written, with what their keys are called on the card (digest of the
 * key → identifier, where they differ), in one transaction.
 */
export async function rememberResults(
  tx: Sql,
  patientKey: Buffer,
  reportId: string,
  results: readonly KnownResult[],
  identifiers: ReadonlyMap<string, string>,
): Promise<void> {
  await rememberResultsOf(tx, [{ patientKey, reportId, results, identifiers }]);
}

/** The same of many reports. */
export async function rememberResultsOf(tx: Sql, reports: readonly RememberedReport[]): Promise<void> {
  if (reports.length === 0) return;
  // One row twice in a statement would be refused: of the same result the last counts, as it would one after the other.
  const rows = new Map(
    reports.flatMap(({ patientKey, results }) =>
      results.map((result) => {
        const { number, code, identifier } = result;
        return [`${number} ${patientKey.toString('hex')} ${code} ${identifier}`, { ...result, patientKey }] as const;
      }),
    ),
  );
  const of = <Value>(value: (row: KnownResult & { readonly patientKey: Buffer }) => Value) =>
    [...rows.values()].map(value);
  const digest = (hex: string) => Buffer.from(hex, 'hex');
  await tx.query(
    `insert into lab_result (number_digest, patient_key, code_digest, name_digest, moment_digest, day_digest, ordinal, identifier, report_identifier)
     select * from unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[], $7::int[], $8::text[], $9::text[])
     on conflict (number_digest, patient_key, code_digest, identifier) do update set name_digest = excluded.name_digest,
       moment_digest = excluded.moment_digest, day_digest = excluded.day_digest, ordinal = excluded.ordinal,
       report_identifier = excluded.report_identifier, seen_at = now()`,
    [
      of(({ number }) => digest(number)),
      of(({ patientKey }) => patientKey),
      of(({ code }) => digest(code)),
      of(({ name }) => digest(name)),
      of(({ moment }) => digest(moment)),
      of(({ day }) => digest(day)),
      of(({ ordinal }) => ordinal),
      of(({ identifier }) => identifier),
      of(({ reportIdentifier }) => reportIdentifier),
    ],
  );
  await tx.query(
    `update report r set identifiers = i.identifiers::jsonb from unnest($1::uuid[], $2::text[]) as i (id, identifiers) where r.id = i.id`,
    [
      reports.map(({ reportId }) => reportId),
      reports.map(({ identifiers }) => JSON.stringify(Object.fromEntries(identifiers))),
    ],
  );
}

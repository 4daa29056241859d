/** Which results were delivered under a laboratory's number, and how each is called on the card. Keyed digests only. */

import type { Sql } from '../ledger/ledger.ts';

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
  const { rows } = await sql.query<KnownResult>(
    `select distinct on (r.number_digest, r.code_digest, r.identifier)
       encode(r.number_digest, 'hex') as number, encode(r.code_digest, 'hex') as code, encode(r.name_digest, 'hex') as name,
       encode(r.moment_digest, 'hex') as moment, encode(r.day_digest, 'hex') as day, r.ordinal, r.identifier, r.report_identifier as "reportIdentifier"
     from lab_result r where r.number_digest = any($1::bytea[]) and (r.patient_key = $2 or exists (
       select 1 from lab_number n where n.number_digest = r.number_digest and n.patient_key = r.patient_key and n.card_id = $3::text))
     order by r.number_digest, r.code_digest, r.identifier, r.seen_at desc`,
    [numbers, patientKey, cardId],
  );
  return rows;
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
  for (const result of results) {
    await tx.query(
      `insert into lab_result (number_digest, patient_key, code_digest, name_digest, moment_digest, day_digest, ordinal, identifier, report_identifier)
       values (decode($1, 'hex'), $2, decode($3, 'hex'), decode($4, 'hex'), decode($5, 'hex'), decode($6, 'hex'), $7, $8, $9)
       on conflict (number_digest, patient_key, code_digest, identifier) do update set name_digest = excluded.name_digest,
         moment_digest = excluded.moment_digest, day_digest = excluded.day_digest, ordinal = excluded.ordinal,
         report_identifier = excluded.report_identifier, seen_at = now()`,
      [
        result.number,
        patientKey,
        result.code,
        result.name,
        result.moment,
        result.day,
        result.ordinal,
        result.identifier,
        result.reportIdentifier,
      ],
    );
  }
  await tx.query('update report set identifiers = $2 where id = $1', [
    reportId,
    JSON.stringify(Object.fromEntries(identifiers)),
  ]);
}

/** Taking a laboratory's number back from the patient who had it first: remembered before the first write, and after the last. */

import type { Sql } from '../ledger/ledger.ts';

/** A patient whose results under some numbers are to be taken back. */
export interface NumberHolder {
  readonly patientKey: Buffer;
  readonly practiceId: string | null;
  /** When it was begun: the version of the retraction. */
  readonly since: Date;
}

/**
 * From now on nothing more is delivered to this card under these numbers. Answers who has them; nobody where it was done
 * before. The delivery is the one that was decided to take their place.
 */
export async function beginRetraction(
  tx: Sql,
  numbers: readonly Buffer[],
  cardId: string,
  deliveryId: string,
): Promise<readonly NumberHolder[]> {
  const { rows } = await tx.query<NumberHolder>(
    `update lab_number n set retracting_by = $3, retracting_at = case when n.retracting_by = $3 then n.retracting_at else now() end
     from delivery d join report r on r.id = d.report_id
     where d.id = n.delivery_id and n.number_digest = any($1::bytea[]) and n.card_id = $2 and n.retracted_at is null
     returning n.patient_key as "patientKey", r.practice_id as "practiceId", n.retracting_at as since`,
    [numbers, cardId, deliveryId],
  );
  return rows;
}

/** Whether something is under way for one of these patients, to card or board: it passed its checks before. */
export async function arePatientsBusy(sql: Sql, patientKeys: readonly Buffer[]): Promise<boolean> {
  const { count } = await sql.query(
    `select 1 from delivery where patient_key = any($1::bytea[]) and state in ('sending', 'uncertain') limit 1`,
    [patientKeys],
  );
  return count > 0;
}

/** What stands on card and board under these numbers for these patients. */
export async function deliveredUnder(
  sql: Sql,
  numbers: readonly Buffer[],
  patientKeys: readonly Buffer[],
): Promise<{ readonly results: readonly string[]; readonly reports: readonly string[] }> {
  const { rows } = await sql.query<{ identifier: string; report: string }>(
    `select distinct identifier, report_identifier as report from lab_result
     where number_digest = any($1::bytea[]) and patient_key = any($2::bytea[]) order by 1, 2`,
    [numbers, patientKeys],
  );
  return {
    results: [...new Set(rows.map(({ identifier }) => identifier))],
    reports: [...new Set(rows.map(({ report }) => report))],
  };
}

/** Everything is taken back. False: somebody else's retraction, or a decision against it, came between. */
export async function endRetraction(
  tx: Sql,
  numbers: readonly Buffer[],
  cardId: string,
  deliveryId: string,
): Promise<boolean> {
  const { count } = await tx.query(
    `update lab_number set retracted_at = now() where number_digest = any($1::bytea[]) and card_id = $2 and retracting_by = $3 and retracted_at is null`,
    [numbers, cardId, deliveryId],
  );
  return count > 0;
}

/** Which of these numbers (hex) were taken back from this patient. */
export async function retractedNumbers(
  sql: Sql,
  numbers: readonly Buffer[],
  patientKey: Buffer,
): Promise<ReadonlySet<string>> {
  const { rows } = await sql.query<{ number: string }>(
    `select encode(number_digest, 'hex') as number from lab_number
     where number_digest = any($1::bytea[]) and patient_key = $2 and retracted_at is not null`,
    [numbers, patientKey],
  );
  return new Set(rows.map(({ number }) => number));
}

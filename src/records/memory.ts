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

/** How long a laboratory number belongs to the patient it was last seen under (lab-report.md). */
export const LAB_NUMBER_DAYS = 90;

/** Whether one of these laboratory numbers was seen under another patient within 90 days. */
export async function isUnderOtherPatient(sql: Sql, numbers: readonly Buffer[], patientKey: Buffer): Promise<boolean> {
  const { count } = await sql.query(
    `select 1 from lab_number where number_digest = any($1::bytea[]) and patient_key <> $2
       and seen_at > now() - make_interval(days => ${LAB_NUMBER_DAYS}) limit 1`,
    [numbers, patientKey],
  );
  return count > 0;
}

/** Remembers the numbers of a report that goes to a card, in the transaction that decides so: under the newest key. */
export async function rememberLabNumbers(
  tx: Sql,
  numbers: readonly Buffer[],
  patientKey: Buffer,
  deliveryId: string,
): Promise<void> {
  for (const number of numbers) {
    await tx.query(
      `insert into lab_number (number_digest, patient_key, delivery_id, seen_at) values ($1, $2, $3, now())
       on conflict (number_digest, patient_key) do update set seen_at = now()`,
      [number, patientKey, deliveryId],
    );
  }
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

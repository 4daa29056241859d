/** Statements on reports: what a mail was read as. */

import type { DeliveryState, Sql } from '../ledger/ledger.ts';
import type { DeliveryId, MailId, ReportId } from '../shared/ids.ts';

/** A report (or a payload that was not understood) with the state its delivery to the card starts in. */
export interface NewReport {
  readonly id: ReportId;
  readonly deliveryId: DeliveryId;
  readonly mailId: MailId;
  readonly practiceId: string | null;
  readonly kind: 'report' | 'payload';
  readonly payloadOrdinal: number;
  readonly reportOrdinal: number;
  readonly format: string;
  readonly laboratory: string | null;
  readonly sender: string | null;
  readonly patientKey: Buffer | null;
  readonly contentDigest: Buffer | null;
  readonly referenceDigest: Buffer | null;
  readonly version: string | null;
  readonly isCorrected: boolean;
  readonly content: Buffer | null;
  readonly state: Extract<DeliveryState, 'ready' | 'duplicate' | 'held' | 'quarantined' | 'discarded'>;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly originalId: string | null;
}

/** Makes equal contents wait for each other until this transaction ends, so that only one of them is the original. */
export async function lockContents(tx: Sql, digests: readonly Buffer[]): Promise<void> {
  const locks = [...new Set(digests.map((digest) => digest.readBigInt64BE(0).toString()))].sort();
  // One by one in one order everywhere: two transactions can then never wait for each other.
  for (const lock of locks) await tx.query('select pg_advisory_xact_lock($1::bigint)', [lock]);
}

/** The earlier delivery of the same content to the same practice, the most telling one first. */
export interface Original {
  readonly deliveryId: string;
  readonly state: DeliveryState;
  readonly reason: string | null;
}

export async function findOriginal(tx: Sql, practiceId: string, contentDigest: Buffer): Promise<Original | null> {
  const { rows } = await tx.query<Original>(
    `select d.id as "deliveryId", d.state, d.reason from report r join delivery d on d.report_id = r.id and d.target = 'patient-card'
     where r.practice_id = $1 and r.content_digest = $2 and d.original_id is null
       and d.state in ('ready', 'sending', 'uncertain', 'forwarded', 'held')
     order by d.state = 'held', d.created_at limit 1`,
    [practiceId, contentDigest],
  );
  return rows[0] ?? null;
}

/** Inserts reports with their deliveries. A report that is there already (the mail is read again) is left as it is. */
export async function insertReports(tx: Sql, reports: readonly NewReport[]): Promise<readonly DeliveryId[]> {
  const added: DeliveryId[] = [];
  for (const report of reports) {
    if (await insertReport(tx, report)) added.push(report.deliveryId);
  }
  return added;
}

async function insertReport(tx: Sql, report: NewReport): Promise<boolean> {
  const inserted = await tx.query(
    `insert into report (id, mail_id, practice_id, kind, payload_ordinal, report_ordinal, format, laboratory, sender, patient_key,
       content_digest, reference_digest, version, is_corrected, content, erased_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, case when $15::bytea is null then now() end)
     on conflict (mail_id, payload_ordinal, report_ordinal) do nothing`,
    [
      report.id,
      report.mailId,
      report.practiceId,
      report.kind,
      report.payloadOrdinal,
      report.reportOrdinal,
      report.format,
      report.laboratory,
      report.sender,
      report.patientKey,
      report.contentDigest,
      report.referenceDigest,
      report.version,
      report.isCorrected,
      report.content,
    ],
  );
  if (inserted.count === 0) return false;
  const settled = report.state !== 'ready';
  await tx.query(
    `insert into delivery (id, report_id, target, state, reason, detail, patient_key, original_id, next_check_at, settled_at)
     values ($1, $2, 'patient-card', $3, $4, $5, $6, $7, now() + interval '60 seconds', case when $8::boolean then now() end)`,
    [
      report.deliveryId,
      report.id,
      report.state,
      report.reason,
      report.detail,
      report.patientKey,
      report.originalId,
      settled,
    ],
  );
  return true;
}

// A mail that is read again may have a report from the first time that still needs the bytes; eraseMails takes them later.
const HAS_REPORT = 'exists (select 1 from report r where r.mail_id = mail.id)';

/** Records that a mail was read; only for the worker that claimed it. False: the claim had passed to another. */
export async function settleMail(
  tx: Sql,
  mailId: string,
  leaseToken: string,
  answer: { readonly verdict: 'not-lab' | null; readonly reason: string | null },
): Promise<boolean> {
  const settled = await tx.query(
    `update mail set state = 'read', verdict = $3::text, reason = $4, read_at = now(), lease_token = null, lease_until = null,
       content = case when $3::text is null or ${HAS_REPORT} then content end,
       erased_at = case when $3::text is null or ${HAS_REPORT} then erased_at else now() end
     where id = $1 and lease_token = $2 and state = 'copied'`,
    [mailId, leaseToken, answer.verdict, answer.reason],
  );
  return settled.count === 1;
}

/** Erases a report's content: nothing but digests stays. */
export async function eraseReport(tx: Sql, reportId: string): Promise<void> {
  await tx.query('update report set content = null, erased_at = now() where id = $1 and content is not null', [
    reportId,
  ]);
}

/** Erases the bytes of mails whose every report rests without a person or a card waiting for it. */
export async function eraseMails(tx: Sql, most: number): Promise<number> {
  const erased = await tx.query(
    `update mail set content = null, erased_at = now() where id in (
       select m.id from mail m where m.state = 'read' and m.content is not null
         and exists (select 1 from report r where r.mail_id = m.id)
         and not exists (select 1 from report r join delivery d on d.report_id = r.id and d.target = 'patient-card'
                         where r.mail_id = m.id and d.state not in ('no-card', 'duplicate', 'discarded'))
       order by m.id limit $1)`,
    [most],
  );
  return erased.count;
}

/**
 * What has had its time: found and erased in batches, each in one transaction.
 *
 * Never touched, however old: what is held or quarantined, and what is not at rest. A state that content may go in is one
 * that nobody leaves, so no decision can come in between; rows that another process has in hand are skipped.
 */

import type { Sql } from '../ledger/ledger.ts';
import {
  countPrunableRegistrations,
  forgetBodies,
  type PrunedRegistrations,
  pruneRegistrations,
} from './registration-retention.ts';
import { MAIL_FACTS } from './reports.ts';

export interface Retention {
  /** Days that the content of a forwarded or shadowed report, and its mail, are kept. */
  readonly keepDays: number;
  /** Days that digests find what was seen before. */
  readonly dedupeDays: number;
}

export interface Pruned extends PrunedRegistrations {
  readonly reports: number;
  readonly mails: number;
  /** Bytes of ciphertext, registrations and their mails too. */
  readonly bytes: number;
  /** Mails, reports and registrations whose digests have passed the dedupe horizon. */
  readonly digests: number;
  /** What is remembered of laboratory numbers and of the results under them. */
  readonly labNumbers: number;
}

const KEPT = 'make_interval(days => $1::int)';

const UNDECIDED = `exists (select 1 from delivery d where d.report_id = r.id and d.state in ('ready', 'sending', 'uncertain', 'held', 'quarantined'))`;

// Of card and board the later: while one of them is to be kept, so is the report.
const REPORT_DUE = `r.content is not null and not ${UNDECIDED} and exists (select 1 from delivery d where d.report_id = r.id)
  and not exists (select 1 from delivery d where d.report_id = r.id and d.state in ('forwarded', 'shadowed')
    and (d.settled_at is null or d.settled_at > now() - ${KEPT}))`;

// A verdict without a report (a letter) keeps nothing. With reports: eraseMail's rules, and forwarded and shadowed after their time.
const MAIL_DUE = `m.content is not null and m.state = 'read' and coalesce(
  (select (s.is_done or s.has_stranger) and not s.is_needed from (${MAIL_FACTS('m.id', `coalesce(d.settled_at <= now() - ${KEPT}, false)`)}) s where s.is_done is not null),
  m.verdict is not null)`;

const PAST_HORIZON = 'now() - make_interval(days => $1::int)';

// While a mail has its bytes it may be read again, and its reports are recognised by their digests.
const MAIL_DIGEST_DUE = `m.digest is not null and m.copied_at < ${PAST_HORIZON} and m.content is null and m.state = 'read'
  and not exists (select 1 from mail n where n.digest = m.digest and n.copied_at >= ${PAST_HORIZON})`;

// Counted from the last time that the content came: a duplicate of last week may have another next week.
const REPORT_DIGEST_DUE = `(r.content_digest is not null or r.reference_digest is not null) and r.created_at < ${PAST_HORIZON}
  and not ${UNDECIDED} and exists (select 1 from mail m where m.id = r.mail_id and m.state = 'read' and m.content is null)
  and not exists (select 1 from delivery d join delivery o on o.original_id = d.id where d.report_id = r.id and o.created_at >= ${PAST_HORIZON})`;

// A number guards for 90 days, and says for as long as corrections can come what results are called on the card: a key holds
// the year, so past the horizon nothing new meets it. What a person decided about a number stays.
const LAB_NUMBER_DUE = `n.seen_at < ${PAST_HORIZON} and n.scope is null and n.retracting_by is null and n.retracted_at is null`;
const LAB_RESULT_DUE = `n.seen_at < ${PAST_HORIZON} and not exists (select 1 from lab_number l where l.number_digest = n.number_digest
  and l.patient_key = n.patient_key and (l.scope is not null or l.retracting_by is not null or l.retracted_at is not null))`;

/** Erases what is due now, at most `most` of each kind. All zero: nothing is due, or others have it in hand. */
export async function pruneBatch(tx: Sql, { keepDays, dedupeDays }: Retention, most: number): Promise<Pruned> {
  const reports = await erase(tx, 'report r', REPORT_DUE, [keepDays, most]);
  const mails = await erase(tx, 'mail m', MAIL_DUE, [keepDays, most]);
  const mailDigests = await tx.query(
    `update mail set digest = null where id in (select m.id from mail m where ${MAIL_DIGEST_DUE} order by m.copied_at limit $2 for update of m skip locked)`,
    [dedupeDays, most],
  );
  const reportDigests = await tx.query(
    `update report set content_digest = null, reference_digest = null, reference_name_digest = null
     where id in (select r.id from report r where ${REPORT_DIGEST_DUE} order by r.created_at limit $2 for update of r skip locked)`,
    [dedupeDays, most],
  );
  const labNumbers = await tx.query(
    `delete from lab_number where (number_digest, patient_key) in
       (select n.number_digest, n.patient_key from lab_number n where ${LAB_NUMBER_DUE} order by n.seen_at limit $2 for update of n skip locked)`,
    [dedupeDays, most],
  );
  const labResults = await tx.query(
    `delete from lab_result where (number_digest, patient_key, code_digest, identifier) in
       (select n.number_digest, n.patient_key, n.code_digest, n.identifier from lab_result n where ${LAB_RESULT_DUE} order by n.seen_at limit $2
        for update of n skip locked)`,
    [dedupeDays, most],
  );
  const { bytes, ...outward } = await pruneRegistrations(tx, keepDays, most);
  const bodies = await forgetBodies(tx, dedupeDays, most);
  return {
    ...outward,
    reports: reports.count,
    mails: mails.count,
    bytes: reports.bytes + mails.bytes + bytes,
    digests: mailDigests.count + reportDigests.count + bodies,
    labNumbers: labNumbers.count + labResults.count,
  };
}

async function erase(
  tx: Sql,
  from: 'report r' | 'mail m',
  due: string,
  values: readonly number[],
): Promise<{ readonly count: number; readonly bytes: number }> {
  const [table, alias] = from.split(' ');
  const { rows } = await tx.query<{ bytes: number }>(
    `with due as (select ${alias}.id, octet_length(${alias}.content) as bytes from ${from} where ${due}
       order by ${alias}.id limit $2 for update of ${alias} skip locked)
     update ${table} set content = null, erased_at = now() from due where ${table}.id = due.id returning due.bytes`,
    values,
  );
  return { count: rows.length, bytes: rows.reduce((sum, row) => sum + row.bytes, 0) };
}

/** What would go now, all of it; nothing is changed. */
export async function countPrunable(sql: Sql, { keepDays, dedupeDays }: Retention): Promise<Pruned> {
  const content = (from: string, due: string) =>
    sql.query<{ count: number; bytes: number }>(
      `select count(*) as count, coalesce(sum(octet_length(content)), 0)::bigint as bytes from ${from} where ${due}`,
      [keepDays],
    );
  const digests = (from: string, due: string) =>
    sql.query<{ count: number }>(`select count(*) as count from ${from} where ${due}`, [dedupeDays]);
  const reports = (await content('report r', REPORT_DUE)).rows[0];
  const mails = (await content('mail m', MAIL_DUE)).rows[0];
  const mailDigests = (await digests('mail m', MAIL_DIGEST_DUE)).rows[0];
  const reportDigests = (await digests('report r', REPORT_DIGEST_DUE)).rows[0];
  const labNumbers = await sql.query<{ count: number }>(
    `select (select count(*) from lab_number n where ${LAB_NUMBER_DUE}) + (select count(*) from lab_result n where ${LAB_RESULT_DUE}) as count`,
    [dedupeDays],
  );
  const { bytes, digests: bodies, ...outward } = await countPrunableRegistrations(sql, { keepDays, dedupeDays });
  return {
    ...outward,
    reports: reports?.count ?? 0,
    mails: mails?.count ?? 0,
    bytes: (reports?.bytes ?? 0) + (mails?.bytes ?? 0) + bytes,
    digests: (mailDigests?.count ?? 0) + (reportDigests?.count ?? 0) + bodies,
    labNumbers: labNumbers.rows[0]?.count ?? 0,
  };
}

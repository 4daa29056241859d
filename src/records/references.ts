/**
 * What stands against a report before it is written: another of the same references, a laboratory that nobody accepted.
 *
 * One statement for all of it: it is asked of every report at one moment, and with the newest digest key of that moment, so
 * that nothing which was written under a key that the asker had not heard of is missed, without a lock.
 */

import { NEWEST_DIGEST_KEY } from '../keys/keys.ts';
import type { Sql } from '../ledger/ledger.ts';

/** A report that is compared with what has its references. */
export interface ReferencedReport {
  readonly reportId: string;
  readonly practiceId: string;
  /** Under every live key, as the content's; none: the report states no reference. */
  readonly referenceDigests: readonly Buffer[];
  /** None: whether other content came under its references is not asked. */
  readonly contentDigests: readonly Buffer[];
}

/** A report whose references are compared with earlier ones. */
export interface NamedReport {
  readonly reportId: string;
  readonly practiceId: string;
  /** The references without the moment, under every live key; none: whether they were used before is not asked. */
  readonly referenceNameDigests: readonly Buffer[];
  readonly referenceDigests: readonly Buffer[];
}

/** What is asked about one report; `sender`: whether a person accepted it, null where that is not asked. */
export interface QuestionedReport extends ReferencedReport, NamedReport {
  readonly sender: string | null;
}

export interface Objections {
  /** Ids of reports of which there is another with the same laboratory, time and references, neither marked corrected. */
  readonly conflicting: ReadonlySet<string>;
  /**
   * Ids of reports before which another came under the same references with another moment. Only the later of two, so
   * that a delivery that is tried again says what it said before.
   */
  readonly reused: ReadonlySet<string>;
  /** Senders that a person accepted. */
  readonly accepted: ReadonlySet<string>;
  /** For `Keys.checkDigests`; undefined: nothing was asked. */
  readonly newestKey?: string | null;
}

// Asked for each by itself (`lateral`, `limit`), and not `is not null`: so the index that is meant is taken also while nothing is
// known of the rows, in the first minute of a ledger or with a plan from then; else all reports would be gone through.
const CONFLICTING = `select distinct a.id from unnest($1::uuid[], $2::uuid[], $3::bytea[]) as a (id, practice_id, reference_digest),
    lateral (select 1 from report r join delivery d on d.report_id = r.id and d.target = 'patient-card'
      where r.practice_id = a.practice_id and r.reference_digest = a.reference_digest and length(r.content_digest) > 0
        and r.id <> a.id and not r.is_corrected and d.state not in ('no-card', 'discarded', 'quarantined')
        and not exists (select 1 from unnest($4::uuid[], $5::bytea[]) as own (id, content_digest)
          where own.id = a.id and own.content_digest = r.content_digest) limit 1) other`;

const REUSED = `select distinct a.id from unnest($6::uuid[], $7::uuid[], $8::bytea[]) as a (id, practice_id, name_digest),
    lateral (select 1 from report r
      where r.practice_id = a.practice_id and r.reference_name_digest = a.name_digest and length(r.reference_digest) > 0
        and (r.created_at, r.id) < (select n.created_at, n.id from report n where n.id = a.id)
        and not exists (select 1 from unnest($9::uuid[], $10::bytea[]) as own (id, reference_digest)
          where own.id = a.id and own.reference_digest = r.reference_digest) limit 1) earlier`;

const OBJECTIONS = `select array(${CONFLICTING}) as conflicting, array(${REUSED}) as reused,
  array(select sender from accepted_sender where sender = any($11::text[])) as accepted, ${NEWEST_DIGEST_KEY} as "newestKey"`;

interface ObjectionsRow {
  readonly conflicting: readonly string[];
  readonly reused: readonly string[];
  readonly accepted: readonly string[];
  readonly newestKey: string | null;
}

export async function objectionsTo(sql: Sql, reports: readonly QuestionedReport[]): Promise<Objections> {
  const compared = reports.filter(
    ({ referenceDigests, contentDigests }) => referenceDigests.length > 0 && contentDigests.length > 0,
  );
  const named = reports.filter(
    ({ referenceNameDigests, referenceDigests }) => referenceNameDigests.length > 0 && referenceDigests.length > 0,
  );
  const senders = reports.flatMap(({ sender }) => sender ?? []);
  if (compared.length + named.length + senders.length === 0) {
    return { conflicting: new Set(), reused: new Set(), accepted: new Set() };
  }
  const { rows } = await sql.query<ObjectionsRow>(OBJECTIONS, [
    ...ofPractice(compared, ({ referenceDigests }) => referenceDigests),
    ...ofReport(compared, ({ contentDigests }) => contentDigests),
    ...ofPractice(named, ({ referenceNameDigests }) => referenceNameDigests),
    ...ofReport(named, ({ referenceDigests }) => referenceDigests),
    senders,
  ]);
  const [{ conflicting = [], reused = [], accepted = [], newestKey = null } = {}] = rows;
  return { conflicting: new Set(conflicting), reused: new Set(reused), accepted: new Set(accepted), newestKey };
}

type DigestsOf = (report: QuestionedReport) => readonly Buffer[];

function ofReport(reports: readonly QuestionedReport[], digests: DigestsOf) {
  const ids = reports.flatMap((report) => digests(report).map(() => report.reportId));
  return [ids, reports.flatMap(digests)] as const;
}

function ofPractice(reports: readonly QuestionedReport[], digests: DigestsOf) {
  const [ids, values] = ofReport(reports, digests);
  return [ids, reports.flatMap((report) => digests(report).map(() => report.practiceId)), values] as const;
}

/** Another report with the same laboratory, time and references but other content, neither marked corrected. */
export async function hasReferenceConflict(sql: Sql, report: ReferencedReport): Promise<boolean> {
  const { conflicting } = await objectionsTo(sql, [{ ...report, referenceNameDigests: [], sender: null }]);
  return conflicting.has(report.reportId);
}

/** Whether an earlier report came under the same references with another moment. */
export async function isReferenceReused(sql: Sql, report: NamedReport): Promise<boolean> {
  const { reused } = await objectionsTo(sql, [{ ...report, contentDigests: [], sender: null }]);
  return reused.has(report.reportId);
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

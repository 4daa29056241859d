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
  /** The same under older keys that are still looked up: what was seen before a rotation is found by these. */
  readonly olderContentDigests?: readonly Buffer[];
  readonly referenceDigest: Buffer | null;
  /** The references without the moment; absent: nothing to notice a reuse by. */
  readonly referenceNameDigest?: Buffer | null;
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

/** `contentDigests`: under every live key. */
export async function findOriginal(
  tx: Sql,
  practiceId: string,
  contentDigests: readonly Buffer[],
): Promise<Original | null> {
  const { rows } = await tx.query<Original>(
    `select d.id as "deliveryId", d.state, d.reason from report r join delivery d on d.report_id = r.id and d.target = 'patient-card'
     where r.practice_id = $1 and r.content_digest = any($2::bytea[]) and d.original_id is null
       and d.state in ('ready', 'sending', 'uncertain', 'forwarded', 'held')
     order by d.state = 'held', d.created_at limit 1`,
    [practiceId, contentDigests],
  );
  return rows[0] ?? null;
}

/**
 * Inserts reports with their deliveries. A mail that is read again finds its reports there: the same is left as it is;
 * another answer in the same place (the reader changed) goes to a person under the next free place, never lost. What a
 * person discarded is not brought back.
 */
export async function insertReports(tx: Sql, reports: readonly NewReport[]): Promise<readonly DeliveryId[]> {
  const added: DeliveryId[] = [];
  for (const report of reports) {
    const place = await placeOf(tx, report);
    if (place.kind === 'there') continue;
    await insertReport(tx, place.report);
    if (place.report.state === 'ready') added.push(place.report.deliveryId);
  }
  return added;
}

type PlaceOfReport = { readonly kind: 'there' } | { readonly kind: 'free'; readonly report: NewReport };

interface ReportThere {
  readonly report_ordinal: number;
  readonly kind: string;
  readonly content_digest: Buffer | null;
  readonly state: DeliveryState;
}

async function placeOf(tx: Sql, report: NewReport): Promise<PlaceOfReport> {
  const { rows } = await tx.query<ReportThere>(
    `select r.report_ordinal, r.kind, r.content_digest, d.state from report r join delivery d on d.report_id = r.id and d.target = 'patient-card'
     where r.mail_id = $1 and r.payload_ordinal = $2 order by r.report_ordinal`,
    [report.mailId, report.payloadOrdinal],
  );
  if (rows.some((row) => row.kind === 'payload' && row.state === 'discarded')) return { kind: 'there' };
  if (rows.some((row) => isSame(row, report))) return { kind: 'there' };
  if (rows.every((row) => row.report_ordinal !== report.reportOrdinal)) return { kind: 'free', report };
  const reportOrdinal = Math.max(...rows.map((row) => row.report_ordinal)) + 1;
  const changed = { state: 'held', reason: 'lab.reader-changed', detail: null, originalId: null } as const;
  return { kind: 'free', report: { ...report, reportOrdinal, ...(report.state === 'quarantined' ? {} : changed) } };
}

// Without a digest (not understood, or no practice) only the place can tell.
function isSame(row: ReportThere, report: NewReport): boolean {
  if (row.kind !== report.kind) return false;
  if (row.content_digest === null || report.contentDigest === null) {
    return row.report_ordinal === report.reportOrdinal && row.content_digest === report.contentDigest;
  }
  return contentDigestsOf(report).some((digest) => row.content_digest?.equals(digest) === true);
}

/** A report's content under every live key, the newest key's first; none where it has none. */
export function contentDigestsOf(report: NewReport): readonly Buffer[] {
  return report.contentDigest === null ? [] : [report.contentDigest, ...(report.olderContentDigests ?? [])];
}

async function insertReport(tx: Sql, report: NewReport): Promise<void> {
  await tx.query(
    `insert into report (id, mail_id, practice_id, kind, payload_ordinal, report_ordinal, format, laboratory, sender, patient_key,
       content_digest, reference_digest, version, is_corrected, content, erased_at, reference_name_digest)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, case when $15::bytea is null then now() end, $16)`,
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
      report.referenceNameDigest ?? null,
    ],
  );
  const isSettled = report.state !== 'ready';
  await tx.query(
    `insert into delivery (id, report_id, target, state, reason, detail, patient_key, original_id, next_check_at, settled_at)
     values ($1, $2, 'patient-card', $3, $4, $5, $6, $7, now() + interval '30 seconds', case when $8::boolean then now() end)`,
    [
      report.deliveryId,
      report.id,
      report.state,
      report.reason,
      report.detail,
      report.patientKey,
      report.originalId,
      isSettled,
    ],
  );
}

// A mail that is read again may have a report from the first time that still needs the bytes; eraseMail takes them once it rests.
const HAS_REPORT = 'exists (select 1 from report r where r.mail_id = mail.id)';

/** Records that a mail was read; only for the worker that claimed it. False: the claim had passed to another. */
export async function settleMail(
  tx: Sql,
  mailId: string,
  leaseToken: string,
  answer: {
    readonly verdict: 'not-lab' | 'duplicate' | 'receipt' | null;
    readonly reason: string | null;
    /** duplicate: the mail that it repeats. */
    readonly originalMailId?: string | null;
  },
): Promise<boolean> {
  const settled = await tx.query(
    `update mail set state = 'read', verdict = $3::text, reason = $4, original_mail_id = $5, read_at = now(), lease_token = null, lease_until = null,
       content = case when $3::text is null or ${HAS_REPORT} then content end,
       erased_at = case when $3::text is null or ${HAS_REPORT} then erased_at else now() end
     where id = $1 and lease_token = $2 and state = 'copied'`,
    [mailId, leaseToken, answer.verdict, answer.reason, answer.originalMailId ?? null],
  );
  return settled.count === 1;
}

const IS_ON_ITS_WAY = `('ready', 'sending', 'uncertain', 'forwarded')`;
const CARD_DELIVERIES = `report r join delivery d on d.report_id = r.id and d.target = 'patient-card'`;

/**
 * An earlier mail of the same bytes in the same mailbox, everything of which is on a card or on its way there: then nothing
 * in the newcomer can end otherwise, and it need not be read. null where there is none, where anything of it rests
 * otherwise (then the newcomer is processed in full), and for what a person put in or released again.
 */
export async function findOriginalMail(sql: Sql, mailId: string, digests: readonly Buffer[]): Promise<MailId | null> {
  const { rows } = await sql.query<{ id: MailId }>(
    `select o.id from mail n join mail o on o.mailbox_id = n.mailbox_id and o.id <> n.id and o.digest = any($2::bytea[])
     where n.id = $1 and n.source = 'mailbox' and o.source = 'mailbox' and o.state = 'read' and o.verdict is null
       and not exists (select 1 from report r where r.mail_id = n.id)
       and exists (select 1 from ${CARD_DELIVERIES} where r.mail_id = o.id)
       and not exists (select 1 from ${CARD_DELIVERIES} left join delivery od on od.id = d.original_id
         where r.mail_id = o.id and not (d.state in ${IS_ON_ITS_WAY} or (d.state = 'duplicate' and coalesce(od.state in ${IS_ON_ITS_WAY}, false))))
     order by o.copied_at, o.id limit 1`,
    [mailId, digests],
  );
  return rows[0]?.id ?? null;
}

/** Erases a report's content: nothing but digests stays. */
export async function eraseReport(tx: Sql, reportId: string): Promise<void> {
  await tx.query('update report set content = null, erased_at = now() where id = $1 and content is not null', [
    reportId,
  ]);
}

/**
 * What a mail's reports say of its bytes, as SQL: `is_done`, all rest so that nothing of the mail is asked any more
 * (null: it has none); `has_stranger`, one is of a patient who is not followed; `is_needed`, only the bytes say what one is.
 * `isPast`: whether what was forwarded or shadowed has had its time.
 */
export const MAIL_FACTS = (mailId: string, isPast = 'false') =>
  `select bool_and(d.state in ('no-card', 'duplicate', 'discarded') or (d.state in ('forwarded', 'shadowed') and ${isPast})) as is_done,
     bool_or(d.state = 'no-card') as has_stranger, bool_or(d.state = 'quarantined' or (d.state = 'held' and r.practice_id is null)) as is_needed
   from report r join delivery d on d.report_id = r.id and d.target = 'patient-card' where r.mail_id = ${mailId}`;

/**
 * Erases the bytes of a mail once nobody needs them: every report rests as no-card, duplicate or discarded. A patient who
 * is not followed may share a mail with one who is; then the bytes go too, since a report has its content for itself,
 * unless a payload was not understood or has no practice yet: only the bytes say what it is.
 */
export async function eraseMail(tx: Sql, mailId: string): Promise<void> {
  await tx.query(
    `update mail m set content = null, erased_at = now() from (${MAIL_FACTS('$1')}) s
     where m.id = $1 and m.state = 'read' and m.content is not null and (s.is_done or s.has_stranger) and not s.is_needed`,
    [mailId],
  );
}

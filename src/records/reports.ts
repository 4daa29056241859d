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
  if (locks.length === 0) return;
  // One after the other in one order everywhere: two transactions can then never wait for each other. An array is gone
  // through in its order.
  await tx.query('select pg_advisory_xact_lock(lock) from unnest($1::bigint[]) as locks (lock)', [locks]);
}

/** The earlier delivery of the same content to the same practice, the most telling one first. */
export interface Original {
  readonly deliveryId: string;
  readonly state: DeliveryState;
  readonly reason: string | null;
}

/** What an earlier delivery is looked for by. */
export interface WantedOriginal {
  readonly practiceId: string;
  /** Under every live key. */
  readonly contentDigests: readonly Buffer[];
}

/** The originals of many reports, each in the place of what was asked; null where there is none. */
export async function findOriginals(tx: Sql, wanted: readonly WantedOriginal[]): Promise<readonly (Original | null)[]> {
  const flat = wanted.flatMap(({ practiceId, contentDigests }, place) =>
    contentDigests.map((digest) => ({ place, practiceId, digest })),
  );
  if (flat.length === 0) return wanted.map(() => null);
  const { rows } = await tx.query<Original & { place: number }>(
    `select distinct on (w.place) w.place, d.id as "deliveryId", d.state, d.reason
     from unnest($1::int[], $2::uuid[], $3::bytea[]) as w (place, practice_id, digest)
       join report r on r.practice_id = w.practice_id and r.content_digest = w.digest
       join delivery d on d.report_id = r.id and d.target = 'patient-card'
     where d.original_id is null and d.state in ('ready', 'sending', 'uncertain', 'forwarded', 'held')
     order by w.place, d.state = 'held', d.created_at`,
    [flat.map(({ place }) => place), flat.map((one) => one.practiceId), flat.map(({ digest }) => digest)],
  );
  const found = new Map(rows.map(({ place, deliveryId, state, reason }) => [place, { deliveryId, state, reason }]));
  return wanted.map((_, place) => found.get(place) ?? null);
}

/** `contentDigests`: under every live key. */
export async function findOriginal(
  tx: Sql,
  practiceId: string,
  contentDigests: readonly Buffer[],
): Promise<Original | null> {
  const [original = null] = await findOriginals(tx, [{ practiceId, contentDigests }]);
  return original;
}

/**
 * Where the reports of these mails go. A mail that is read again finds its reports there: the same is left as it is; another
 * answer in the same place (the reader changed) goes to a person under the next free place, never lost. What a person
 * discarded is not brought back. Each report is asked about once, in order: the next one sees it in its place.
 */
export async function reportPlaces(tx: Sql, mailIds: readonly MailId[]): Promise<ReportPlaces> {
  const { rows } = await tx.query<ReportThere & { mail_id: string; payload_ordinal: number }>(
    `select r.mail_id, r.payload_ordinal, r.report_ordinal, r.kind, r.content_digest, d.state
     from report r, lateral (select state from delivery where report_id = r.id and target = 'patient-card' limit 1) d
     where r.mail_id = any($1::uuid[]) order by r.report_ordinal`,
    [mailIds],
  );
  const there = new Map<string, ReportThere[]>();
  const payloadOf = (mailId: string, ordinal: number) => {
    const known = there.get(`${mailId} ${ordinal}`) ?? [];
    there.set(`${mailId} ${ordinal}`, known);
    return known;
  };
  for (const row of rows) payloadOf(row.mail_id, row.payload_ordinal).push(row);
  return {
    take: (report) => {
      const siblings = payloadOf(report.mailId, report.payloadOrdinal);
      const place = placeOf(siblings, report);
      if (place.kind === 'there') return null;
      const { reportOrdinal, kind, contentDigest, state } = place.report;
      siblings.push({ report_ordinal: reportOrdinal, kind, content_digest: contentDigest, state });
      return place.report;
    },
  };
}

export interface ReportPlaces {
  /** The report in the place that it gets; null where it is there already. */
  take(report: NewReport): NewReport | null;
}

/** Inserts reports with their deliveries, each where `reportPlaces` says; answers the deliveries that are ready. */
export async function insertReports(tx: Sql, reports: readonly NewReport[]): Promise<readonly DeliveryId[]> {
  const places = await reportPlaces(tx, [...new Set(reports.map(({ mailId }) => mailId))]);
  const placed = reports.flatMap((report) => places.take(report) ?? []);
  await insertPlaced(tx, placed);
  return placed.filter(({ state }) => state === 'ready').map(({ deliveryId }) => deliveryId);
}

type PlaceOfReport = { readonly kind: 'there' } | { readonly kind: 'free'; readonly report: NewReport };

interface ReportThere {
  readonly report_ordinal: number;
  readonly kind: string;
  readonly content_digest: Buffer | null;
  readonly state: DeliveryState;
}

function placeOf(rows: readonly ReportThere[], report: NewReport): PlaceOfReport {
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

/** Rows for reports that have their places, many in one statement. */
export async function insertPlaced(tx: Sql, reports: readonly NewReport[]): Promise<void> {
  if (reports.length === 0) return;
  const of = <Value>(value: (report: NewReport) => Value) => reports.map(value);
  // Sent together, and done in this order.
  const reported = tx.query(
    `insert into report (id, mail_id, practice_id, kind, payload_ordinal, report_ordinal, format, laboratory, sender, patient_key,
       content_digest, reference_digest, version, is_corrected, content, erased_at, reference_name_digest)
     select id, mail_id, practice_id, kind, payload_ordinal, report_ordinal, format, laboratory, sender, patient_key,
       content_digest, reference_digest, version, is_corrected, content, case when content is null then now() end, reference_name_digest
     from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::int[], $6::int[], $7::text[], $8::text[], $9::text[], $10::bytea[],
       $11::bytea[], $12::bytea[], $13::text[], $14::boolean[], $15::bytea[], $16::bytea[]) as r (id, mail_id, practice_id, kind,
       payload_ordinal, report_ordinal, format, laboratory, sender, patient_key, content_digest, reference_digest, version, is_corrected,
       content, reference_name_digest)`,
    [
      of(({ id }) => id),
      of(({ mailId }) => mailId),
      of(({ practiceId }) => practiceId),
      of(({ kind }) => kind),
      of(({ payloadOrdinal }) => payloadOrdinal),
      of(({ reportOrdinal }) => reportOrdinal),
      of(({ format }) => format),
      of(({ laboratory }) => laboratory),
      of(({ sender }) => sender),
      of(({ patientKey }) => patientKey),
      of(({ contentDigest }) => contentDigest),
      of(({ referenceDigest }) => referenceDigest),
      of(({ version }) => version),
      of(({ isCorrected }) => isCorrected),
      of(({ content }) => content),
      of(({ referenceNameDigest }) => referenceNameDigest ?? null),
    ],
  );
  const delivered = tx.query(
    `insert into delivery (id, report_id, target, state, reason, detail, patient_key, original_id, next_check_at, settled_at)
     select id, report_id, 'patient-card', state, reason, detail, patient_key, original_id, now() + interval '30 seconds',
       case when state <> 'ready' then now() end
     from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::uuid[])
       as d (id, report_id, state, reason, detail, patient_key, original_id)`,
    [
      of(({ deliveryId }) => deliveryId),
      of(({ id }) => id),
      of(({ state }) => state),
      of(({ reason }) => reason),
      of(({ detail }) => detail),
      of(({ patientKey }) => patientKey),
      of(({ originalId }) => originalId),
    ],
  );
  await Promise.all([reported, delivered]);
}

// A mail that is read again may have a report from the first time that still needs the bytes; eraseMail takes them once it rests.
const HAS_REPORT = 'exists (select 1 from report r where r.mail_id = mail.id)';

/** What became of a mail that was read. */
export interface ReadMailRow {
  readonly mailId: string;
  readonly verdict: 'not-lab' | 'duplicate' | 'receipt' | null;
  readonly reason: string | null;
  /** duplicate: the mail that it repeats. */
  readonly originalMailId?: string | null;
}

/** Records that mails were read; only for the worker that claimed them. Answers which: the claim of the others had passed on. */
export async function settleMails(
  tx: Sql,
  leaseToken: string,
  read: readonly ReadMailRow[],
): Promise<ReadonlySet<string>> {
  if (read.length === 0) return new Set();
  const { rows } = await tx.query<{ id: string }>(
    `update mail set state = 'read', verdict = s.verdict, reason = s.reason, original_mail_id = s.original_id, read_at = now(),
       lease_token = null, lease_until = null, content = case when s.verdict is null or ${HAS_REPORT} then content end,
       erased_at = case when s.verdict is null or ${HAS_REPORT} then erased_at else now() end
     from unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[]) as s (id, verdict, reason, original_id)
     where mail.id = s.id and lease_token = $1 and state = 'copied' returning mail.id`,
    [
      leaseToken,
      read.map(({ mailId }) => mailId),
      read.map(({ verdict }) => verdict),
      read.map(({ reason }) => reason),
      read.map(({ originalMailId }) => originalMailId ?? null),
    ],
  );
  return new Set(rows.map(({ id }) => id));
}

/** The same of one mail. False: the claim had passed to another. */
export async function settleMail(
  tx: Sql,
  mailId: string,
  leaseToken: string,
  answer: Omit<ReadMailRow, 'mailId'>,
): Promise<boolean> {
  return (await settleMails(tx, leaseToken, [{ mailId, ...answer }])).has(mailId);
}

const IS_ON_ITS_WAY = `('ready', 'sending', 'uncertain', 'forwarded')`;
const CARD_DELIVERIES = `report r join delivery d on d.report_id = r.id and d.target = 'patient-card'`;

/**
 * An earlier mail of the same bytes in the same mailbox, everything of which is on a card or on its way there: then nothing
 * in the newcomer can end otherwise, and it need not be read. Left out where there is none, where anything of it rests
 * otherwise (then the newcomer is processed in full), and for what a person put in or released again.
 */
export async function findOriginalMails(
  sql: Sql,
  mails: readonly { readonly id: MailId; readonly digests: readonly Buffer[] }[],
): Promise<ReadonlyMap<MailId, MailId>> {
  const flat = mails.flatMap(({ id, digests }) => digests.map((digest) => ({ id, digest })));
  if (flat.length === 0) return new Map();
  const { rows } = await sql.query<{ id: MailId; originalId: MailId }>(
    `select distinct on (n.id) n.id, o.id as "originalId" from unnest($1::uuid[], $2::bytea[]) as w (id, digest)
       join mail n on n.id = w.id join mail o on o.digest = w.digest and o.mailbox_id = n.mailbox_id and o.id <> n.id
     where n.source = 'mailbox' and o.source = 'mailbox' and o.state = 'read' and o.verdict is null
       and not exists (select 1 from report r where r.mail_id = n.id)
       and exists (select 1 from ${CARD_DELIVERIES} where r.mail_id = o.id)
       and not exists (select 1 from ${CARD_DELIVERIES} left join delivery od on od.id = d.original_id
         where r.mail_id = o.id and not (d.state in ${IS_ON_ITS_WAY} or (d.state = 'duplicate' and coalesce(od.state in ${IS_ON_ITS_WAY}, false))))
     order by n.id, o.copied_at, o.id`,
    [flat.map(({ id }) => id), flat.map(({ digest }) => digest)],
  );
  return new Map(rows.map(({ id, originalId }) => [id, originalId]));
}

/** Erases the content of a report: nothing but digests stays. */
export async function eraseReport(tx: Sql, reportId: string): Promise<void> {
  await tx.query('update report set content = null, erased_at = now() where id = $1 and content is not null', [
    reportId,
  ]);
}

/** Whether only the bytes of its mail say what a report is, as SQL: of `report r` with its delivery in this state. */
export const NEEDS_BYTES = (state: string) =>
  `(${state} = 'quarantined' or (${state} = 'held' and r.practice_id is null))`;

/**
 * What a mail's reports say of its bytes, as SQL: `is_done`, all rest so that nothing of the mail is asked any more
 * (null: it has none); `has_stranger`, one is of a patient who is not followed; `is_needed`, only the bytes say what one is.
 * `isPast`: whether what was forwarded or shadowed has had its time.
 */
export const MAIL_FACTS = (mailId: string, isPast = 'false') =>
  `select bool_and(d.state in ('no-card', 'duplicate', 'discarded') or (d.state in ('forwarded', 'shadowed') and ${isPast})) as is_done,
     bool_or(d.state = 'no-card') as has_stranger, bool_or(${NEEDS_BYTES('d.state')}) as is_needed
   from report r join delivery d on d.report_id = r.id and d.target = 'patient-card' where r.mail_id = ${mailId}`;

/**
 * Erases the bytes of a mail once nobody needs them: every report rests as no-card, duplicate or discarded. A patient who
 * is not followed may share a mail with one who is; then the bytes go too, since a report has its content for itself,
 * unless a payload was not understood or has no practice yet: only the bytes say what it is.
 */
export async function eraseMails(tx: Sql, mailIds: readonly string[]): Promise<void> {
  if (mailIds.length === 0) return;
  await tx.query(
    `update mail m set content = null, erased_at = now() from unnest($1::uuid[]) as u (id), lateral (${MAIL_FACTS('u.id')}) s
     where m.id = u.id and m.state = 'read' and m.content is not null and (s.is_done or s.has_stranger) and not s.is_needed`,
    // In one order everywhere, since the rows are locked in it.
    [[...new Set(mailIds)].sort()],
  );
}

/** The same of one mail. */
export function eraseMail(tx: Sql, mailId: string): Promise<void> {
  return eraseMails(tx, [mailId]);
}

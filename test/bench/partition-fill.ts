/**
 * Fills the ledger by SQL with rows of the shape that the steps leave: a mail with one report that is on its card, as many
 * on every day of the past, each with its own uid, references and content. Content stands for the last two months. Nobody
 * is in it: digests of counters, and random bytes of the size of real ciphertext.
 */

import { randomBytes } from 'node:crypto';
import type { Sql, SqlValue } from '../../src/ledger/ledger.ts';
import { newId, type PracticeId } from '../../src/shared/ids.ts';
import { MONTH_MS, type Month } from './partition-copy.ts';

/** In step: mailbox n belongs to practice n and has epoch n. */
export interface Filled {
  readonly practices: readonly string[];
  readonly mailboxes: readonly string[];
  readonly epochs: readonly string[];
  readonly mails: number;
}

/** Of the mails and reports: how large, and how many resources on the card one makes. */
export interface Sizes {
  readonly mailBytes: number;
  readonly reportBytes: number;
  readonly resources: number;
}

const MAILS_EACH = 160;
const MAILBOXES_MAX = 6_000;
const REPORTS_PER_PATIENT = 5;
/** Different contents: more would only make the statement larger. */
const BLOBS = 16;
const KEPT_MONTHS = 2;

/** `mails` in all, evenly over the time from the first of the months until `now`, which is in the middle of the last. */
export async function fillLedger(
  sql: Sql,
  {
    mails,
    months,
    now,
    sizes,
  }: { readonly mails: number; readonly months: readonly Month[]; readonly now: Date; readonly sizes: Sizes },
  progress: (text: string) => void,
): Promise<Filled> {
  const filled = await fillPractices(sql, Math.min(MAILBOXES_MAX, Math.ceil(mails / MAILS_EACH)));
  const perMonth = mails / (months.length - 0.5);
  // Without triggers: the rows are known to be sound, and foreign keys are checked when the copy gets its own.
  await sql.query('set session_replication_role = replica');
  let first = 0;
  for (const [index, { from }] of months.entries()) {
    progress(`filling, ${first.toLocaleString('en')} of ${mails.toLocaleString('en')} mails …`);
    const until = Math.min(months[index + 1]?.from.getTime() ?? now.getTime(), now.getTime());
    const count = Math.round((perMonth * (until - from.getTime())) / MONTH_MS);
    const spanSeconds = (until - from.getTime()) / 1000;
    await fillMonth(
      sql,
      filled,
      { first, count, from, spanSeconds, isKept: index >= months.length - KEPT_MONTHS },
      sizes,
    );
    first += count;
  }
  await sql.query(
    `update epoch e set cursor_uid = u.uid, uid_next = u.uid + 1
     from (select epoch_id, max(uid) as uid from mail group by epoch_id) u where u.epoch_id = e.id`,
  );
  await sql.query('set session_replication_role = default');
  return { ...filled, mails: first };
}

async function fillPractices(sql: Sql, count: number): Promise<Omit<Filled, 'mails'>> {
  const ids = () => Array.from({ length: count }, () => newId<PracticeId>() as string);
  const { practices, mailboxes, epochs } = { practices: ids(), mailboxes: ids(), epochs: ids() };
  await sql.query(
    `insert into practice (id, agb, name, his, products, boards)
     select id, lpad(n::text, 8, '0'), 'Praktijk', 'HIS', '{cKIS}', 'none' from unnest($1::uuid[]) with ordinality as u (id, n)`,
    [practices],
  );
  await sql.query(
    `insert into mailbox (id, name, kind, purpose, host, port, security, username, password, path)
     select id, 'box ' || n, 'practice', 'laboratory', 'localhost', 993, 'tls', 'box ' || n, '', 'INBOX' from unnest($1::uuid[]) with ordinality as u (id, n)`,
    [mailboxes],
  );
  await sql.query(
    `insert into mailbox_practice (mailbox_id, practice_id) select * from unnest($1::uuid[], $2::uuid[])`,
    [mailboxes, practices],
  );
  await sql.query(
    `insert into epoch (id, mailbox_id, uid_validity, start_uid, cursor_uid, uid_next)
     select id, mailbox_id, 1, 1, 0, 1 from unnest($1::uuid[], $2::uuid[]) as u (id, mailbox_id)`,
    [epochs, mailboxes],
  );
  return { practices, mailboxes, epochs };
}

interface FilledMonth {
  /** The number of its first mail. */
  readonly first: number;
  readonly count: number;
  readonly from: Date;
  readonly spanSeconds: number;
  readonly isKept: boolean;
}

const INSERT_MAILS = `with g as (
    select n, $3::timestamptz + make_interval(secs => $10::float8 * (n - $1) / $2) as at from generate_series($1::int, $1::int + $2::int - 1) as n)
  insert into mail (id, source, mailbox_id, epoch_id, uid, internal_date, day, bytes, state, digest, content, read_batch_id, copied_at, read_at)
  select uuidv7(at - clock_timestamp()), 'mailbox', ($4::uuid[])[1 + n % $6], ($5::uuid[])[1 + n % $6], 1 + n / $6, at, at::date, $7, 'read',
    sha256(('mail ' || n)::bytea), case when $8 then ($9::bytea[])[1 + n % ${BLOBS}] end, uuidv7(at - clock_timestamp()), at, at
  from g order by n`;

const INSERT_REPORTS = `with m as (select id, mailbox_id, copied_at, (row_number() over (order by id))::int as n from mail where copied_at >= $1)
  insert into report (id, mail_id, practice_id, kind, payload_ordinal, report_ordinal, format, laboratory, patient_key, content_digest,
    reference_digest, reference_name_digest, version, content, created_at)
  select uuidv7(copied_at - clock_timestamp() + interval '1 second'), m.id, p.practice_id, 'report', 1, 1, 'medlab-1', 'noord', sha256(('patient ' || (n % $2))::bytea),
    sha256(('content ' || m.id)::bytea), sha256(('reference ' || m.id)::bytea), sha256(('name ' || m.id)::bytea), copied_at::text,
    case when $3 then ($4::bytea[])[1 + n % ${BLOBS}] end, copied_at + interval '1 second'
  from m join mailbox_practice p on p.mailbox_id = m.mailbox_id order by m.id`;

const INSERT_DELIVERIES = `insert into delivery (id, report_id, target, state, patient_key, receipt, next_check_at, created_at, settled_at)
  select uuidv7(created_at - clock_timestamp()), id, 'patient-card', 'forwarded', patient_key, $2::jsonb, created_at, created_at, created_at + interval '1 second'
  from report where created_at >= $1 order by id`;

async function fillMonth(sql: Sql, filled: Omit<Filled, 'mails'>, month: FilledMonth, sizes: Sizes): Promise<void> {
  const { first, count, from, spanSeconds, isKept } = month;
  const { mailboxes, epochs } = filled;
  const blobs = (bytes: number): SqlValue => Array.from({ length: BLOBS }, () => randomBytes(isKept ? bytes : 0));
  await sql.query(INSERT_MAILS, [
    first,
    count,
    from,
    mailboxes,
    epochs,
    mailboxes.length,
    sizes.mailBytes,
    isKept,
    blobs(sizes.mailBytes),
    spanSeconds,
  ]);
  await sql.query(
    'insert into read_batch (id, mailbox_id, next_check_at, created_at) select read_batch_id, mailbox_id, copied_at, copied_at from mail where copied_at >= $1 order by id',
    [from],
  );
  await sql.query(INSERT_REPORTS, [
    from,
    Math.max(1, Math.floor(count / REPORTS_PER_PATIENT)),
    isKept,
    blobs(sizes.reportBytes),
  ]);
  await sql.query(INSERT_DELIVERIES, [from, receiptOf(sizes)]);
}

/** What stands on the card: of the shape and length that the ledger keeps. */
export function receiptOf({ resources }: Pick<Sizes, 'resources'>): string {
  const of = (index: number) => ({
    resourceType: index === 0 ? 'DiagnosticReport' : 'Observation',
    id: newId<PracticeId>(),
    versionId: '1',
    outcome: 'created',
  });
  return JSON.stringify({ resources: Array.from({ length: resources }, (_, index) => of(index)) });
}

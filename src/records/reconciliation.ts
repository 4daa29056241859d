/**
 * What the ledger has of a mailbox, held against itself (every uid up to the cursor has its row, every row of a day has an
 * outcome) and against what the server says that it holds.
 */

import type { Sql } from '../ledger/ledger.ts';

/** Rows of one day, Europe/Amsterdam; `day` null: all days before the first that was asked for. */
export interface DayAccounting {
  readonly mailboxId: string;
  readonly day: string | null;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly assigned: number;
  /** Rows that came to no outcome: not 0 means that a mail was lost. */
  readonly difference: number;
}

/** Per mailbox and day, oldest first. */
export async function dailyAccounting(sql: Sql, firstDay: string): Promise<readonly DayAccounting[]> {
  const { rows } = await sql.query<DayAccounting>(
    `with counts as (
       select mailbox_id, case when day >= $1::date then day end as day, outcome, count(*)::int as n
       from mail_outcome where source = 'mailbox' group by 1, 2, 3)
     select mailbox_id as "mailboxId", day, jsonb_object_agg(outcome, n) as outcomes, sum(n)::int as assigned,
       coalesce(sum(n) filter (where outcome = 'unaccounted'), 0)::int as difference
     from counts group by mailbox_id, day order by mailbox_id, day nulls first`,
    [firstDay],
  );
  return rows;
}

/** Uids without a row and rows without a uid, over all epochs of a mailbox; both 0 where nothing was lost. */
export interface UidGaps {
  readonly mailboxId: string;
  /** Uids that a cursor passed and that have no row, or fewer listed uids than were counted. */
  readonly uidsWithoutRow: number;
  /** Rows beyond the cursor of their epoch, or more listed rows than were counted. */
  readonly rowsWithoutUid: number;
}

export async function uidGaps(sql: Sql, mailboxId: string | null): Promise<readonly UidGaps[]> {
  const { rows } = await sql.query<UidGaps>(
    `with rows as (
       select e.id, e.mailbox_id, e.cursor_uid - e.start_uid + 1 as passed, e.listed_count as listed,
         count(m.id) filter (where m.uid between e.start_uid and e.cursor_uid) as there,
         count(m.id) filter (where m.uid < e.start_uid) as older,
         count(m.id) filter (where m.uid > e.cursor_uid) as beyond
       from epoch e left join mail m on m.epoch_id = e.id where $1::uuid is null or e.mailbox_id = $1 group by e.id)
     select mailbox_id as "mailboxId",
       sum(passed - there + greatest(listed - older, 0))::int as "uidsWithoutRow",
       sum(beyond + greatest(older - listed, 0))::int as "rowsWithoutUid"
     from rows group by mailbox_id`,
    [mailboxId],
  );
  return rows;
}

/** What the server holds and the ledger says otherwise of. */
export interface Contradictions {
  /** Passed by the cursor, and no row. */
  readonly unrecorded: readonly number[];
  /** Recorded as vanished, and there. */
  readonly returned: readonly number[];
}

/** Of the uids that the server holds, those of this epoch that the ledger does not have as it should. */
export async function contradictions(sql: Sql, epochId: string, uids: readonly number[]): Promise<Contradictions> {
  const { rows } = await sql.query<{ uid: number; is_returned: boolean }>(
    `select u.uid, m.id is not null as is_returned
     from unnest($2::bigint[]) as u (uid) join epoch e on e.id = $1 left join mail m on m.epoch_id = e.id and m.uid = u.uid
     where (m.id is null and u.uid between e.start_uid and e.cursor_uid) or m.verdict = 'vanished' order by u.uid`,
    [epochId, uids],
  );
  const of = (isReturned: boolean) => rows.filter((row) => row.is_returned === isReturned).map((row) => row.uid);
  return { unrecorded: of(false), returned: of(true) };
}

/**
 * Assigns them again: the next visit copies them as it copies what was listed by its date. Repeating it changes nothing.
 * Answers how many.
 */
export async function assignAgain(
  tx: Sql,
  place: { readonly epochId: string; readonly mailboxId: string },
  found: Contradictions,
): Promise<number> {
  const returned = await tx.query(
    `update mail set state = 'assigned', verdict = null, read_at = null, read_attempts = 0
     where epoch_id = $1 and uid = any($2::bigint[]) and verdict = 'vanished'`,
    [place.epochId, found.returned],
  );
  const unrecorded = await tx.query(
    `insert into mail (id, source, mailbox_id, epoch_id, uid, day, state)
     select gen_random_uuid(), 'mailbox', $2, $1, u.uid, (now() at time zone 'Europe/Amsterdam')::date, 'assigned'
     from unnest($3::bigint[]) as u (uid) on conflict (epoch_id, uid) do nothing`,
    [place.epochId, place.mailboxId, found.unrecorded],
  );
  return returned.count + unrecorded.count;
}

/** How much of the mail of a practice's mailboxes was gone before we saw it, since a moment. */
export interface VanishedRate {
  readonly assigned: number;
  readonly vanished: number;
}

/** Of one mailbox, or of all that a practice reads. By the day of the mail; vanished by the day that it was noticed. */
export async function vanishedRate(
  sql: Sql,
  whose: { readonly mailboxId: string } | { readonly practiceId: string },
  since: Date,
): Promise<VanishedRate> {
  const where =
    'mailboxId' in whose
      ? 'm.mailbox_id = $1'
      : 'm.mailbox_id in (select mailbox_id from mailbox_practice where practice_id = $1)';
  const { rows } = await sql.query<VanishedRate>(
    `select count(*)::int as assigned, count(*) filter (where m.verdict = 'vanished')::int as vanished
     from mail m where ${where} and m.source = 'mailbox' and m.day >= ($2::timestamptz at time zone 'Europe/Amsterdam')::date`,
    ['mailboxId' in whose ? whose.mailboxId : whose.practiceId, since],
  );
  return rows[0] ?? { assigned: 0, vanished: 0 };
}

/** The most that may vanish before it is an alarm, and before going live needs a person's word (one in a thousand). */
export const VANISHED_RATE_MAX = 0.001;

export function isVanishedRateHigh({ assigned, vanished }: VanishedRate): boolean {
  return vanished > assigned * VANISHED_RATE_MAX;
}

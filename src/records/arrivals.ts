/** When mail came, per mailbox and day: a few small rows, kept with every copy, from which unusual silence is known. */

import type { Sql } from '../ledger/ledger.ts';

/** A mail that came. */
export interface Arrival {
  readonly mailboxId: string;
  /** Amsterdam date. */
  readonly day: string;
  readonly internalDate: Date;
}

/** In the transaction of the copy: one statement, in the order of the rows' key so that no two copies can lock each other out. */
export async function countArrivals(tx: Sql, arrivals: readonly Arrival[]): Promise<void> {
  if (arrivals.length === 0) return;
  await tx.query(
    `insert into mailbox_day (mailbox_id, day, mail_count, first_at, last_at)
     select r.mailbox_id, r.day, count(*), min(r.at), max(r.at)
     from unnest($1::uuid[], $2::date[], $3::timestamptz[]) as r (mailbox_id, day, at)
     group by r.mailbox_id, r.day order by r.day, r.mailbox_id
     on conflict (day, mailbox_id) do update set mail_count = mailbox_day.mail_count + excluded.mail_count,
       first_at = least(mailbox_day.first_at, excluded.first_at), last_at = greatest(mailbox_day.last_at, excluded.last_at)`,
    [
      arrivals.map(({ mailboxId }) => mailboxId),
      arrivals.map(({ day }) => day),
      arrivals.map(({ internalDate }) => internalDate),
    ],
  );
}

/** A watched mailbox and what came on the days that were asked for. */
export interface ArrivalDay {
  readonly mailboxId: string;
  /** The first day that anything is known of. */
  readonly firstDay: string;
  /** Of each day asked for on which mail came, that day and its first mail. */
  readonly days: readonly { readonly day: string; readonly firstAt: string }[];
}

/** Watched mailboxes to which nothing came since the beginning of `today`, with what came on these days. */
export async function arrivalDays(sql: Sql, today: string, days: readonly string[]): Promise<readonly ArrivalDay[]> {
  const { rows } = await sql.query<ArrivalDay>(
    `select m.id as "mailboxId", min(e.opened_at at time zone 'Europe/Amsterdam')::date::text as "firstDay",
       (select jsonb_agg(jsonb_build_object('day', d.day, 'firstAt', d.first_at) order by d.day)
        from mailbox_day d where d.mailbox_id = m.id and d.day = any($2::date[])) as days
     from mailbox m join epoch e on e.mailbox_id = m.id
     where exists (select 1 from epoch o where o.mailbox_id = m.id and o.closed_at is null)
       and exists (select 1 from mailbox_practice mp join integration i on i.practice_id = mp.practice_id
         where mp.mailbox_id = m.id and i.name = 'forwarding' and i.state in ('enabled', 'paused'))
       and not exists (select 1 from mailbox_day t where t.day = $1::date and t.mailbox_id = m.id)
     group by m.id`,
    [today, days],
  );
  return rows.filter(({ days: known }) => known !== null);
}

/** What is too old to say what is usual. */
export async function forgetArrivals(sql: Sql, beforeDay: string): Promise<void> {
  await sql.query('delete from mailbox_day where day < $1::date', [beforeDay]);
}

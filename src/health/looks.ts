/** What is so at this moment, one statement per kind of alarm, by the ledger's time. */

import type { AlarmObject } from '../alarms/alarms.ts';
import type { Sql } from '../ledger/ledger.ts';
import { POLLED_SQL, WATCHED_SQL, waitingStages } from './figures.ts';

const OPEN_EPOCH = 'mailbox m join epoch e on e.mailbox_id = m.id and e.closed_at is null';

/** Watched mailboxes that nobody looked at with success for so long. */
export function unpolledMailboxes(sql: Sql, withinMs: number): Promise<readonly AlarmObject[]> {
  return objects(
    sql,
    `select m.id as object from ${OPEN_EPOCH} where ${WATCHED_SQL} and ${POLLED_SQL} < now() - make_interval(secs => $1)`,
    withinMs / 1_000,
  );
}

export function refusedMailboxes(sql: Sql): Promise<readonly AlarmObject[]> {
  return objects(
    sql,
    `select m.id as object from ${OPEN_EPOCH} where ${WATCHED_SQL} and m.trouble = 'mailbox.login-refused'`,
  );
}

/** null: none is ever too old. */
export async function oldPasswords(sql: Sql, days: number | null): Promise<readonly AlarmObject[]> {
  if (days === null) return [];
  return objects(
    sql,
    `select m.id as object from ${OPEN_EPOCH} where ${WATCHED_SQL} and m.password_set_at < now() - make_interval(days => $1)`,
    days,
  );
}

/** Steps before which something waits too long, whatever the cause. */
export async function lateStages(
  sql: Sql,
  { backlogWithinMs, boardWithinMs }: { readonly backlogWithinMs: number; readonly boardWithinMs: number },
): Promise<readonly AlarmObject[]> {
  const late = (await waitingStages(sql)).filter(({ count, target, oldestSeconds }) => {
    const withinMs = backlogWithinMs + (target === 'board' ? boardWithinMs : 0);
    return count > 0 && oldestSeconds * 1_000 > withinMs;
  });
  return late.map(({ stage, target }) => ({ objectId: target ?? stage, practiceId: null }));
}

/** Targets that refused our token at the last try of something that still waits. */
export function refusingTargets(sql: Sql): Promise<readonly AlarmObject[]> {
  return objects(
    sql,
    `select distinct target as object from delivery
     where state in ('ready', 'sending', 'uncertain') and reason in ('card.login-refused', 'board.login-refused')
     union
     select 'zorgmail' from registration
     where state in ('accepted', 'queued', 'sending', 'uncertain') and 'zorgmail.login-refused' in (reason, detail)`,
  );
}

/** Practices with results that stand on the card and did not reach the board. */
export function practicesNotPropagated(sql: Sql): Promise<readonly AlarmObject[]> {
  return objects(
    sql,
    `select distinct r.practice_id as object from delivery d join report r on r.id = d.report_id
     where d.state = 'held' and d.reason = 'board.not-propagated' and r.practice_id is not null`,
  );
}

/** Mailboxes whose silence is an alarm already, and to which nothing came since. */
export async function stillSilent(sql: Sql): Promise<readonly string[]> {
  const { rows } = await sql.query<{ id: string }>(
    `select m.id from alarm a join ${OPEN_EPOCH} on m.id::text = a.object_id
     where a.kind = 'mailbox.no-mail' and a.closed_at is null and ${WATCHED_SQL} and not exists (
       select 1 from mailbox_day d where d.mailbox_id = m.id and d.day >= (a.opened_at at time zone 'Europe/Amsterdam')::date)`,
  );
  return rows.map(({ id }) => id);
}

async function objects(sql: Sql, text: string, ...values: readonly number[]): Promise<readonly AlarmObject[]> {
  const { rows } = await sql.query<{ object: string }>(text, values);
  return rows.map(({ object }) => ({ objectId: object, practiceId: null }));
}

/**
 * What is true of the whole system at this moment, from the ledger: every worker would say the same. Each statement reads a
 * partial index of what is open, or the few hundred rows of workers and mailboxes: never the mails or deliveries at rest.
 */

import type { Sql } from '../ledger/ledger.ts';
import { Failure } from '../shared/failure.ts';

export interface Figures {
  readonly deliveries: readonly DeliveryFigure[];
  readonly holds: readonly HoldFigure[];
  readonly waiting: readonly StageFigure[];
  readonly mailboxes: MailboxFigures;
  readonly troubles: readonly { readonly reason: string; readonly count: number }[];
  readonly registrations: readonly { readonly state: string; readonly count: number }[];
  readonly unansweredCount: number;
  readonly alarms: readonly { readonly kind: string; readonly isMuted: boolean; readonly count: number }[];
  readonly unsealedSeconds: number;
  readonly workers: number;
}

export interface DeliveryFigure {
  readonly target: string;
  readonly state: string;
  readonly isParked: boolean;
  readonly count: number;
}

export interface HoldFigure {
  readonly reason: string;
  readonly state: string;
  /** `day`: under one; `week`: under seven; `older`. */
  readonly age: string;
  readonly count: number;
}

/** A stage and what waits before it, without what waits rightly: parked, under retry, or behind its patient's other. */
export interface StageFigure {
  readonly stage: string;
  readonly target: string | null;
  readonly count: number;
  readonly oldestSeconds: number;
}

export interface MailboxFigures {
  readonly watched: number;
  readonly trouble: number;
  readonly unowned: number;
  readonly unpolled: number;
  readonly uncopied: number;
  /** Since the longest ago that a watched mailbox was looked at: what lies there may have waited for as long. */
  readonly oldestPollSeconds: number;
}

/** Watched: an open epoch, for a practice whose forwarding is on or paused. As in practice/ownership.ts. */
export const WATCHED_SQL = `exists (select 1 from mailbox_practice mp join integration i on i.practice_id = mp.practice_id
    where mp.mailbox_id = m.id and i.name = 'forwarding' and i.state in ('enabled', 'paused'))`;

/** When a watched mailbox was last looked at with success, or began to be watched. */
export const POLLED_SQL = 'coalesce(m.last_polled_at, e.opened_at)';

/** One after the other on one connection: whoever watches must not take the pool from those who work. */
export async function readFigures(sql: Sql, limits: FigureLimits): Promise<Figures> {
  return {
    deliveries: await openDeliveries(sql),
    holds: await openHolds(sql),
    waiting: await waitingStages(sql),
    mailboxes: await mailboxFigures(sql, limits.polledWithinMs),
    troubles: await many(
      sql,
      `select m.trouble as reason, count(*)::int as count from mailbox m where m.trouble is not null and ${WATCHED_SQL} group by 1`,
    ),
    registrations: await many(
      sql,
      `select state, count(*)::int as count from registration
       where state in ('accepted', 'queued', 'sending', 'uncertain', 'sent', 'held', 'bounced') group by 1`,
    ),
    unansweredCount: await countOf(
      sql,
      `from registration where state = 'sent' and sent_at < now() - make_interval(secs => ${seconds(limits.unansweredMs)})`,
    ),
    alarms: await openAlarmFigures(sql),
    unsealedSeconds: await unsealedSeconds(sql),
    workers: await countOf(sql, 'from worker where alive_until > now()'),
  };
}

export interface FigureLimits {
  readonly polledWithinMs: number;
  readonly unansweredMs: number;
}

async function countOf(sql: Sql, rows: string): Promise<number> {
  return (await one<{ count: number }>(sql, `select count(*)::int as count ${rows}`)).count;
}

async function unsealedSeconds(sql: Sql): Promise<number> {
  const oldest = 'select at from audit where id > coalesce((select max(to_id) from audit_seal), 0) order by id limit 1';
  const { age } = await one<{ age: number | null }>(
    sql,
    `select extract(epoch from now() - (${oldest}))::float8 as age`,
  );
  return Math.max(0, age ?? 0);
}

function openDeliveries(sql: Sql): Promise<readonly DeliveryFigure[]> {
  return many(
    sql,
    `select target, state, is_parked as "isParked", count(*)::int as count from delivery
     where state in ('ready', 'sending', 'uncertain') group by 1, 2, 3`,
  );
}

function openHolds(sql: Sql): Promise<readonly HoldFigure[]> {
  return many(
    sql,
    `select coalesce(reason, 'none') as reason, state,
       case when settled_at > now() - interval '1 day' then 'day' when settled_at > now() - interval '7 days' then 'week' else 'older' end as age,
       count(*)::int as count
     from delivery where state in ('held', 'quarantined') group by 1, 2, 3`,
  );
}

function openAlarmFigures(sql: Sql): Promise<Figures['alarms']> {
  return many(
    sql,
    `select a.kind, exists (select 1 from alarm_mute u where u.kind = a.kind and coalesce(u.object_id, a.object_id) = a.object_id
         and u.ended_at is null and u.until > now()) as "isMuted", count(*)::int as count
     from alarm a where a.closed_at is null group by 1, 2`,
  );
}

// What has spent an attempt is a matter of its own (it comes before a person in the end), and what stands behind another
// report of its patient waits for that one. A board by cKIS is looked at until it is there: its bound is another one.
const IS_WAITING = `state = 'ready' and attempts = 0 and not is_parked and not exists (
    select 1 from delivery o where o.target = d.target and o.patient_key = d.patient_key and o.state in ('sending', 'uncertain'))`;

/** What waits before each stage, and since when. */
export function waitingStages(sql: Sql): Promise<readonly StageFigure[]> {
  return many(
    sql,
    `select 'read' as stage, null as target, count(*)::int as count, ${ageOf('min(copied_at)')} from mail where state = 'copied'
     union all
     select 'deliver', target, count(*)::int, ${ageOf('min(created_at)')} from delivery d where ${IS_WAITING} group by target
     union all
     select 'send', 'zorgmail', count(*)::int, ${ageOf('min(created_at)')} from registration
     where state in ('accepted', 'queued') and attempts = 0 and not is_parked`,
  );
}

const ageOf = (moment: string) => `coalesce(extract(epoch from now() - ${moment}), 0)::float8 as "oldestSeconds"`;

function mailboxFigures(sql: Sql, polledWithinMs: number): Promise<MailboxFigures> {
  return one(
    sql,
    `select count(*)::int as watched, count(*) filter (where m.trouble is not null)::int as trouble,
       count(*) filter (where w.id is null)::int as unowned,
       count(*) filter (where ${POLLED_SQL} < now() - make_interval(secs => ${seconds(polledWithinMs)}))::int as unpolled,
       coalesce(sum(e.uid_next - 1 - e.cursor_uid), 0)::int as uncopied,
       coalesce(extract(epoch from now() - min(${POLLED_SQL})), 0)::float8 as "oldestPollSeconds"
     from mailbox m join epoch e on e.mailbox_id = m.id and e.closed_at is null
       left join worker w on w.id = m.owner_id and w.alive_until > now()
     where ${WATCHED_SQL}`,
  );
}

function seconds(ms: number): number {
  return Math.round(ms / 1_000);
}

async function many<Row>(sql: Sql, text: string): Promise<readonly Row[]> {
  return (await sql.query<Row>(text)).rows;
}

async function one<Row>(sql: Sql, text: string): Promise<Row> {
  const [row] = await many<Row>(sql, text);
  if (row === undefined) throw new Failure('health.no-figure', { kind: 'defect' });
  return row;
}

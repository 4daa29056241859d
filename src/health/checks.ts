/**
 * /healthz: does this worker do its work (polled and delivered lately)? /livez: would a restart help? Both ask the ledger,
 * by whose time everything is judged; an answer has codes and counts only.
 *
 * A mailbox whose server refuses it is that practice's trouble: it is an alarm, and the worker is well. Only when most of
 * its mailboxes are so, or one lies unlooked-at that nothing is the matter with, the worker is the one that fails.
 */

import type { Sql } from '../ledger/ledger.ts';
import type { Courier } from '../pipeline/pipeline.ts';
import type { Clock } from '../shared/clock.ts';
import { POLLED_SQL, type StageFigure, WATCHED_SQL, waitingStages } from './figures.ts';

export interface Finding {
  readonly code: string;
  readonly count: number;
}

export interface HealthLimits {
  readonly polledWithinMs: number;
  readonly backlogWithinMs: number;
  /** How long cKIS may take to carry a result over to the board: until then it waits rightly. */
  readonly boardWithinMs: number;
}

export interface Watched {
  readonly courier: Pick<Courier, 'ledger' | 'breakers' | 'clock'>;
  readonly workerId: string;
  readonly limits: HealthLimits;
  /** For how long the target has been up, by this worker's breakers; 0: it is left alone. null: nobody knows of it. */
  readonly upForMs: (target: string) => number | null;
  readonly isStopping: () => boolean;
}

/** Longer than any of the statements takes; shorter than who asks waits. */
const ANSWER_WITHIN_MS = 3_000;
/** A renewal is due every 10 s, and a worker that is late begins anew by itself: this long without is a process that hangs. */
const STUCK_SECONDS = 120;

/** What is not as it should be; empty: all is well. Never throws. */
export async function healthOf(watched: Watched): Promise<readonly Finding[]> {
  if (watched.isStopping()) return [{ code: 'worker.stopping', count: 1 }];
  const { ledger, clock } = watched.courier;
  const asked = Promise.all([ownRow(ledger, watched.workerId), ownMailboxes(ledger, watched), waitingStages(ledger)]);
  const answer = await inTime(clock, asked);
  if (answer === null) return [{ code: 'ledger.unreachable', count: 1 }];
  const [row, mailboxes, stages] = answer;
  return [
    ...finding('worker.not-renewed', row.isAlive ? 0 : 1),
    ...finding('mailbox.not-polled', mailboxes.unpolled),
    ...finding('mailbox.most-in-trouble', mailboxes.troubled * 2 > mailboxes.owned ? mailboxes.troubled : 0),
    ...stages.flatMap((stage) => finding(codeOf(stage), waitsTooLong(watched, stage) ? stage.count : 0)),
  ];
}

/**
 * Whether the process should be left running. A ledger that is away is no reason to restart; a worker that has not renewed
 * its row for two minutes although the ledger answers is stuck.
 */
export async function isAlive({ courier, workerId }: Pick<Watched, 'courier' | 'workerId'>): Promise<boolean> {
  const row = await inTime(courier.clock, ownRow(courier.ledger, workerId));
  return row === null || !row.isStuck;
}

function finding(code: string, count: number): readonly Finding[] {
  return count === 0 ? [] : [{ code, count }];
}

const codeOf = ({ stage, target }: StageFigure) => `${target ?? stage}.waits`;

// Time in which the target was away does not count: what waited for it goes first once it is back.
function waitsTooLong({ limits, upForMs }: Watched, { target, count, oldestSeconds }: StageFigure): boolean {
  if (count === 0) return false;
  const upMs = target === null ? Number.POSITIVE_INFINITY : upForMs(target);
  const withinMs = limits.backlogWithinMs + (target === 'board' ? limits.boardWithinMs : 0);
  return upMs !== null && Math.min(upMs, oldestSeconds * 1_000) > withinMs;
}

async function ownRow(sql: Sql, workerId: string): Promise<{ readonly isAlive: boolean; readonly isStuck: boolean }> {
  const { rows } = await sql.query<{ isAlive: boolean; isStuck: boolean }>(
    `select alive_until > now() as "isAlive", alive_until < now() - make_interval(secs => ${STUCK_SECONDS}) as "isStuck"
     from worker where id = $1`,
    [workerId],
  );
  return rows[0] ?? { isAlive: false, isStuck: false };
}

interface OwnMailboxes {
  readonly owned: number;
  /** Not looked at within the bound, and nothing is known to be the matter with it. */
  readonly unpolled: number;
  /** The same, and its last visit failed. */
  readonly troubled: number;
}

async function ownMailboxes(sql: Sql, { workerId, limits }: Watched): Promise<OwnMailboxes> {
  const isLate = `${POLLED_SQL} < now() - make_interval(secs => $2)`;
  const { rows } = await sql.query<OwnMailboxes>(
    `select count(*)::int as owned, count(*) filter (where m.trouble is null and ${isLate})::int as unpolled,
       count(*) filter (where m.trouble is not null and ${isLate})::int as troubled
     from mailbox m join epoch e on e.mailbox_id = m.id and e.closed_at is null where m.owner_id = $1 and ${WATCHED_SQL}`,
    [workerId, limits.polledWithinMs / 1_000],
  );
  return rows[0] ?? { owned: 0, unpolled: 0, troubled: 0 };
}

/** null: it failed or came too late. */
async function inTime<Answer>(clock: Clock, asked: Promise<Answer>): Promise<Answer | null> {
  const enough = new AbortController();
  const late = clock.wait(ANSWER_WITHIN_MS, enough.signal).then(() => null);
  return Promise.race([asked.catch(() => null), late]).finally(() => enough.abort());
}

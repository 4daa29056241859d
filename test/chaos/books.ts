/** What the ledger says, seen from outside: how long the oldest mail waits, the accounting, and who took over from whom. */

import { accountingOf, totalOf } from '../../src/records/records.ts';
import { monotonicMs } from '../../src/shared/clock.ts';
import type { Stage } from './fault.ts';
import type { Felled } from './workers.ts';

/** Notes every change of owner, and whether the one who lost the mailbox counted as alive. */
const WATCHING = `
  create table chaos_takeover (at timestamptz not null default clock_timestamp(), mailbox text, from_id uuid, to_id uuid, was_alive boolean);
  create function chaos_note() returns trigger language plpgsql security definer set search_path = public as $$
  begin
    insert into chaos_takeover (mailbox, from_id, to_id, was_alive) values (new.name, old.owner_id, new.owner_id,
      exists (select 1 from worker where id = old.owner_id and alive_until > now()));
    return new;
  end $$;
  create trigger chaos_note after update of owner_id on mailbox for each row
    when (old.owner_id is distinct from new.owner_id) execute function chaos_note();`;

export async function watchTakeovers(stage: Pick<Stage, 'sql'>): Promise<void> {
  await stage.sql(WATCHING);
}

interface WaitingRow {
  readonly username: string;
  readonly cursor_uid: number;
  readonly first_uid: number | null;
}

/**
 * The age in milliseconds of the oldest mail that is in a mailbox and not at rest on card and board; 0: none waits. By
 * our own clock, from the moment that the mail server had taken it.
 */
export async function oldestWaitingMs({ sql, traffic }: Pick<Stage, 'sql' | 'traffic'>): Promise<number> {
  const rows = await sql<WaitingRow>(
    `select b.username, e.cursor_uid::int, least(
       (select min(m.uid) from mail m where m.epoch_id = e.id and m.state <> 'read'),
       (select min(m.uid) from delivery d join report r on r.id = d.report_id join mail m on m.id = r.mail_id
        where d.state in ('ready', 'sending', 'uncertain') and m.epoch_id = e.id))::int as first_uid
     from mailbox b join epoch e on e.mailbox_id = b.id`,
  );
  const now = monotonicMs();
  const ages = rows.map(({ username, cursor_uid: cursor, first_uid: first }) => {
    const waiting = (traffic.sent.get(username) ?? [])[(first ?? cursor + 1) - 1];
    return waiting === undefined ? 0 : now - waiting.atMs;
  });
  return Math.max(0, ...ages);
}

export interface Books {
  readonly difference: number;
  readonly waiting: number;
  /** Held, quarantined, shadowed or discarded: none of this traffic may be. */
  readonly atRestElsewhere: number;
  /** Boards that a person would have to look at. */
  readonly heldBoards: number;
  readonly reasons: readonly string[];
  /** Mails of ours without a row. */
  readonly uncounted: number;
  /** Counted as vanished though nobody removed them. */
  readonly wronglyVanished: number;
  readonly vanished: number;
}

export async function books({ sql, traffic }: Pick<Stage, 'sql' | 'traffic'>): Promise<Books> {
  const query = async <Row>(text: string, values?: readonly unknown[]) => counted(await sql<Row>(text, values));
  const total = totalOf(await accountingOf({ query }));
  const rows = await sql<{ username: string; uid: number; verdict: string | null }>(
    `select b.username, m.uid::int, m.verdict from mail m join mailbox b on b.id = m.mailbox_id`,
  );
  const known = new Map(rows.map(({ username, uid, verdict }) => [`${username} ${uid}`, verdict]));
  const sent = [...traffic.sent.values()].flat();
  const verdictOf = (mail: { readonly account: string; readonly uid: number }) =>
    known.get(`${mail.account} ${mail.uid}`);
  const reasons = await sql<{ reason: string }>(
    `select distinct state || ' ' || coalesce(reason, '') as reason from delivery where state in ('held', 'quarantined', 'shadowed', 'discarded')`,
  );
  const boards = await sql(
    `select 1 from delivery where target = 'board' and state not in ('ready', 'sending', 'uncertain', 'forwarded')`,
  );
  return {
    heldBoards: boards.length,
    difference: total.difference,
    waiting: total.waiting,
    atRestElsewhere: total.held + total.quarantined + total.shadowed + total.discarded,
    reasons: reasons.map(({ reason }) => reason),
    uncounted: sent.filter((mail) => verdictOf(mail) === undefined).length + Math.max(0, rows.length - sent.length),
    wronglyVanished: sent.filter((mail) => verdictOf(mail) === 'vanished' && !mail.isRemoved).length,
    vanished: total.vanished,
  };
}

/** Uids that the ledger counts as vanished, by mailbox. */
export async function vanishedUids({ sql }: Pick<Stage, 'sql'>): Promise<ReadonlySet<string>> {
  const rows = await sql<{ username: string; uid: number }>(
    `select b.username, m.uid::int from mail m join mailbox b on b.id = m.mailbox_id where m.verdict = 'vanished'`,
  );
  return new Set(rows.map(({ username, uid }) => `${username} ${uid}`));
}

export interface Takeovers {
  /** The longest that a mailbox was without an owner who can read, after its owner was killed or frozen. */
  readonly longestSeconds: number;
  readonly count: number;
  /** Taken from a worker that counted as alive. */
  readonly fromTheLiving: number;
}

export async function takeovers({ sql }: Pick<Stage, 'sql'>, felled: readonly Felled[]): Promise<Takeovers> {
  const rows = await sql<{ from_id: string | null; ago_ms: number; was_alive: boolean; to_id: string | null }>(
    `select from_id, to_id, was_alive, extract(epoch from clock_timestamp() - at)::float8 * 1000 as ago_ms from chaos_takeover`,
  );
  const now = monotonicMs();
  const fallenAt = new Map(felled.map(({ workerId, atMs }) => [workerId, atMs]));
  const waits = rows.flatMap(({ from_id: from, to_id: to, ago_ms: agoMs }) => {
    const fell = fallenAt.get(from ?? '');
    return fell === undefined || to === null ? [] : [(now - agoMs - fell) / 1_000];
  });
  return {
    longestSeconds: Math.max(0, ...waits),
    count: waits.length,
    fromTheLiving: rows.filter((row) => row.was_alive && row.to_id !== null && row.from_id !== null).length,
  };
}

function counted<Row>(rows: readonly Row[]) {
  // int8 comes as text from a plain client.
  const asNumbers = rows.map((row) =>
    Object.fromEntries(
      Object.entries(row as object).map(([name, value]) => [name, isWhole(value) ? Number(value) : value]),
    ),
  ) as Row[];
  return { rows: asNumbers, count: asNumbers.length };
}

function isWhole(value: unknown): boolean {
  return typeof value === 'string' && /^\d+$/.test(value);
}

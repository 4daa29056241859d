/**
 * What a worker asks of the ledger every ten seconds, however many mailboxes it reads: one row. Only where that row says
 * that something is different does it go through its mailboxes one by one.
 */

import type { Sql } from '../ledger/ledger.ts';
import type { MailboxId, WorkerId } from '../shared/ids.ts';
import { CHANGES } from './changes.ts';
import { IS_OWNER_GONE, WATCHED } from './ownership.ts';

export interface Survey {
  /** Another text whenever anything is different about which mailboxes are the worker's, or what they have to copy. */
  readonly mark: string;
  /** Watched mailboxes that are the worker's. */
  readonly own: number;
  /** Watched mailboxes that nobody alive owns. */
  readonly free: number;
  /** All mailboxes that are to be watched. */
  readonly watched: number;
  /** Of the workers that renewed lately, how many mailboxes each can take; one of a version that does not say: any number. */
  readonly capacities: readonly number[];
}

const UNSAID = 1_000_000;
/** A worker that did not renew for this long may be frozen: nothing is left to it. */
const LATELY_SECONDS = 15;

const WAITS = `exists (select 1 from mail where mail.epoch_id = e.id and mail.state = 'assigned')`;

/** `aliveSeconds`: how long a renewal lasts. */
export async function surveyMailboxes(sql: Sql, workerId: WorkerId, aliveSeconds: number): Promise<Survey> {
  const { rows } = await sql.query<Survey>(
    `with watched as (
       select m.id, m.owner_id, m.owner_epoch, e.id as epoch_id, ${IS_OWNER_GONE} as is_free,
         m.owner_id = $1 and ${WAITS} as waits
       from mailbox m join epoch e on e.mailbox_id = m.id and e.closed_at is null where ${WATCHED})
     select count(*)::int as watched, (count(*) filter (where is_free))::int as free,
       (count(*) filter (where owner_id = $1))::int as own,
       coalesce(sum(hashtextextended(
         id::text || owner_epoch || epoch_id::text || waits, 0)) filter (where owner_id = $1), 0)::text as mark,
       (select coalesce(array_agg(coalesce(mailboxes_max, $2::int)), '{}') from worker
         where alive_until > now() + make_interval(secs => $3)) as capacities
     from watched`,
    [workerId, UNSAID, aliveSeconds - LATELY_SECONDS],
  );
  return rows[0] ?? { mark: '', own: 0, free: 0, watched: 0, capacities: [] };
}

/**
 * How many of the watched mailboxes one worker should read: everybody as many, but nobody more than it can take. The
 * shares of all together are never fewer than all mailboxes, unless they cannot be taken.
 */
export function fairShare(watched: number, capacities: readonly number[], own: number): number {
  let left = watched;
  let level = 0;
  const ascending = [...capacities].sort((one, other) => one - other);
  ascending.forEach((capacity, index) => {
    level = Math.max(level, Math.min(capacity, Math.ceil(left / (ascending.length - index))));
    left -= Math.min(capacity, level);
  });
  return Math.min(own, level);
}

/** What a mailbox of the worker's is in the ledger now. */
export interface HeldMailbox {
  readonly id: MailboxId;
  readonly ownerEpoch: number;
  /** The epoch of uids that is open. */
  readonly epochId: string;
  /** Uids were assigned that are to be copied, whatever the server announces. */
  readonly hasAssigned: boolean;
}

/** All watched mailboxes that the ledger says are this worker's. */
export async function heldMailboxes(sql: Sql, workerId: WorkerId): Promise<readonly HeldMailbox[]> {
  const { rows } = await sql.query<HeldMailbox>(
    `select m.id, m.owner_epoch as "ownerEpoch", e.id as "epochId", ${WAITS} as "hasAssigned"
     from mailbox m join epoch e on e.mailbox_id = m.id and e.closed_at is null
     where m.owner_id = $1 and ${WATCHED}`,
    [workerId],
  );
  return rows;
}

/** Leaves mailboxes to another worker, and tells it: it should not wait for its next look. */
export async function handOver(sql: Sql, workerId: WorkerId, ids: readonly MailboxId[]): Promise<void> {
  await sql.query('update mailbox set owner_id = null where owner_id = $1 and id = any($2::uuid[])', [workerId, ids]);
  await sql.query('select pg_notify($1, $2)', [CHANGES, '']);
}

/** These were looked at within the last `withinSeconds` and nothing was new: for whoever asks when that was. */
export async function recordPolled(
  sql: Sql,
  workerId: WorkerId,
  ids: readonly MailboxId[],
  withinSeconds: number,
): Promise<void> {
  await sql.query(
    `update mailbox set last_polled_at = greatest(last_polled_at, now() - make_interval(secs => $3))
     where owner_id = $1 and id = any($2::uuid[])`,
    [workerId, ids, withinSeconds],
  );
}

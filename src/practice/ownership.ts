/**
 * Which worker reads which mailbox. One row per worker, renewed by database time; a mailbox is free when its owner's
 * time has passed. The owner_epoch rises at every change, so a commit of a former owner changes nothing.
 */

import type { Sql } from '../ledger/ledger.ts';
import type { MailboxId, WorkerId } from '../shared/ids.ts';
import { CHANGES } from './changes.ts';

/** How long a worker counts as alive after its last renewal: takeover happens no earlier. */
export const ALIVE_SECONDS = 30;

export interface OwnedMailbox {
  readonly id: MailboxId;
  readonly ownerEpoch: number;
}

/** `mailboxesMax`: how many it can read; null: it does not say. */
export async function registerWorker(sql: Sql, workerId: WorkerId, mailboxesMax: number | null = null): Promise<void> {
  await sql.query(
    `insert into worker (id, epoch, alive_until, mailboxes_max) values ($1, 1, now() + make_interval(secs => $2), $3)`,
    [workerId, ALIVE_SECONDS, mailboxesMax],
  );
}

/** Renews; false where the row is gone or its time had already passed (others may have taken over). */
export async function renewWorker(sql: Sql, workerId: WorkerId, mailboxesMax: number | null = null): Promise<boolean> {
  const renewed = await sql.query(
    `update worker set alive_until = now() + make_interval(secs => $2), mailboxes_max = $3
     where id = $1 and alive_until > now()`,
    [workerId, ALIVE_SECONDS, mailboxesMax],
  );
  return renewed.count === 1;
}

/** Gives everything back at once, and says so: a clean stop need not wait for its time to pass. */
export async function retireWorker(sql: Sql, workerId: WorkerId): Promise<void> {
  await sql.query('update mailbox set owner_id = null where owner_id = $1', [workerId]);
  await sql.query('delete from worker where id = $1', [workerId]);
  await sql.query('select pg_notify($1, $2)', [CHANGES, '']);
}

// Watched: an epoch is open, and it is a return mailbox or a practice that it serves has forwarding enabled or paused.
export const WATCHED = `(m.purpose = 'return' or exists (select 1 from mailbox_practice mp join integration i on i.practice_id = mp.practice_id
    where mp.mailbox_id = m.id and i.name = 'forwarding' and i.state in ('enabled', 'paused')))
  and exists (select 1 from epoch e where e.mailbox_id = m.id and e.closed_at is null)`;

// A scalar subquery, not a join: where a row was claimed by another in this very moment, PostgreSQL tests the new row
// again, but a join keeps the owner that it had found (nobody), and both would take the mailbox.
export const IS_OWNER_GONE = 'coalesce((select w.alive_until < now() from worker w where w.id = m.owner_id), true)';

/**
 * Takes up to `most` watched mailboxes that nobody alive owns. `held` are those that this worker reads now: one that is
 * its own in the ledger only (the answer of an earlier claim was lost, its watch ended) is taken again, in a new epoch.
 * `shunned` are left alone: this worker could not begin them, and waits before it tries again.
 */
export async function claimMailboxes(
  sql: Sql,
  workerId: WorkerId,
  most: number,
  held: readonly MailboxId[] = [],
  shunned: readonly MailboxId[] = [],
): Promise<readonly OwnedMailbox[]> {
  const { rows } = await sql.query<OwnedMailbox>(
    `update mailbox set owner_id = $1, owner_epoch = owner_epoch + 1
     where id in (
       select m.id from mailbox m
       where ${WATCHED} and (m.owner_id = $1 or ${IS_OWNER_GONE}) and m.id <> all ($3::uuid[])
       order by m.id limit $2 for update of m skip locked)
     returning id, owner_epoch as "ownerEpoch"`,
    [workerId, most, [...held, ...shunned]],
  );
  return rows;
}

/** Of those this worker reads, the mailboxes that are no longer watched or no longer its own. */
export async function mailboxesToDrop(
  sql: Sql,
  workerId: WorkerId,
  held: readonly MailboxId[],
): Promise<readonly MailboxId[]> {
  const { rows } = await sql.query<{ id: MailboxId }>(
    `select held.id from unnest($2::uuid[]) as held (id) left join mailbox m on m.id = held.id and m.owner_id = $1 and ${WATCHED}
     where m.id is null`,
    [workerId, held],
  );
  return rows.map((row) => row.id);
}

/** Lets go of mailboxes, so that another worker (or this one, later) may take them. */
export async function dropMailboxes(sql: Sql, workerId: WorkerId, ids: readonly MailboxId[]): Promise<void> {
  await sql.query('update mailbox set owner_id = null where owner_id = $1 and id = any($2::uuid[])', [workerId, ids]);
}

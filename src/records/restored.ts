/** Statements for a ledger that was restored from a backup: it is older than the world, and must not trust what it knows. */

import type { Sql } from '../ledger/ledger.ts';
import { type DistrustedRegistrations, distrustRegistrations } from './registration-restored.ts';

/** Redis may still know jobs of the lost time by the same id: generations jump over them (reliability.md §4, trap A). */
const GENERATIONS_LOST = 1_000;

export interface Distrusted extends DistrustedRegistrations {
  /** Deliveries that were open in the backup: the card is asked before anything else. */
  readonly deliveries: number;
  readonly batches: number;
}

/** Every claim ends, every open delivery asks first, everything goes into the queue again under a new generation. */
export async function distrust(tx: Sql): Promise<Distrusted> {
  const deliveries = await tx.query(
    `update delivery set ask_first = true, state = case when state = 'sending' then 'uncertain' else state end, attempts = 0,
       generation = generation + ${GENERATIONS_LOST}, lease_token = null, lease_until = null, next_check_at = now()
     where state in ('ready', 'sending', 'uncertain')`,
  );
  await tx.query(`update mail set lease_token = null, lease_until = null, read_attempts = 0 where state = 'copied'`);
  const batches = await tx.query(
    `update read_batch b set generation = generation + ${GENERATIONS_LOST}, next_check_at = now()
     where exists (select 1 from mail m where m.read_batch_id = b.id and m.state = 'copied')`,
  );
  const sent = await distrustRegistrations(tx, GENERATIONS_LOST);
  return { deliveries: deliveries.count, batches: batches.count, ...sent };
}

/** From when on the ledger may lack what a mailbox held: its last visit in the backup, if that was before the backup. */
export async function knownUntil(sql: Sql, mailboxId: string, restoredAt: Date): Promise<Date> {
  const { rows } = await sql.query<{ at: Date }>(
    'select least(coalesce(last_polled_at, $2), $2::timestamptz) as at from mailbox where id = $1',
    [mailboxId, restoredAt],
  );
  return rows[0]?.at ?? restoredAt;
}

/** Takes a mailbox from whoever owns it: a commit of a worker that knew the lost ledger changes nothing. */
export async function disown(tx: Sql, mailboxId: string): Promise<void> {
  await tx.query('update mailbox set owner_id = null, owner_epoch = owner_epoch + 1 where id = $1', [mailboxId]);
}

/**
 * Crypto-shredding: without its keys what an owner's ciphertext says is gone, also from every backup of it.
 *
 * The owner's current key stays current, destroyed: so nothing can be sealed for it any more, by whatever worker still has
 * something in its hands, until a person begins anew (the unique index keeps a second current key out).
 */

import type { Sql } from '../ledger/ledger.ts';
import { newId } from '../shared/ids.ts';
import type { KeyOwner } from './keys.ts';
import { announceKeys, lockKeys } from './rotate.ts';

export type ShreddableOwner = Extract<KeyOwner, { purpose: 'mailbox' | 'practice' }>;

/** Destroys every key of this owner. Answers how many there were. */
export async function destroyKeys(tx: Sql, owner: ShreddableOwner): Promise<number> {
  await lockKeys(tx);
  const destroyed = await tx.query(
    'update data_key set wrapped = null, destroyed_at = now() where purpose = $1 and owner_id = $2 and wrapped is not null',
    [owner.purpose, owner.id],
  );
  // One that never had a key gets a destroyed one, for the same reason.
  await tx.query(
    `insert into data_key (id, purpose, owner_id, wrapped, master_key_id, destroyed_at) values ($1, $2, $3, null, '', now())
     on conflict do nothing`,
    [newId(), owner.purpose, owner.id],
  );
  await announceKeys(tx);
  return destroyed.count;
}

export async function isShredded(sql: Sql, owner: ShreddableOwner): Promise<boolean> {
  return (await shreddedAmong(sql, owner.purpose, [owner.id])).has(owner.id);
}

/** Which of these owners' keys were destroyed, and not begun anew since. */
export async function shreddedAmong(
  sql: Sql,
  purpose: ShreddableOwner['purpose'],
  ownerIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await sql.query<{ id: string }>(
    `select owner_id as id from data_key
     where purpose = $1 and owner_id = any($2::uuid[]) and retired_at is null and wrapped is null`,
    [purpose, ownerIds],
  );
  return new Set(rows.map(({ id }) => id));
}

/** A person takes a shredded owner into use again: from now on it may have a new key. What was shredded stays so. */
export async function beginAnew(tx: Sql, owner: ShreddableOwner): Promise<void> {
  await tx.query(
    'update data_key set retired_at = now() where purpose = $1 and owner_id = $2 and retired_at is null and wrapped is null',
    [owner.purpose, owner.id],
  );
}

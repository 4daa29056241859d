/**
 * Destroys retired data keys that nothing stands under any more: what was erased under them may linger on a disk, and can then
 * never be read again. It may be repeated.
 *
 * Nothing can come to stand under one while it is counted: new content is sealed under the current key, and one that was
 * retired a day ago is in no worker's memory (KEY_MAX_AGE_MS).
 */

import type { Sql } from '../ledger/ledger.ts';
import { type KeyFacts, keyInventory } from './inventory.ts';
import { announceKeys } from './rotate.ts';

/** The retired data keys that can go: KeyFacts, isDestroyable. */
export async function destroyableKeys(sql: Sql): Promise<readonly KeyFacts[]> {
  return (await keyInventory(sql)).filter(({ isDestroyable }) => isDestroyable);
}

/** Destroys them. Answers which they were. */
export async function destroyRetiredKeys(tx: Sql): Promise<readonly KeyFacts[]> {
  const due = await destroyableKeys(tx);
  const { rows } = await tx.query<{ id: string }>(
    `update data_key set wrapped = null, destroyed_at = now()
     where id = any($1::uuid[]) and retired_at is not null and wrapped is not null returning id`,
    [due.map(({ id }) => id)],
  );
  if (rows.length > 0) await announceKeys(tx);
  const destroyed = new Set(rows.map(({ id }) => id));
  return due.filter(({ id }) => destroyed.has(id));
}

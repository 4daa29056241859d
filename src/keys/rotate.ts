/** New keys for old: rotation, the master key's too. What stands under an old key stays readable; it is still wrapped. */

import type { Sql } from '../ledger/ledger.ts';
import { newId } from '../shared/ids.ts';
import { type KeyRow, type MasterKey, otherMasterKey, unwrap, wrap, wrapNew } from './wrap.ts';

/** The channel on which a change of keys is announced to running workers, so that they forget what they have in memory. */
export const KEY_CHANGES = 'zorgkoerier_keys';

/** The purposes that may rotate. Cards and patients are found by theirs: a new one would find nothing of before. */
export const ROTATING = ['mailbox', 'practice', 'replay', 'mac-digest'] as const;
export type RotatingPurpose = (typeof ROTATING)[number];

export interface RotatedKey {
  readonly purpose: RotatingPurpose;
  /** The mailbox or practice. */
  readonly ownerId: string | null;
  readonly retiredId: string;
  readonly newId: string;
}

/** Nobody else makes, changes or writes digests with keys until the transaction ends; reading goes on. */
export async function lockKeys(tx: Sql): Promise<void> {
  await tx.query('lock table data_key in share row exclusive mode');
}

/** In the transaction of the change: heard once it is committed. */
export async function announceKeys(tx: Sql): Promise<void> {
  await tx.query('select pg_notify($1, $2)', [KEY_CHANGES, '']);
}

/**
 * Gives these purposes, or one owner of a purpose, a new current key. An owner without a key gets its first when something
 * is sealed for it; one that was shredded gets none. Throws `keys.other-master-key`.
 */
export async function rotateKeys(
  tx: Sql,
  master: MasterKey,
  which: { readonly purposes: readonly RotatingPurpose[]; readonly ownerId: string | null },
): Promise<readonly RotatedKey[]> {
  await lockKeys(tx);
  const { rows } = await tx.query<{ id: string; purpose: RotatingPurpose; owner_id: string | null; master: string }>(
    `update data_key set retired_at = now()
     where retired_at is null and wrapped is not null and purpose = any($1::text[]) and ($2::uuid is null or owner_id = $2)
     returning id, purpose, owner_id, master_key_id as master`,
    [which.purposes, which.ownerId],
  );
  const other = rows.find((row) => row.master !== master.id);
  if (other !== undefined) throw otherMasterKey({ key: other.id, masterKey: other.master });
  const rotated = rows.map(({ id, purpose, owner_id }) => ({
    purpose,
    ownerId: owner_id,
    retiredId: id,
    newId: newId(),
  }));
  await tx.query(
    `insert into data_key (id, purpose, owner_id, wrapped, master_key_id)
     select k.id, k.purpose, k.owner_id, k.wrapped, $5 from unnest($1::uuid[], $2::text[], $3::uuid[], $4::bytea[]) as k (id, purpose, owner_id, wrapped)`,
    [
      rotated.map((key) => key.newId),
      rotated.map((key) => key.purpose),
      rotated.map((key) => key.ownerId),
      rotated.map((key) => wrapNew(master, key.newId)),
      master.id,
    ],
  );
  await announceKeys(tx);
  return rotated;
}

/**
 * Wraps every key by the next master key instead of the present one; the keys themselves, and what stands under them, stay
 * as they are. What is under the next one already is left, so that it may be repeated. Answers how many were wrapped anew.
 */
export async function rewrapKeys(tx: Sql, from: MasterKey, to: MasterKey): Promise<number> {
  await lockKeys(tx);
  const { rows } = await tx.query<KeyRow>(
    'select id, wrapped, master_key_id from data_key where wrapped is not null and master_key_id <> $1',
    [to.id],
  );
  const wrapped = rows.map((row) => wrap(to, unwrap(from, row)));
  await tx.query(
    `update data_key k set wrapped = n.wrapped, master_key_id = $3 from unnest($1::uuid[], $2::bytea[]) as n (id, wrapped) where k.id = n.id`,
    [rows.map((row) => row.id), wrapped, to.id],
  );
  await announceKeys(tx);
  return rows.length;
}

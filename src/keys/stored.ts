/** Keys as the ledger has them: found, unwrapped, and made where an owner has none yet. */

import type { Sql } from '../ledger/ledger.ts';
import { asFailure, Failure } from '../shared/failure.ts';
import { newId } from '../shared/ids.ts';
import type { DataKey } from './cipher.ts';
import { type KeyRow, type MasterKey, otherMasterKey, unwrap, wrapNew } from './wrap.ts';

export interface KeyStore {
  readonly sql: Sql;
  readonly master: MasterKey;
}

/** A new row of digests may be written by a worker that heard late; so much longer than the horizon is a key looked up. */
const HORIZON_MARGIN_DAYS = 1;

const SELECT = 'select id, wrapped, master_key_id from data_key';

/**
 * The key that is written with; made where there is none. Two workers may both find none: the unique index lets one insert
 * win, and both read the winner. Throws `keys.owner-shredded` where it was destroyed and nobody began anew.
 */
export async function currentKey(store: KeyStore, purpose: string, ownerId: string | null): Promise<DataKey> {
  const find = async () => {
    const where = 'where purpose = $1 and owner_id is not distinct from $2::uuid and retired_at is null';
    return (await store.sql.query<KeyRow>(`${SELECT} ${where}`, [purpose, ownerId])).rows[0];
  };
  const row = (await find()) ?? (await inserted(store, purpose, ownerId, find));
  if (row.wrapped === null)
    throw new Failure('keys.owner-shredded', { kind: 'permanent', fields: { purpose, owner: ownerId } });
  return unwrap(store.master, row);
}

// Never under a master key that the ledger has left behind: whoever has the new one could not open it.
async function inserted(
  store: KeyStore,
  purpose: string,
  ownerId: string | null,
  find: () => Promise<KeyRow | undefined>,
): Promise<KeyRow> {
  const id = newId();
  await store.sql.query(
    `insert into data_key (id, purpose, owner_id, wrapped, master_key_id) select $1, $2, $3, $4, $5
     where not exists (select 1 from data_key where wrapped is not null and master_key_id <> $5) on conflict do nothing`,
    [id, purpose, ownerId, wrapNew(store.master, id), store.master.id],
  );
  const row = await find();
  if (row === undefined) throw otherMasterKey({ key: null, masterKey: null });
  return row;
}

export async function keyById(store: KeyStore, id: string): Promise<DataKey> {
  const { rows } = await store.sql.query<KeyRow>(`${SELECT} where id = $1`, [id]);
  if (rows[0] === undefined)
    throw new Failure('keys.cannot-open', { kind: 'permanent', fields: { key: id, why: 'unknown-key' } });
  return unwrap(store.master, rows[0]);
}

/**
 * The digest keys by which anything may still have to be found, newest first. Where one of them cannot be opened nothing is
 * looked up at all, since a duplicate could be missed: that is everybody's trouble, and no report's.
 */
export async function liveDigestKeys(store: KeyStore, dedupeDays: number): Promise<readonly DataKey[]> {
  try {
    return await digestKeysWithin(store, dedupeDays);
  } catch (thrown) {
    const { code, kind, fields } = asFailure(thrown);
    throw new Failure(code, { kind, scope: 'peer', fields, cause: thrown });
  }
}

async function digestKeysWithin(store: KeyStore, dedupeDays: number): Promise<readonly DataKey[]> {
  const current = await currentKey(store, 'mac-digest', null);
  const { rows } = await store.sql.query<KeyRow>(
    `${SELECT} where purpose = 'mac-digest' and wrapped is not null and id <> $1
       and retired_at > now() - make_interval(days => $2::int) order by retired_at desc, id desc`,
    [current.id, dedupeDays + HORIZON_MARGIN_DAYS],
  );
  return [current, ...rows.map((row) => unwrap(store.master, row))];
}

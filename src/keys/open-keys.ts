/** Keys kept in the ledger (wrapped) and, once unwrapped, in memory: unwrapping for every mail would be slow. */

import { createHmac, randomBytes } from 'node:crypto';
import type { Sql } from '../ledger/ledger.ts';
import { Failure } from '../shared/failure.ts';
import { newId } from '../shared/ids.ts';
import { type DataKey, decrypt, encrypt, keyIdOf } from './cipher.ts';
import type { KeyOwner, Keys, MacPurpose, SealedPlace } from './keys.ts';

export interface MasterKey {
  /** First 8 hex digits of the key's SHA-256: says which key wrapped a data key, and nothing about it. */
  readonly id: string;
  readonly bytes: Buffer;
}

export interface KeysOptions {
  readonly sql: Sql;
  readonly master: MasterKey;
}

interface KeyRow {
  readonly id: string;
  readonly wrapped: Buffer | null;
  readonly master_key_id: string;
}

export function openKeys(options: KeysOptions): Keys {
  const byOwner = new Map<string, Promise<DataKey>>();
  const byId = new Map<string, Promise<DataKey>>();
  const current = (purpose: string, ownerId: string | null) =>
    remembered(byOwner, `${purpose}|${ownerId ?? ''}`, () => currentKey(options, purpose, ownerId));
  const byKeyId = (id: string) => remembered(byId, id, () => keyById(options, id));
  const macKey = async (purpose: MacPurpose) => (await current(`mac-${purpose}`, null)).bytes;
  return {
    seal: async (place, plain) => {
      const key = await current(place.owner.purpose, place.owner.id);
      return encrypt(key, aadOf(place, key.id), plain);
    },
    open: async (place, sealed) => {
      const id = keyIdOf(sealed);
      if (id === null) throw cannotOpen(place, 'no-ciphertext');
      const key = await byKeyId(id);
      try {
        return decrypt(key, aadOf(place, key.id), sealed);
      } catch {
        throw cannotOpen(place, 'changed-or-moved');
      }
    },
    mac: async (purpose, data) =>
      createHmac('sha256', await macKey(purpose))
        .update(data)
        .digest(),
    digester: async (purpose) => {
      const key = await macKey(purpose);
      return (text) => createHmac('sha256', key).update(text).digest('hex');
    },
  };
}

function aadOf(place: SealedPlace, keyId: string): string {
  return [place.table, place.rowId, ownerText(place.owner), keyId].join('|');
}

function ownerText(owner: KeyOwner): string {
  return `${owner.purpose}:${owner.id ?? ''}`;
}

function cannotOpen(place: SealedPlace, why: string): Failure {
  return new Failure('keys.cannot-open', { kind: 'permanent', fields: { table: place.table, row: place.rowId, why } });
}

// A failed look-up is forgotten, so that a database that was away is asked again.
function remembered(map: Map<string, Promise<DataKey>>, name: string, make: () => Promise<DataKey>): Promise<DataKey> {
  const known = map.get(name);
  if (known !== undefined) return known;
  const made = make().catch((thrown: unknown) => {
    map.delete(name);
    throw thrown;
  });
  map.set(name, made);
  return made;
}

// Two workers may both find no key: the unique index lets one insert win, and both read the winner.
async function currentKey(options: KeysOptions, purpose: string, ownerId: string | null): Promise<DataKey> {
  const select =
    'select id, wrapped, master_key_id from data_key where purpose = $1 and owner_id is not distinct from $2::uuid and retired_at is null';
  const found = (await options.sql.query<KeyRow>(select, [purpose, ownerId])).rows[0];
  if (found !== undefined) return unwrap(options, found);
  const id = newId();
  const wrapped = wrap(options.master, id, randomBytes(32));
  await options.sql.query(
    'insert into data_key (id, purpose, owner_id, wrapped, master_key_id) values ($1, $2, $3, $4, $5) on conflict do nothing',
    [id, purpose, ownerId, wrapped, options.master.id],
  );
  const row = (await options.sql.query<KeyRow>(select, [purpose, ownerId])).rows[0];
  if (row === undefined)
    throw new Failure('keys.unknown-key', { kind: 'permanent', scope: 'peer', fields: { purpose } });
  return unwrap(options, row);
}

async function keyById(options: KeysOptions, id: string): Promise<DataKey> {
  const { rows } = await options.sql.query<KeyRow>('select id, wrapped, master_key_id from data_key where id = $1', [
    id,
  ]);
  if (rows[0] === undefined)
    throw new Failure('keys.cannot-open', { kind: 'permanent', fields: { key: id, why: 'unknown-key' } });
  return unwrap(options, rows[0]);
}

function wrap(master: MasterKey, id: string, bytes: Buffer): Buffer {
  return encrypt({ id, bytes: master.bytes }, `data_key|${id}|${master.id}`, bytes);
}

function unwrap(options: KeysOptions, row: KeyRow): DataKey {
  const fields = { key: row.id, masterKey: row.master_key_id };
  if (row.wrapped === null)
    throw new Failure('keys.cannot-open', { kind: 'permanent', fields: { ...fields, why: 'destroyed' } });
  if (row.master_key_id !== options.master.id) {
    throw new Failure('keys.other-master-key', { kind: 'permanent', scope: 'peer', fields });
  }
  try {
    const bytes = decrypt(
      { id: row.id, bytes: options.master.bytes },
      `data_key|${row.id}|${options.master.id}`,
      row.wrapped,
    );
    return { id: row.id, bytes };
  } catch {
    throw new Failure('keys.cannot-open', { kind: 'permanent', fields: { ...fields, why: 'wrapped-key-changed' } });
  }
}

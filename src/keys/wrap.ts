/** How a key stands in the ledger: wrapped by the master key, with its own id and the master key's bound in. */

import { randomBytes } from 'node:crypto';
import { Failure } from '../shared/failure.ts';
import { type DataKey, decrypt, encrypt } from './cipher.ts';

export interface MasterKey {
  /** First 8 hex digits of the key's SHA-256: says which key wrapped a data key, and nothing about it. */
  readonly id: string;
  readonly bytes: Buffer;
}

export interface KeyRow {
  readonly id: string;
  /** null: destroyed. */
  readonly wrapped: Buffer | null;
  readonly master_key_id: string;
}

/** A new key's bytes, wrapped. */
export function wrapNew(master: MasterKey, id: string): Buffer {
  return wrap(master, { id, bytes: randomBytes(32) });
}

export function wrap(master: MasterKey, key: DataKey): Buffer {
  return encrypt({ id: key.id, bytes: master.bytes }, placeOf(key.id, master), key.bytes);
}

/** Throws `keys.other-master-key` (the whole set-up is wrong) or `keys.cannot-open` (this one key is). */
export function unwrap(master: MasterKey, row: KeyRow): DataKey {
  const fields = { key: row.id, masterKey: row.master_key_id };
  if (row.wrapped === null)
    throw new Failure('keys.cannot-open', { kind: 'permanent', fields: { ...fields, why: 'destroyed' } });
  if (row.master_key_id !== master.id) throw otherMasterKey(fields);
  try {
    const bytes = decrypt({ id: row.id, bytes: master.bytes }, placeOf(row.id, master), row.wrapped);
    return { id: row.id, bytes };
  } catch {
    throw new Failure('keys.cannot-open', { kind: 'permanent', fields: { ...fields, why: 'wrapped-key-changed' } });
  }
}

export function otherMasterKey(fields: { readonly key: string | null; readonly masterKey: string | null }): Failure {
  return new Failure('keys.other-master-key', { kind: 'permanent', scope: 'peer', fields });
}

function placeOf(id: string, master: MasterKey): string {
  return `data_key|${id}|${master.id}`;
}

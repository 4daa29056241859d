/**
 * Digests across a rotation. A row is written with the newest key and looked up under all that are live. Whoever looks up
 * before it writes says so in its transaction (`guard`): of two workers of which one has not heard of the newest key, that
 * one is refused and begins anew, so that neither misses what the other wrote. Whoever only looks up asks for the newest
 * key in the statement that looks up.
 */

import { createHmac } from 'node:crypto';
import type { Sql } from '../ledger/ledger.ts';
import { Failure } from '../shared/failure.ts';
import { type DataKey, secretOf } from './cipher.ts';

export interface DigestKeys {
  readonly newestId: string;
  /** One digest for each live key, the newest key's first: that is the one to write. */
  of(data: string | Buffer): readonly Buffer[];
}

export function digestKeysOf(keys: readonly DataKey[]): DigestKeys {
  return {
    newestId: keys[0]?.id ?? '',
    of: (data) => keys.map((key) => createHmac('sha256', secretOf(key.bytes)).update(data).digest()),
  };
}

// Who changes keys holds off whoever writes to this table, and the other way round. A change of no row takes the lock of one
// who writes too, and a statement sees what was committed when it had all its locks: so what it finds newest is so after
// a rotation that it waited for, in one round trip to the ledger.
const HELD_NEWEST = `with held as (update data_key set id = id where false)
  select id from data_key where purpose = 'mac-digest' and retired_at is null`;

/**
 * Until the transaction ends nobody rotates; throws `keys.rotated-meanwhile` where somebody did since these keys were
 * asked for. Call it first: it is the outermost of a transaction's locks.
 */
export async function requireNewest(tx: Sql, used: DigestKeys): Promise<void> {
  const { rows } = await tx.query<{ id: string }>(HELD_NEWEST);
  requireSeen(rows[0]?.id ?? null, used);
}

/**
 * The newest key's id, as a value in a statement that looks up and writes nothing. A row under a newer key is committed after
 * that key is; so where this is the newest that was used, nothing that the same statement saw was written under another.
 */
export const NEWEST_DIGEST_KEY = `(select id from data_key where purpose = 'mac-digest' and retired_at is null)`;

export function requireSeen(newestId: string | null, used: DigestKeys): void {
  if (newestId !== used.newestId) throw new Failure('keys.rotated-meanwhile', { kind: 'transient', scope: 'peer' });
}

/**
 * Digests across a rotation. A row is written with the newest key and looked up under all that are live. Whoever looks up
 * before it writes says so in its transaction (`guard`): of two workers of which one has not heard of the newest key, that
 * one is refused and begins anew, so that neither misses what the other wrote.
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

/**
 * Until the transaction ends nobody rotates; throws `keys.rotated-meanwhile` where somebody did since these keys were
 * asked for. Call it first: it is the outermost of a transaction's locks.
 */
export async function requireNewest(tx: Sql, used: DigestKeys): Promise<void> {
  await tx.query('lock table data_key in row exclusive mode');
  const newest = "select id from data_key where purpose = 'mac-digest' and retired_at is null";
  const { rows } = await tx.query<{ id: string }>(newest);
  if (rows[0]?.id !== used.newestId) throw new Failure('keys.rotated-meanwhile', { kind: 'transient', scope: 'peer' });
}

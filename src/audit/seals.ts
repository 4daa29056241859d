/** Seals as rows of the ledger, and as lines of the file that is kept elsewhere. */

import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Sql } from '../ledger/ledger.ts';
import { momentText, type SealedRange } from './canonical.ts';

export interface Seal extends SealedRange {
  readonly hash: Buffer;
  readonly mac: Buffer;
}

/** What the first seal has before it. */
export const NO_HASH = Buffer.alloc(32);

const SELECT = `select sequence, version, from_id as "fromId", to_id as "toId", row_ids::text[] as "rowIds", row_hashes as "rowHashes",
  previous_hash as "previousHash", hash, mac, ${momentText('sealed_at')} as "sealedAt" from audit_seal`;

type SealRow = Omit<Seal, 'rowIds'> & { readonly rowIds: readonly string[] };

/** Seals after a sequence, in order; `most` of them. */
export async function sealsAfter(sql: Sql, sequence: number, most: number): Promise<readonly Seal[]> {
  const { rows } = await sql.query<SealRow>(`${SELECT} where sequence > $1 order by sequence limit $2`, [
    sequence,
    most,
  ]);
  return rows.map(asSeal);
}

export async function sealOf(sql: Sql, sequence: number): Promise<Seal | null> {
  const { rows } = await sql.query<SealRow>(`${SELECT} where sequence = $1`, [sequence]);
  return rows[0] === undefined ? null : asSeal(rows[0]);
}

export async function lastSeal(sql: Sql): Promise<Seal | null> {
  const { rows } = await sql.query<SealRow>(`${SELECT} order by sequence desc limit 1`);
  return rows[0] === undefined ? null : asSeal(rows[0]);
}

export async function insertSeal(tx: Sql, seal: Seal): Promise<void> {
  await tx.query(
    `insert into audit_seal (sequence, version, from_id, to_id, row_ids, row_hashes, previous_hash, hash, mac, sealed_at)
     values ($1, $2, $3, $4, $5::bigint[], $6, $7, $8, $9, $10::timestamptz)`,
    [
      seal.sequence,
      seal.version,
      seal.fromId,
      seal.toId,
      seal.rowIds,
      seal.rowHashes,
      seal.previousHash,
      seal.hash,
      seal.mac,
      seal.sealedAt,
    ],
  );
}

/** Under a key that stands in the ledger only wrapped: who may write to the ledger can make a hash, and not this. */
export function sealMac(key: Buffer, hash: Buffer): Buffer {
  return createHmac('sha256', key).update(hash).digest();
}

export function isMacOf(key: Buffer, seal: Seal): boolean {
  return timingSafeEqual(sealMac(key, seal.hash), seal.mac);
}

/** One line of JSON, without its line end; equal seals are equal lines. */
export function lineOf(seal: Seal): string {
  const { sequence, version, fromId, toId, rowIds, previousHash, hash, mac, sealedAt } = seal;
  const hex = { previous: previousHash.toString('hex'), hash: hash.toString('hex'), mac: mac.toString('hex') };
  return JSON.stringify({ sequence, version, fromId, toId, rows: rowIds.length, ...hex, sealedAt });
}

/** The sequence that a line of the file says; null where it is no such line. */
export function sequenceOfLine(line: string): number | null {
  const sequence = /^\{"sequence":(\d{1,15}),.*\}$/.exec(line)?.[1];
  return sequence === undefined ? null : Number(sequence);
}

function asSeal(row: SealRow): Seal {
  return { ...row, rowIds: row.rowIds.map(Number) };
}

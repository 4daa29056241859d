/**
 * What is hashed, byte by byte. Every value is a text that PostgreSQL makes of the column, in one fixed order, with its
 * length before it, so that no two different rows are the same bytes. A change of any of this is a new version: seals say
 * under which one they were made, and verifying knows them all.
 */

import { createHash } from 'node:crypto';
import type { Sql } from '../ledger/ledger.ts';

export const SEAL_VERSION = 1;

/** A moment as text to the microsecond, in UTC: what a Date would cut off is part of what was said. */
export const momentText = (expression: string) =>
  `to_char(${expression} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** Every column of `audit`, and how it becomes text. */
export const AUDIT_COLUMNS: readonly (readonly [column: string, text: string])[] = [
  ['id', 'id::text'],
  ['at', momentText('at')],
  ['actor', 'actor'],
  ['on_behalf_of', 'on_behalf_of'],
  ['event', 'event'],
  ['outcome', 'outcome'],
  ['object_kind', 'object_kind'],
  ['object_id', 'object_id'],
  ['practice_id', 'practice_id::text'],
  ['patient_key', `encode(patient_key, 'hex')`],
  ['reason', 'reason'],
  ['fields', 'fields::text'],
  ['action', 'action'],
  ['event_type', 'event_type'],
  ['role', 'role'],
  ['is_requestor', 'is_requestor::text'],
  ['purpose', 'purpose'],
  ['access_point', 'access_point'],
  ['source', 'source'],
  ['participants', 'participants::text'],
];

const ROWS = `select id, array[${AUDIT_COLUMNS.map(([, text]) => text).join(', ')}]::text[] as columns from audit
  where id > $1 and id <= $2 order by id limit $3`;

export interface HashedRow {
  readonly id: number;
  readonly hash: Buffer;
}

/** Rows after one number up to another, in order, with their hashes; `most` of them. */
export async function hashedRows(sql: Sql, fromId: number, toId: number, most: number): Promise<readonly HashedRow[]> {
  const { rows } = await sql.query<{ id: number; columns: readonly (string | null)[] }>(ROWS, [fromId, toId, most]);
  return rows.map(({ id, columns }) => ({ id, hash: sha256(columns) }));
}

/** What a seal says, without its hash. */
export interface SealedRange {
  readonly version: number;
  readonly sequence: number;
  readonly previousHash: Buffer;
  readonly fromId: number;
  readonly toId: number;
  readonly rowIds: readonly number[];
  /** 32 bytes a row. */
  readonly rowHashes: Buffer;
  /** To the microsecond, as text. */
  readonly sealedAt: string;
}

export function sealHash(seal: SealedRange): Buffer {
  const { version, sequence, previousHash, fromId, toId, rowIds, rowHashes, sealedAt } = seal;
  const numbers = [version, sequence, fromId, toId, rowIds.length].map(String);
  const texts = [previousHash.toString('hex'), sealedAt, rowIds.join(','), rowHashes.toString('hex')];
  return sha256(['zorgkoerier audit seal', ...numbers, ...texts]);
}

function sha256(values: readonly (string | null)[]): Buffer {
  const hash = createHash('sha256');
  for (const value of values) hash.update(value === null ? '-' : `${Buffer.byteLength(value)}:${value}`);
  return hash.digest();
}

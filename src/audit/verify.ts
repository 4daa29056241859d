/**
 * Recomputes the whole chain, seal by seal, and says what is not as it was sealed. In memory are a page of seals and one
 * of rows, however long the audit is. What was appended and not sealed yet is counted, not judged.
 *
 * Without a file it finds every change that was made without the master key. With the file it finds every change of what
 * the file says: also by somebody who has the key, or who cut off the end of the chain.
 */

import type { Sql } from '../ledger/ledger.ts';
import { type HashedRow, hashedRows, momentText, SEAL_VERSION, sealHash } from './canonical.ts';
import { fileBeside } from './compare-file.ts';
import { isMacOf, NO_HASH, type Seal, sealsAfter } from './seals.ts';

export type FindingKind =
  | 'row-changed'
  | 'row-deleted'
  /** A row stands in the range of a seal that does not name it. */
  | 'row-inserted'
  /** And perhaps more after it, up to the next that is there. */
  | 'seal-missing'
  /** Its own hash is not that of what it says, or it was made by a version that is not known. */
  | 'seal-changed'
  /** Its hash is right, and was made without the key. */
  | 'seal-forged'
  /** It does not follow on the seal before it. */
  | 'seal-unlinked'
  /** The file says something else of this seal. */
  | 'file-differs'
  /** The file has seals that the ledger no longer has. */
  | 'chain-truncated';

export interface Finding {
  readonly kind: FindingKind;
  readonly sequence: number;
  /** Numbers of rows, ROWS_NAMED at most. */
  readonly rows: readonly number[];
}

export interface Verification {
  readonly seals: number;
  readonly rows: number;
  /** The first FINDINGS_MOST; `findingCount` has them all. */
  readonly findings: readonly Finding[];
  readonly findingCount: number;
  readonly unsealed: { readonly count: number; readonly since: string | null; readonly isOverdue: boolean };
  /** null: no file was compared. `behind`: seals at the end that the file does not have yet. */
  readonly file: { readonly lines: number; readonly behind: number } | null;
}

export interface VerifyOptions {
  readonly key: Buffer;
  /** Lines of the file that was kept elsewhere, or null. */
  readonly lines: AsyncIterable<string> | null;
  readonly progress: (done: { readonly seals: number; readonly rows: number }) => void;
}

const FINDINGS_MOST = 1_000;
const ROWS_NAMED = 10_000;
const SEALS_AT_ONCE = 20;
const ROWS_AT_ONCE = 5_000;

export async function verifyAudit(sql: Sql, { key, lines, progress }: VerifyOptions): Promise<Verification> {
  const findings: Finding[] = [];
  let findingCount = 0;
  const found = (kind: FindingKind, sequence: number, rows: readonly number[] = []) => {
    findingCount += 1;
    if (findings.length < FINDINGS_MOST) findings.push({ kind, sequence, rows });
  };
  const file = lines === null ? null : fileBeside(lines, found);
  let last: Seal | null = null;
  let [sealCount, rowCount] = [0, 0];
  for (;;) {
    const seals: readonly Seal[] = await sealsAfter(sql, last?.sequence ?? 0, SEALS_AT_ONCE);
    if (seals.length === 0) break;
    for (const seal of seals) {
      checkSeal(seal, last, key, found);
      rowCount += await checkRows(sql, seal, found);
      await file?.compare(seal);
      last = seal;
    }
    sealCount += seals.length;
    progress({ seals: sealCount, rows: rowCount });
  }
  return {
    seals: sealCount,
    rows: rowCount,
    unsealed: await unsealedAfter(sql, last?.toId ?? 0),
    file: file === null ? null : await file.end(),
    findings,
    findingCount,
  };
}

type Found = (kind: FindingKind, sequence: number, rows?: readonly number[]) => void;

function checkSeal(seal: Seal, last: Seal | null, key: Buffer, found: Found): void {
  const expected = (last?.sequence ?? 0) + 1;
  if (seal.sequence > expected) found('seal-missing', expected);
  const isNext = seal.previousHash.equals(last?.hash ?? NO_HASH) && seal.fromId === (last?.toId ?? 0);
  if (seal.sequence === expected && !isNext) found('seal-unlinked', seal.sequence);
  if (seal.version !== SEAL_VERSION || !sealHash(seal).equals(seal.hash)) found('seal-changed', seal.sequence);
  else if (!isMacOf(key, seal)) found('seal-forged', seal.sequence);
}

/** Answers how many rows stand in the seal's range. */
async function checkRows(sql: Sql, seal: Seal, found: Found): Promise<number> {
  const beside = besideSeal(seal);
  let count = 0;
  // Before the first seal nothing may stand, whatever its number.
  let cursor = seal.sequence === 1 ? Number.MIN_SAFE_INTEGER : seal.fromId;
  for (;;) {
    const rows = await hashedRows(sql, cursor, seal.toId, ROWS_AT_ONCE);
    rows.forEach(beside.row);
    count += rows.length;
    cursor = rows.at(-1)?.id ?? cursor;
    if (rows.length < ROWS_AT_ONCE) break;
  }
  for (const [kind, ids] of Object.entries(beside.end()) as [keyof RowDifferences, number[]][])
    if (ids.length > 0) found(kind, seal.sequence, ids);
  return count;
}

type RowDifferences = Record<'row-changed' | 'row-deleted' | 'row-inserted', number[]>;

/** Rows and what the seal says of them, both in order of number, side by side. */
function besideSeal(seal: Seal): { row(row: HashedRow): void; end(): RowDifferences } {
  const differences: RowDifferences = { 'row-changed': [], 'row-deleted': [], 'row-inserted': [] };
  let place = 0;
  const sealedId = () => seal.rowIds[place] ?? Number.POSITIVE_INFINITY;
  return {
    row: ({ id, hash }) => {
      for (; sealedId() < id; place += 1) differences['row-deleted'].push(sealedId());
      if (sealedId() !== id) {
        if (differences['row-inserted'].length < ROWS_NAMED) differences['row-inserted'].push(id);
      } else {
        if (!hash.equals(seal.rowHashes.subarray(32 * place, 32 * place + 32))) differences['row-changed'].push(id);
        place += 1;
      }
    },
    end: () => {
      differences['row-deleted'].push(...seal.rowIds.slice(place));
      return differences;
    },
  };
}

/** A sealer is a second or two behind; what is a minute old should have been sealed. */
async function unsealedAfter(sql: Sql, toId: number): Promise<Verification['unsealed']> {
  const { rows } = await sql.query<Verification['unsealed']>(
    `select count(*) as count, ${momentText('min(at)')} as since,
       coalesce(min(at) < now() - interval '1 minute', false) as "isOverdue" from audit where id > $1`,
    [toId],
  );
  return rows[0] ?? { count: 0, since: null, isOverdue: false };
}

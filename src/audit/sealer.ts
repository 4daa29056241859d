/**
 * The sealer: chains committed rows into seals. Any worker may be it; a lock lets one at a time.
 *
 * A row gets its number before its transaction commits, so a lower number may appear later than a higher one. A tick
 * therefore notes the highest number that it sees together with a transaction id of its own, and a later tick seals up to
 * that number once every transaction with an older id has ended: whoever holds a lower number had an older id (the
 * trigger `audit_begins` sees to that). What was noted stands in memory only, so nothing depends on it after a restart,
 * or after a restore into a server whose transaction ids begin anew.
 */

import type { Ledger, Sql } from '../ledger/ledger.ts';
import { type HashedRow, hashedRows, momentText, SEAL_VERSION, sealHash } from './canonical.ts';
import { insertSeal, lastSeal, NO_HASH, type Seal, sealMac } from './seals.ts';

/** Any number that nobody else locks. */
const LOCK = 7_046_010;
/** Rows of one seal: what is in memory at once, and hashed without a pause. */
const ROWS_MOST = 1_000;
/** Seals of one tick: the rest waits a second, so that a long backlog leaves the worker time for its work. */
const SEALS_MOST = 50;

export interface SealTick {
  readonly seals: number;
  readonly rows: number;
  /** Rows wait for a transaction that was running at an earlier tick and has not ended. */
  readonly isWaiting: boolean;
}

export interface Sealer {
  /** One round; may be repeated at any time and by any number of workers. Throws where the ledger cannot be reached. */
  tick(): Promise<SealTick>;
}

interface Noted {
  readonly maxId: number;
  /** Every transaction that may still bring a row up to maxId has a lower id than this. */
  readonly xact: string;
}

export interface SealerOptions {
  readonly ledger: Ledger;
  readonly key: Buffer;
  readonly rowsMost?: number;
}

export function openSealer({ ledger, key, rowsMost = ROWS_MOST }: SealerOptions): Sealer {
  let noted: Noted | null = null;
  const sealUpTo = async (seen: Noted): Promise<SealTick> => {
    let rows = 0;
    for (let seals = 0; seals < SEALS_MOST; seals += 1) {
      const sealed = await ledger.transaction((tx) => sealNext(tx, key, seen, rowsMost));
      if (sealed === 'waiting') return { seals, rows, isWaiting: true };
      if (sealed === 0) return { seals, rows, isWaiting: false };
      rows += sealed;
    }
    return { seals: SEALS_MOST, rows, isWaiting: false };
  };
  return {
    tick: async () => {
      const tick = noted === null ? { seals: 0, rows: 0, isWaiting: false } : await sealUpTo(noted);
      // What is waited for stays noted: a newer note would wait for newer transactions too, and never end.
      if (!tick.isWaiting) noted = await note(ledger);
      return tick;
    },
  };
}

// In this order in one statement: the snapshot in which the highest number is seen, then a transaction id.
async function note(sql: Sql): Promise<Noted | null> {
  const unsealed = 'select 1 from audit where id > coalesce((select max(to_id) from audit_seal), 0) limit 1';
  if ((await sql.query(unsealed)).count === 0) return null;
  const { rows } = await sql.query<{ maxId: number; xact: string }>(
    'select (select max(id) from audit) as "maxId", pg_current_xact_id()::text as xact',
  );
  return rows[0] ?? null;
}

/** Seals the next rows; answers how many. */
async function sealNext(tx: Sql, key: Buffer, { maxId, xact }: Noted, rowsMost: number): Promise<number | 'waiting'> {
  const { rows } = await tx.query<{ isMine: boolean }>('select pg_try_advisory_xact_lock($1) as "isMine"', [LOCK]);
  if (rows[0]?.isMine !== true) return 0;
  const ended = await tx.query('select 1 where pg_snapshot_xmin(pg_current_snapshot()) >= $1::text::xid8', [xact]);
  if (ended.count === 0) return 'waiting';
  const last = await lastSeal(tx);
  const sealed = await hashedRows(tx, last?.toId ?? 0, maxId, rowsMost);
  if (sealed.length === 0) return 0;
  await insertSeal(tx, await sealOver(tx, key, last, sealed));
  return sealed.length;
}

async function sealOver(tx: Sql, key: Buffer, last: Seal | null, rows: readonly HashedRow[]): Promise<Seal> {
  const now = await tx.query<{ now: string }>(`select ${momentText('clock_timestamp()')} as now`);
  const range = {
    version: SEAL_VERSION,
    sequence: (last?.sequence ?? 0) + 1,
    previousHash: last?.hash ?? NO_HASH,
    fromId: last?.toId ?? 0,
    toId: rows.at(-1)?.id ?? 0,
    rowIds: rows.map(({ id }) => id),
    rowHashes: Buffer.concat(rows.map(({ hash }) => hash)),
    sealedAt: now.rows[0]?.now ?? '',
  };
  const hash = sealHash(range);
  return { ...range, hash, mac: sealMac(key, hash) };
}

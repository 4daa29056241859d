/** Audit rows and seals of the tests, made through the door of production. */

import { randomUUID } from 'node:crypto';
import { appendAudit, openSealer, type Sealer, verifyAudit } from '../../src/audit/audit.ts';
import type { Ledger, Sql } from '../../src/ledger/ledger.ts';
import type { Ledgers } from '../ledger/ledgers.ts';

export const KEY = Buffer.alloc(32, 9);

/** So many rows of one act; answers their numbers. */
export async function append(sql: Sql, count = 1, actor = 'worker'): Promise<void> {
  const entry = { event: 'report.read', actor, objectKind: 'report', objectId: randomUUID() } as const;
  await appendAudit(
    sql,
    Array.from({ length: count }, () => entry),
  );
}

/** Two rounds: the first notes what there is, the second seals it. */
export async function sealAll(sealer: Sealer): Promise<number> {
  const first = await sealer.tick();
  const second = await sealer.tick();
  return first.rows + second.rows;
}

export function sealerOf(ledger: Ledger, rowsMost?: number): Sealer {
  return openSealer({ ledger, key: KEY, ...(rowsMost === undefined ? {} : { rowsMost }) });
}

export function verify(ledgers: Ledgers, lines: readonly string[] | null = null, key = KEY) {
  const source = lines === null ? null : each(lines);
  return verifyAudit(ledgers.worker, { key, lines: source, progress: () => {} });
}

async function* each(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}

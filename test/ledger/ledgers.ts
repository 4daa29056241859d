/** A database of its own for a test file, opened as the workers see it and as the owner of the tables does. */

import { afterAll, beforeAll } from 'vitest';
import { type Ledger, openLedger } from '../../src/ledger/ledger.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';

export interface Ledgers {
  /** With the rights of production. */
  readonly worker: Ledger;
  /** May change everything: used to move leases into the past, which is all that time does to them. */
  readonly owner: Ledger;
  readonly database: FreshDatabase;
}

/** Opened before the first test of the file and dropped after the last. */
export function useLedgers(): Ledgers {
  let ledgers: Ledgers | null = null;
  beforeAll(async () => {
    const database = await freshDatabase();
    ledgers = { database, worker: openTestLedger(database.workerUrl), owner: openTestLedger(database.ownerUrl) };
  });
  afterAll(async () => {
    if (ledgers === null) return;
    await Promise.all([ledgers.worker.release(), ledgers.owner.release()]);
    await ledgers.database.release();
  });
  const opened = () => {
    if (ledgers === null) throw new Error('the ledgers are opened before the first test');
    return ledgers;
  };
  return {
    get worker() {
      return opened().worker;
    },
    get owner() {
      return opened().owner;
    },
    get database() {
      return opened().database;
    },
  };
}

export function openTestLedger(url: string, connectionsMax = 12): Ledger {
  return openLedger({ url, connectionsMax, logger: silentLogger });
}

/** Resolves once a session of this database waits for a lock: the signal that two transactions met. */
export async function untilBlocked(owner: Ledger): Promise<void> {
  const blocked = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  while ((await owner.query(blocked)).count === 0);
}

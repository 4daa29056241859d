/** A database of its own for a test file, opened as the workers see it and as the owner of the tables does. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type Ledger, openLedger } from '../../src/ledger/ledger.ts';
import { startServices } from '../../src/sandbox/services/services.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';

export interface Ledgers {
  /** With the rights of production. */
  readonly worker: Ledger;
  /** May change everything: used to move leases into the past, which is all that time does to them. */
  readonly owner: Ledger;
  readonly database: FreshDatabase;
}

export interface LedgersOptions {
  /** In a PostgreSQL of the file's own: for what depends on every transaction of a server, such as when a seal may be made. */
  readonly isAlone?: boolean;
}

/** Opened before the first test of the file and dropped after the last. */
export function useLedgers({ isAlone = false }: LedgersOptions = {}): Ledgers {
  let ledgers: Ledgers | null = null;
  let own: OwnCluster | null = null;
  beforeAll(async () => {
    own = isAlone ? await startOwnCluster() : null;
    const database = await freshDatabase(own ?? undefined);
    ledgers = { database, worker: openTestLedger(database.workerUrl), owner: openTestLedger(database.ownerUrl) };
  });
  afterAll(async () => {
    if (ledgers === null) return;
    await Promise.all([ledgers.worker.release(), ledgers.owner.release()]);
    await ledgers.database.release();
    await own?.release();
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

interface OwnCluster {
  readonly databaseUrl: string;
  release(): Promise<void>;
}

async function startOwnCluster(): Promise<OwnCluster> {
  const directory = await mkdtemp(join(tmpdir(), 'zk-cluster-'));
  const { databaseUrl, release } = await startServices({ directory: join(directory, 'services'), isThrowaway: true });
  return {
    databaseUrl,
    release: async () => {
      await release();
      await rm(directory, { recursive: true, force: true });
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

/**
 * What `partition` runs on: a durable PostgreSQL of its own (fsync on) with one database, in which the schema as it is
 * stands in `public` and its partitioned copy in `parted`. A side is one connection that finds its tables by search path,
 * so that the same statements run on both. Vacuum runs only when it is asked for.
 */

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ledger, migrate, openLedger } from '../../src/ledger/ledger.ts';
import { placeFor } from '../../src/sandbox/services/place.ts';
import { freePort, initialisePostgres, startPostgres, stopPostgres } from '../../src/sandbox/services/postgres.ts';
import { databaseUrl } from '../../src/sandbox/services/postgres-client.ts';
import { monotonicMs, systemClock } from '../../src/shared/clock.ts';
import { silentLogger } from '../../src/shared/logger.ts';

export type SideName = 'plain' | 'months';

export interface Side {
  readonly name: SideName;
  readonly ledger: Ledger;
  /** What `act` cost the server, divided by `count`. */
  measure(count: number, act: () => Promise<void>): Promise<Cost>;
}

/** Of one item. */
export interface Cost {
  /** On the clock, with the driver and the disk: on a shared machine, what others do too. */
  readonly ms: number;
  /** Microseconds of processor time of the PostgreSQL process; null where Linux does not count them. */
  readonly cpuUs: number | null;
  readonly walBytes: number;
}

export interface PartitionStage {
  readonly plain: Side;
  readonly months: Side;
  release(): Promise<void>;
}

const SCHEMAS: Readonly<Record<SideName, string>> = { plain: 'public', months: 'parted,public' };
const HOUR_MS = 3_600_000;
const INTERRUPTED = 130;

export async function openPartitionStage(): Promise<PartitionStage> {
  const directory = await mkdtemp(join(tmpdir(), 'zk-bench-'));
  // PostgreSQL runs as another, who must get through.
  await chmod(directory, 0o711);
  const undo: (() => Promise<unknown>)[] = [() => rm(directory, { recursive: true, force: true })];
  const release = async () => {
    for (const step of undo.splice(0).reverse()) await step();
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
  };
  // PostgreSQL outlives whoever started it: a benchmark that is interrupted takes it along.
  const interrupted = () => void release().finally(() => process.exit(INTERRUPTED));
  process.on('SIGINT', interrupted).on('SIGTERM', interrupted);
  try {
    const place = await placeFor(join(directory, 'services'));
    const address = { port: await freePort(0), password: randomBytes(18).toString('hex') };
    await initialisePostgres(place, address.password, { isThrowaway: false });
    await startPostgres(place, address, { isThrowaway: false }, systemClock);
    undo.push(() => stopPostgres(place, systemClock));
    const url = databaseUrl(address);
    await migrate(url, { isFirstRun: true, workerPassword: randomBytes(18).toString('hex') });
    const plain = await openSide('plain', url);
    undo.push(() => plain.ledger.release());
    await plain.ledger.query('alter system set autovacuum = off');
    await plain.ledger.query('select pg_reload_conf()');
    const months = await openSide('months', url);
    undo.push(() => months.ledger.release());
    return { plain, months, release };
  } catch (thrown) {
    await release();
    throw thrown;
  }
}

async function openSide(name: SideName, ownerUrl: string): Promise<Side> {
  const url = new URL(ownerUrl);
  url.searchParams.set('options', `-c search_path=${SCHEMAS[name]}`);
  // One connection: its process is the one whose processor time is read.
  const ledger = openLedger({ url: url.href, connectionsMax: 1, logger: silentLogger, answerWithinMs: HOUR_MS });
  // The pool may have opened another connection since.
  const prepared = async () => {
    await ledger.query('set statement_timeout = 0');
    return (await ledger.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid ?? 0;
  };
  const written = async () => {
    const found = await ledger.query<{ at: string }>(
      "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::text as at",
    );
    return Number(found.rows[0]?.at);
  };
  return {
    name,
    ledger,
    measure: async (count, act) => {
      const pid = await prepared();
      const before = { wal: await written(), cpuNs: cpuNsOf(pid), ms: monotonicMs() };
      await act();
      const ms = monotonicMs() - before.ms;
      const cpuNs = cpuNsOf(pid);
      const walBytes = ((await written()) - before.wal) / count;
      const cpuUs = cpuNs === null || before.cpuNs === null ? null : (cpuNs - before.cpuNs) / 1000 / count;
      return { ms: ms / count, cpuUs, walBytes };
    },
  };
}

/** Nanoseconds on a processor (Documentation/scheduler/sched-stats, /proc/<pid>/schedstat). */
function cpuNsOf(pid: number): number | null {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]);
  } catch {
    return null;
  }
}

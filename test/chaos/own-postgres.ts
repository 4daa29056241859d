/** A PostgreSQL of the suite's own, to be restarted, crashed, cut and filled; on a disk of its own where we may mount one. */

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { migrate } from '../../src/ledger/migrate.ts';
import { placeFor } from '../../src/sandbox/services/place.ts';
import {
  freePort,
  initialisePostgres,
  postgresPid,
  startPostgres,
  stopPostgres,
} from '../../src/sandbox/services/postgres.ts';
import { databaseUrl } from '../../src/sandbox/services/postgres-client.ts';
import { isAlive } from '../../src/sandbox/services/processes.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { until } from '../support/until.ts';

export interface OwnPostgres {
  readonly ownerUrl: string;
  readonly workerUrl: string;
  /** Why it has no disk of its own; null where it has one. */
  readonly diskObstacle: string | null;
  sql<Row>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** `fast` as a restart by hand; `crash`: the server drops everything and recovers when it starts. */
  stop(how: 'fast' | 'crash'): Promise<void>;
  start(): Promise<void>;
  /** Not one byte more fits. */
  fillDisk(): Promise<void>;
  freeDisk(): Promise<void>;
  release(): Promise<void>;
}

const DISK = '4g';
const WORKER = 'zorgkoerier_worker';
const CRASHED_WITHIN_MS = 20_000;
const run = promisify(execFile);

/** `directory` must be open to other accounts: PostgreSQL does not run as root. */
export async function ownPostgres(directory: string): Promise<OwnPostgres> {
  const disk = join(directory, 'disk');
  await mkdir(disk, { mode: 0o711 });
  const diskObstacle = await mounted(disk);
  // Its log stands beside the disk, so that it can say that the disk is full.
  const place = { ...(await placeFor(disk)), directory };
  const address = { port: await freePort(0), password: randomBytes(18).toString('hex') };
  const options = { isThrowaway: false };
  await initialisePostgres(place, address.password, options);
  const start = () => startPostgres(place, address, options, systemClock);
  await start();
  const ownerUrl = databaseUrl(address);
  const workerPassword = randomBytes(18).toString('hex');
  await migrate(ownerUrl, { isFirstRun: true, workerPassword });
  const pool = new pg.Pool({ connectionString: ownerUrl, max: 4, query_timeout: 60_000 });
  pool.on('error', () => {});
  return {
    ownerUrl,
    workerUrl: asWorker(ownerUrl, workerPassword),
    diskObstacle,
    sql: async <Row>(text: string, values: readonly unknown[] = []) =>
      (await pool.query(text, [...values])).rows as Row[],
    stop: async (how) => {
      if (how === 'fast') return void (await stopPostgres(place, systemClock));
      const pid = await postgresPid(place);
      if (pid === null) return;
      process.kill(pid, 'SIGQUIT');
      await until(
        'PostgreSQL is gone',
        () => isAlive(pid),
        (alive) => !alive,
        CRASHED_WITHIN_MS,
      );
    },
    start,
    fillDisk: async () => remount(disk, await usedBytes(disk)),
    freeDisk: async () => {
      await remount(disk, DISK);
      // Without room for its log the server may have given up: whatever keeps services alive starts it again.
      await start();
    },
    release: async () => {
      await pool.end().catch(() => {});
      await stopPostgres(place, systemClock);
      if (diskObstacle === null) await run('umount', [disk]);
    },
  };
}

async function mounted(disk: string): Promise<string | null> {
  return run('mount', ['-t', 'tmpfs', '-o', `size=${DISK},mode=0711`, 'zorgkoerier-chaos', disk]).then(
    () => null,
    () => 'a tmpfs cannot be mounted here (that needs root)',
  );
}

async function remount(disk: string, size: string | number): Promise<void> {
  await run('mount', ['-o', `remount,size=${size}`, disk]);
}

async function usedBytes(disk: string): Promise<number> {
  const { blocks, bfree, bsize } = await statfs(disk);
  return (blocks - bfree) * bsize;
}

function asWorker(ownerUrl: string, password: string): string {
  const url = new URL(ownerUrl);
  url.username = WORKER;
  url.password = password;
  return url.href;
}

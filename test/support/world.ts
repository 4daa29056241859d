/**
 * One world per journey file: a ZorgMail, a cKIS and a cBoards, a ledger and a Redis of its own, and the practices.
 * Workers run in this process, or in processes of their own (child.ts) with `settings` as their environment.
 */

import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type Composition, compose, type Overrides } from '../../src/compose.ts';
import { type Config, type Environment, loadConfig } from '../../src/config/config.ts';
import { type Courier, type RunningWorker, startWorker } from '../../src/pipeline/pipeline.ts';
import type { Mode, Practice } from '../../src/practice/practice.ts';
import { findPractice } from '../../src/practice/practice.ts';
import { registerPractices } from '../../src/sandbox/register.ts';
import { startWorld, type World } from '../../src/sandbox/world.ts';
import { newId } from '../../src/shared/ids.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { mailOf, practice } from './medlab.ts';
import { freshDatabase } from './postgres.ts';
import { type PrivateRedis, privateRedis } from './private-redis.ts';

type Key = 'linde' | 'anker' | 'brug';

export interface JourneyOptions {
  readonly mode?: Mode;
  /** False: no practice is registered; the test does that itself. */
  readonly isRegistered?: boolean;
  /** Over the harness's own. */
  readonly settings?: Environment;
  /** A PostgreSQL of the test's own, whose files it looks into. */
  readonly cluster?: { readonly databaseUrl: string };
  readonly redisArguments?: readonly string[];
}

export interface Journey {
  readonly world: World;
  readonly redis: PrivateRedis;
  readonly config: Config;
  readonly settings: Environment;
  /** The ledger, as the role that owns its tables. */
  readonly ownerUrl: string;
  /** Everything opened, but no worker runs: for switching, deciding and sweeping. */
  readonly courier: Courier;
  /** Stopped with the journey, or before by its own release. */
  startWorker(overrides?: Overrides): Promise<RunningWorker>;
  stopWorkers(): Promise<void>;
  practice(key: Key): Promise<Practice>;
  /** Into the practice's mailbox and its twin, each in a mail of its own. */
  send(key: Key, ...payloads: readonly Buffer[]): Promise<void>;
  /** As the ledger's owner: to look, and to be the time that passes. */
  sql<Row>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** What all workers of this process logged, at trace level. */
  log(): string;
  /** The file it stands in. */
  readonly logFile: string;
  release(): Promise<void>;
}

const TARGET_TIMEOUT_MS = 1_500;
const RELEASE_MS = 5_000;

export async function startJourney(options: JourneyOptions = {}): Promise<Journey> {
  const directory = await mkdtemp(join(tmpdir(), 'zk-journey-'));
  const [world, database, redis] = await Promise.all([
    startWorld(join(directory, 'zorgmail')),
    freshDatabase(options.cluster),
    privateRedis(...(options.redisArguments ?? [])),
  ]);
  const settings = settingsOf(world, { directory, databaseUrl: database.workerUrl, redisUrl: redis.redisUrl }, options);
  const config = loadConfig(settings);
  const logFile = join(directory, 'log');
  const descriptor = openSync(logFile, 'a');
  const standard: Overrides = {
    logger: createLogger('trace', descriptor),
    random: () => 0,
    targetTimeoutMs: TARGET_TIMEOUT_MS,
  };
  const owner = new pg.Pool({ connectionString: database.ownerUrl, max: 2 });
  owner.on('error', () => {});
  const office = await compose(config, standard);
  if (options.isRegistered !== false) await registerPractices(office.courier, world, options.mode);
  const workers = workersOf(config, standard);
  return {
    world,
    redis,
    config,
    settings,
    ownerUrl: database.ownerUrl,
    courier: office.courier,
    startWorker: workers.start,
    stopWorkers: workers.stop,
    practice: async (key) => {
      const found = await findPractice(office.courier.ledger, practice(key).agb);
      if (found === null) throw new Error(`${key} is not registered`);
      return found;
    },
    send: async (key, ...payloads) => {
      const { zorgmail } = practice(key);
      for (const payload of payloads) await world.zorgmail.deliverToBoth(zorgmail, underWay(mailOf(payload, zorgmail)));
    },
    sql: async <Row>(text: string, values: readonly unknown[] = []) =>
      (await owner.query(text, [...values])).rows as Row[],
    log: () => readFileSync(logFile, 'utf8'),
    logFile,
    release: async () => {
      await workers.stop();
      await office.release();
      await owner.end();
      await Promise.all([world.release(), database.release(), redis.release()]);
      closeSync(descriptor);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** As the servers on its way leave it: no two mails are the same bytes, also where they say the same. */
function underWay(mail: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`Received: from lab.example by mail.example id ${newId()}\r\n`), mail]);
}

function settingsOf(
  world: World,
  at: { readonly directory: string; readonly databaseUrl: string; readonly redisUrl: string },
  options: JourneyOptions,
): Environment {
  return {
    ...world.settings,
    DATABASE_URL: at.databaseUrl,
    REDIS_URL: at.redisUrl,
    ZORGKOERIER_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
    ZORGKOERIER_DATA_DIR: join(at.directory, 'data'),
    ZORGKOERIER_POLL_INTERVAL_MS: '1000',
    ZORGKOERIER_POLL_LONGEST_MS: '1000',
    ZORGKOERIER_SWEEP_INTERVAL_MS: '1000',
    ...options.settings,
  };
}

function workersOf(config: Config, standard: Overrides) {
  const running = new Set<{ readonly worker: RunningWorker; readonly composition: Composition }>();
  return {
    start: async (overrides: Overrides = {}): Promise<RunningWorker> => {
      const composition = await compose(config, { ...standard, ...overrides });
      const worker = await startWorker(composition.courier);
      const entry = { worker, composition };
      running.add(entry);
      return {
        workerId: worker.workerId,
        release: async (deadlineMs) => {
          running.delete(entry);
          await worker.release(deadlineMs);
          await composition.release();
        },
      };
    },
    stop: async () => {
      const all = [...running];
      running.clear();
      await Promise.all(
        all.map(async ({ worker, composition }) => {
          await worker.release(RELEASE_MS);
          await composition.release();
        }),
      );
    },
  };
}

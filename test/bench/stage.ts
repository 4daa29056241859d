/**
 * What copy and drain run on: a Dovecot, a Redis and a durable PostgreSQL of their own (fsync on: what is measured is what
 * production pays), in a directory that goes with them. A ledger is prepared once and copied for every run.
 */

import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { composeOffice } from '../../src/compose.ts';
import { type Environment, loadConfig } from '../../src/config/config.ts';
import { migrate } from '../../src/ledger/migrate.ts';
import { enableForwarding } from '../../src/pipeline/pipeline.ts';
import { addMailbox, addPractice, findPractice } from '../../src/practice/practice.ts';
import type { SandboxPractice } from '../../src/sandbox/people.ts';
import { placeFor } from '../../src/sandbox/services/place.ts';
import {
  freePort,
  initialisePostgres,
  postgresPid,
  startPostgres,
  stopPostgres,
} from '../../src/sandbox/services/postgres.ts';
import { databaseUrl } from '../../src/sandbox/services/postgres-client.ts';
import { startZorgmail, type Zorgmail } from '../../src/sandbox/zorgmail/zorgmail.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { type PrivateRedis, privateRedis } from '../support/private-redis.ts';
import { childrenLike } from './machine.ts';
import { newTidy } from './tidy.ts';

export interface BenchLedger {
  readonly workerUrl: string;
  sql<Row>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  release(): Promise<void>;
}

export interface Stage {
  readonly directory: string;
  readonly zorgmail: Zorgmail;
  readonly redis: PrivateRedis;
  /** Settings of a worker on this ledger; where cKIS is, is the caller's to add. */
  settings(ledger: BenchLedger): Environment;
  /** Registers these practices, forwarding live from now on, in a ledger that is kept under this name. Mailboxes are empty yet. */
  prepare(name: string, practices: readonly SandboxPractice[]): Promise<void>;
  /** A copy of a prepared ledger, and an empty Redis. */
  ledger(name: string): Promise<BenchLedger>;
  /** Processes by what they are, for the processor time that they use. */
  pids(): Promise<Readonly<Record<'postgres' | 'redis' | 'dovecot', readonly number[]>>>;
  /** With the stage, however that ends: a process that would outlive us. */
  alsoEnd(step: () => Promise<unknown>): void;
  release(): Promise<void>;
}

const ACTOR = 'klantenservice';
const PASSWORD = randomBytes(18).toString('hex');

export async function openStage(accounts: readonly string[]): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), 'zk-bench-'));
  // PostgreSQL and Dovecot run as others, who must get through.
  await chmod(directory, 0o711);
  const tidy = newTidy();
  tidy.push(() => rm(directory, { recursive: true, force: true }));
  try {
    const place = await placeFor(join(directory, 'services'));
    const address = { port: await freePort(0), password: randomBytes(18).toString('hex') };
    await initialisePostgres(place, address.password, { isThrowaway: false });
    tidy.push(() => stopPostgres(place, systemClock));
    await startPostgres(place, address, { isThrowaway: false }, systemClock);
    const redis = await privateRedis();
    tidy.push(redis.release);
    const connectionsMax = 2 * accounts.length + 50;
    const mail = { directory: join(directory, 'zorgmail'), accounts, isThrowaway: true, connectionsMax };
    const zorgmail = await startZorgmail(mail);
    tidy.push(zorgmail.release);
    const ownerUrl = databaseUrl(address);
    const settings = (ledger: Pick<BenchLedger, 'workerUrl'>) => ({
      ZORGKOERIER_EMBEDDED: '1',
      ZORGKOERIER_MASTER_KEY: Buffer.alloc(32, 9).toString('base64'),
      ZORGKOERIER_DATA_DIR: join(directory, 'data'),
      DATABASE_URL: ledger.workerUrl,
      REDIS_URL: redis.redisUrl,
    });
    return {
      directory,
      zorgmail,
      redis,
      settings,
      prepare: async (name, practices) => {
        await asOwner(ownerUrl, (client) => client.query(`create database ${name}`));
        const url = withDatabase(ownerUrl, name);
        await migrate(url, { isFirstRun: true, workerPassword: PASSWORD });
        await register(settings({ workerUrl: asWorker(url) }), zorgmail, practices);
      },
      ledger: async (name) => {
        await redis.command('FLUSHALL');
        return copyOf(ownerUrl, name);
      },
      pids: async () => ({
        postgres: [await postgresPid(place)].filter((pid) => pid !== null),
        redis: childrenLike(/redis-server/),
        dovecot: childrenLike(/dovecot/),
      }),
      alsoEnd: tidy.push,
      release: tidy.release,
    };
  } catch (thrown) {
    await tidy.release();
    throw thrown;
  }
}

async function register(settings: Environment, zorgmail: Zorgmail, practices: readonly SandboxPractice[]) {
  const office = await composeOffice(loadConfig(settings));
  const since = systemClock.now();
  try {
    for (const sandbox of practices) {
      await office.ledger.transaction(async (tx) => {
        const id = await addPractice(tx, { ...sandbox, accounts: [sandbox.zorgmail] }, ACTOR);
        const mailbox = { ...zorgmail.mailboxAccount(sandbox.zorgmail), name: sandbox.key, kind: 'practice' as const };
        await addMailbox(tx, office.keys, mailbox, [id], ACTOR);
      });
      const practice = await findPractice(office.ledger, sandbox.agb);
      if (practice === null) throw new Error('the practice is lost');
      const authorised = { authorisedBy: 'praktijkhouder', authorisedOn: '2026-11-01', determinations: 'all' as const };
      const request = { name: 'forwarding' as const, mode: 'live' as const, ...authorised, since };
      const { refusal } = await enableForwarding(office, practice, request, false, ACTOR);
      if (refusal !== null) throw new Error(`refused: ${refusal}`);
    }
  } finally {
    await office.release();
  }
}

async function copyOf(ownerUrl: string, template: string): Promise<BenchLedger> {
  const name = `run_${randomBytes(6).toString('hex')}`;
  await asOwner(ownerUrl, async (client) => {
    await client.query(`create database ${name} template ${template}`);
    // What the copying left to be written must not be written while we measure.
    await client.query('checkpoint');
  });
  const url = withDatabase(ownerUrl, name);
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  pool.on('error', () => {});
  return {
    workerUrl: asWorker(url),
    sql: async <Row>(text: string, values: readonly unknown[] = []) =>
      (await pool.query(text, [...values])).rows as Row[],
    release: async () => {
      await pool.end();
      await asOwner(ownerUrl, (client) => client.query(`drop database ${name} with (force)`));
    },
  };
}

async function asOwner(url: string, act: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await act(client);
  } finally {
    await client.end();
  }
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

function asWorker(url: string): string {
  const changed = new URL(url);
  changed.username = 'zorgkoerier_worker';
  changed.password = PASSWORD;
  return changed.href;
}

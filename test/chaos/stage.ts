/** The world that faults happen in: everything real and everything of its own, so that all of it may be broken. */

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composeOffice } from '../../src/compose.ts';
import { type Environment, loadConfig } from '../../src/config/config.ts';
import { addMailboxTo, addReturnMailbox, enableRegistrations } from '../../src/pipeline/pipeline.ts';
import { findPractice } from '../../src/practice/practice.ts';
import { trafficPeople } from '../../src/sandbox/generator/generator.ts';
import { derivedSeed, seededRandom } from '../../src/sandbox/generator/random.ts';
import { SANDBOX_PRACTICES, SANDBOX_RETURN_ACCOUNT } from '../../src/sandbox/people.ts';
import { registerPractices } from '../../src/sandbox/register.ts';
import { startWorld, type World } from '../../src/sandbox/world.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { addSource, readPublicKey } from '../../src/source/source.ts';
import { privateRedis } from '../support/private-redis.ts';
import { watchTakeovers } from './books.ts';
import type { Stage } from './fault.ts';
import { startIntake } from './intake.ts';
import { markAsOurs, PREFIX, removeLeftovers } from './leftovers.ts';
import { type OwnPostgres, ownPostgres } from './own-postgres.ts';
import { watchResent } from './registrations.ts';
import { AUDIENCE, newSource, type Source } from './source.ts';
import { COPIES, newTraffic, type Traffic } from './traffic.ts';
import { startWorkers } from './workers.ts';

export interface StageOptions {
  readonly seed: number;
  /** Mailboxes that each worker may read, a worker for each number; there are six mailboxes. */
  readonly workers: readonly number[];
  /** How long cKIS may take; null: as in production. */
  readonly targetTimeoutMs: number | null;
  /** Over those of production. */
  readonly settings?: Environment;
}

export interface OpenStage extends Stage {
  /** Of the workers, at level info. */
  readonly logFile: string;
  release(): Promise<void>;
}

export async function openStage(options: StageOptions): Promise<OpenStage> {
  await removeLeftovers();
  const directory = await mkdtemp(join(tmpdir(), PREFIX));
  await markAsOurs(directory);
  // PostgreSQL and Dovecot run as others, who must get through.
  await chmod(directory, 0o711);
  const undo: (() => Promise<unknown>)[] = [() => rm(directory, { recursive: true, force: true })];
  const release = async () => {
    for (const step of undo.splice(0).reverse()) await step().catch(() => {});
  };
  try {
    const postgres = await ownPostgres(directory);
    undo.push(postgres.release);
    const redis = await privateRedis();
    undo.push(redis.release);
    const people = trafficPeople(options.seed);
    const traffics: Traffic[] = [];
    const world = await startWorld(join(directory, 'zorgmail'), {
      people,
      accounts: [...COPIES.values()],
      relayInto: (zorgmail) => {
        traffics.push(newTraffic(options.seed, zorgmail));
        return { deliverToBoth: (...mail) => (traffics[0] as Traffic).deliverToBoth(...mail) };
      },
    });
    undo.push(world.release);
    const traffic = traffics[0] as Traffic;
    const settings = { ...settingsOf(world, postgres, redis.redisUrl, directory), ...options.settings };
    const intake = startIntake(settings, directory);
    undo.push(intake.release);
    const source = newSource(options.seed, people, intake);
    await register(settings, world, source);
    await watchTakeovers(postgres);
    await watchResent(postgres);
    const workers = startWorkers({
      settings,
      directory,
      mailboxes: options.workers,
      targetTimeoutMs: options.targetTimeoutMs,
    });
    undo.push(workers.release);
    return {
      world,
      redis,
      postgres,
      workers,
      traffic,
      intake,
      source,
      random: seededRandom(derivedSeed(options.seed, 8)),
      wait: (ms) => systemClock.wait(ms),
      sql: postgres.sql,
      logFile: join(directory, 'log'),
      release,
    };
  } catch (thrown) {
    await release();
    throw thrown;
  }
}

/** Minutes in production; here a receipt comes within a second, or never. */
const UNCERTAIN_WAIT_MS = '10000';

// As in production but for the addresses, and for how long a receipt is waited for.
function settingsOf(world: World, postgres: OwnPostgres, redisUrl: string, directory: string): Environment {
  return {
    ...world.settings,
    DATABASE_URL: postgres.workerUrl,
    REDIS_URL: redisUrl,
    ZORGKOERIER_MASTER_KEY: Buffer.alloc(32, 9).toString('base64'),
    ZORGKOERIER_DATA_DIR: join(directory, 'data'),
    ZORGKOERIER_LOG_LEVEL: 'warn',
    ZORGKOERIER_UNCERTAIN_WAIT_MS: UNCERTAIN_WAIT_MS,
    ZORGKOERIER_API_LISTEN: '127.0.0.1:0',
    ZORGKOERIER_API_AUDIENCE: AUDIENCE,
    // One source posts as much as many would.
    ZORGKOERIER_API_PER_SOURCE: '100000',
    ZORGKOERIER_API_PER_ADDRESS: '100000',
  };
}

const ACTOR = 'klantenservice';
const REGISTRATIONS = {
  name: 'registrations',
  mode: 'live',
  authorisedBy: 'praktijkhouder',
  authorisedOn: '2026-11-01',
  determinations: null,
  since: null,
} as const;

async function register(settings: Environment, world: World, source: Source): Promise<void> {
  const office = await composeOffice(loadConfig(settings));
  try {
    await registerPractices(office, world);
    const back = { ...world.zorgmail.mailboxAccount(SANDBOX_RETURN_ACCOUNT), port: world.proxy.port, name: 'retour' };
    await addReturnMailbox(office, back, null, ACTOR);
    await office.ledger.transaction((tx) => addSource(tx, source.name, readPublicKey(source.publicPem), ACTOR));
    for (const { agb, key, zorgmail } of SANDBOX_PRACTICES) {
      const copy = COPIES.get(zorgmail);
      const practice = await findPractice(office.ledger, agb);
      if (practice === null) throw new Error(`${key} is not registered`);
      const refusal = await enableRegistrations(office.ledger, practice, REGISTRATIONS, ACTOR);
      if (refusal !== null) throw new Error(`registrations of ${key}: ${refusal}`);
      if (copy === undefined) continue;
      const account = { ...world.zorgmail.mailboxAccount(copy), port: world.proxy.port };
      await addMailboxTo(office, practice, { ...account, name: `${key}-kopie`, kind: 'copy' }, ACTOR);
    }
  } finally {
    await office.release();
  }
}

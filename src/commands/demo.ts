/**
 * `zorgkoerier demo`: the whole journey on this machine. Laboratories send every fixture into three practices' mailboxes
 * and their twins, a HIS reads and deletes beside us, the results land on cards and boards, and the books are closed.
 * Exit 0 only if the accounting closes, the twins are equal and the cards hold exactly what the fixtures expect.
 */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { compose } from '../compose.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { type Courier, startWorker } from '../pipeline/pipeline.ts';
import { registerPractices } from '../sandbox/register.ts';
import { fixtureTraffic } from '../sandbox/traffic.ts';
import { startWorld, type World } from '../sandbox/world.ts';
import { systemClock } from '../shared/clock.ts';
import { checkDemo } from './demo-check.ts';
import { demoLedger } from './demo-ledger.ts';
import { type Arrival, sendTraffic, settled } from './demo-send.ts';
import { showDemo } from './demo-show.ts';
import type { Io } from './io.ts';

export interface DemoOptions {
  readonly json: boolean;
  readonly keep: boolean;
}

export async function runDemo(io: Io, options: DemoOptions): Promise<number> {
  const base = loadConfig(io.env, { requiresServices: false });
  const directory = join(base.dataDirectory, 'demo');
  const undo: (() => Promise<unknown>)[] = [];
  const release = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    io.progress('starting PostgreSQL and Redis');
    const ledger = await demoLedger(join(directory, 'services'));
    undo.push(ledger.release);
    io.progress('starting ZorgMail (Dovecot), cKIS and cBoards');
    const world = await startWorld(join(directory, 'world'));
    undo.push(world.release);
    const config = loadConfig({
      ...ledger.settings,
      ...world.settings,
      ZORGKOERIER_LANGUAGE: base.language,
      ...own(io),
    });
    return await journey(io, options, config, world, undo);
  } finally {
    await release();
    await rm(directory, { recursive: true, force: true });
  }
}

// What a developer sets for the demo itself; everything else is the demo's own.
function own(io: Io) {
  return {
    ZORGKOERIER_LOG_LEVEL: io.env['ZORGKOERIER_LOG_LEVEL'] ?? 'error',
    ZORGKOERIER_SWEEP_INTERVAL_MS: '2000',
    // Of two equal mails the first read is the original: one reader, so that this is the first sent.
    ZORGKOERIER_READ_CONCURRENCY: '1',
  };
}

async function journey(
  io: Io,
  options: DemoOptions,
  config: Config,
  world: World,
  undo: (() => Promise<unknown>)[],
): Promise<number> {
  const { courier, release } = await compose(config);
  undo.push(release);
  await registerPractices(courier, world);
  const worker = await startWorker(courier);
  undo.push(() => worker.release(5_000));
  const traffic = await fixtureTraffic();
  io.progress(`laboratories send ${traffic.length} mails to three practices`);
  const arrivals = await sendTraffic(io, courier, world, traffic);
  await settled(io, courier, arrivals.length);
  await hisClearsOut(io, world);
  const result = await checkDemo(courier, world, traffic, arrivals);
  io.out(options.json ? JSON.stringify(result.document) : showDemo(result));
  if (options.keep) await kept(io, courier, config);
  return result.failures.length === 0 ? 0 : 1;
}

// One HIS reads and throws away, one only reads, one does nothing: what HISes do.
async function hisClearsOut(io: Io, world: World): Promise<void> {
  io.progress('the HISes collect their mail');
  await world.zorgmail.hisOfBoth('500088001').collectAndRemove();
  await world.zorgmail.hisOfBoth('500088002').collect();
}

async function kept(io: Io, courier: Courier, config: Config): Promise<void> {
  io.progress('kept running; Ctrl-C ends it');
  io.progress(`cKIS ${config.ckis?.url ?? ''}   cBoards ${config.cboards?.url ?? ''}`);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
    const stop = systemClock.every(60_000, () => courier.logger.debug('demo is kept running'));
    process.once('exit', stop);
  });
}

export type { Arrival };

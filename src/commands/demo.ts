/**
 * `zorgkoerier demo`: the whole journey on this machine. Laboratories send every fixture into three practices' mailboxes
 * and their twins, a HIS reads and deletes beside us, the results land on cards and boards, and the books are closed. And
 * the way back: what is written on cards and boards is posted, sent, read in the HISes of two practices, and answered.
 * Exit 0 only if the accounting closes, the twins are equal, the cards hold exactly what the fixtures expect, and every
 * text stands in its HIS as it was written, with a receipt.
 */

import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compose } from '../compose.ts';
import { type Config, type Environment, loadConfig } from '../config/config.ts';
import { startWorker } from '../pipeline/pipeline.ts';
import { SANDBOX_BOARDS_PRACTICE } from '../sandbox/people.ts';
import { registerPractices, registerWayBack } from '../sandbox/register.ts';
import { fixtureTraffic } from '../sandbox/traffic.ts';
import { startWorld, type World } from '../sandbox/world.ts';
import { checkDemo } from './demo-check.ts';
import { demoLedger } from './demo-ledger.ts';
import { mailsOfWayBack, postRegistrations, registrationsAtRest } from './demo-post.ts';
import { checkRegistrations } from './demo-registrations.ts';
import { sendTraffic, settled } from './demo-send.ts';
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
    const world = await startWorld(join(directory, 'world'), { accounts: [SANDBOX_BOARDS_PRACTICE.zorgmail] });
    undo.push(world.release);
    const settings = { ...ledger.settings, ...world.settings, ZORGKOERIER_LANGUAGE: base.language, ...own(io) };
    const code = await journey(io, options, loadConfig(settings), world, undo);
    if (options.keep) await kept(io, join(directory, 'env'), settings);
    return code;
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
    ZORGKOERIER_API_LISTEN: '127.0.0.1:0',
    ZORGKOERIER_API_AUDIENCE: 'https://zorgkoerier.example',
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
  await registerWayBack(courier, world);
  const worker = await startWorker(courier);
  undo.push(() => worker.release(5_000));
  const traffic = await fixtureTraffic();
  io.progress(`laboratories send ${traffic.length} mails to three practices`);
  const arrivals = await sendTraffic(io, courier, world, traffic);
  // Not before: the laboratories' mails have the first uids of their mailboxes.
  const posted = await postRegistrations(io, config, courier, undo);
  await registrationsAtRest(courier, posted);
  await settled(io, courier, arrivals.length + mailsOfWayBack(world));
  const wayBack = await checkRegistrations(courier, world, posted);
  await hisClearsOut(io, world);
  const result = await checkDemo(courier, world, { traffic, arrivals, wayBack });
  io.out(options.json ? JSON.stringify(result.document) : showDemo(result));
  return result.failures.length === 0 ? 0 : 1;
}

// Some HISes read and throw away, one only reads, one does nothing: what HISes do.
async function hisClearsOut(io: Io, world: World): Promise<void> {
  io.progress('the HISes collect their mail');
  await world.zorgmail.hisOfBoth('500088001').collectAndRemove();
  await world.zorgmail.hisOfBoth('500088002').collect();
  await world.zorgmail.hisOfBoth(SANDBOX_BOARDS_PRACTICE.zorgmail).collectAndRemove();
}

/** Leaves everything running until Ctrl-C, with a file that points the other commands at it. */
async function kept(io: Io, file: string, settings: Environment): Promise<void> {
  const lines = Object.entries(settings).map(([name, value]) => `export ${name}='${value ?? ''}'`);
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  io.progress(`kept running; Ctrl-C ends it. In another terminal:\n  . ${file} && bin/zorgkoerier held list`);
  const isOver = Promise.withResolvers<void>();
  process.once('SIGINT', () => isOver.resolve());
  process.once('SIGTERM', () => isOver.resolve());
  await isOver.promise;
}

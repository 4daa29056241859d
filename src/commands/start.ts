/**
 * `zorgkoerier start`: the worker. SIGTERM or SIGINT drains and stops, with a deadline; a second one stops at once.
 * SIGTERM is how a worker is meant to end: exit 0. SIGINT interrupts it: exit 130.
 */

import { type Composition, compose } from '../compose.ts';
import { type RunningWorker, startWorker } from '../pipeline/pipeline.ts';
import { systemClock } from '../shared/clock.ts';
import { configOf, type Io } from './io.ts';

const INTERRUPTED = 130;
/** Beyond the time that running work gets: for giving the mailboxes back and closing what is open. */
const CLOSE_MS = 2_000;

export async function runStart(io: Io): Promise<number> {
  const config = configOf(io);
  const composition = await compose(config);
  const worker = await startWorker(composition.courier).catch(async (thrown) => {
    await composition.release();
    throw thrown;
  });
  const code = (await stopAsked()) === 'SIGINT' ? INTERRUPTED : 0;
  io.progress('stopping');
  if (await isStopped(worker, composition, config.shutdownMs)) return code;
  // What still hangs (a Redis that does not answer) would keep the process for as long as it hangs.
  io.progress('not everything could be closed in time');
  process.exit(code);
}

function stopAsked(): Promise<'SIGTERM' | 'SIGINT'> {
  return new Promise((resolve) => {
    let asked = 0;
    const ask = (signal: 'SIGTERM' | 'SIGINT') => {
      asked += 1;
      if (asked > 1) process.exit(INTERRUPTED);
      resolve(signal);
    };
    process.on('SIGTERM', () => ask('SIGTERM'));
    process.on('SIGINT', () => ask('SIGINT'));
  });
}

// What is not finished by then is finished by another worker: correctness never needs a clean exit.
async function isStopped(worker: RunningWorker, composition: Composition, shutdownMs: number): Promise<boolean> {
  const enough = new AbortController();
  const stopped = worker
    .release(shutdownMs)
    .finally(() => composition.release())
    .then(() => true);
  const late = systemClock.wait(shutdownMs + CLOSE_MS, enough.signal).then(() => false);
  try {
    return await Promise.race([stopped, late]);
  } finally {
    enough.abort();
  }
}

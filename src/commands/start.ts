/** `zorgkoerier start`: the worker. SIGTERM or SIGINT drains and stops, with a deadline; a second one stops at once. */

import { compose } from '../compose.ts';
import { type RunningWorker, startWorker } from '../pipeline/pipeline.ts';
import { systemClock } from '../shared/clock.ts';
import { configOf, type Io } from './io.ts';

export async function runStart(io: Io): Promise<number> {
  const config = configOf(io);
  const composition = await compose(config);
  const worker = await startWorker(composition.courier).catch(async (thrown) => {
    await composition.release();
    throw thrown;
  });
  await stopAsked();
  io.progress('stopping');
  await stopped(worker, config.shutdownMs);
  await composition.release();
  return 0;
}

function stopAsked(): Promise<void> {
  return new Promise((resolve) => {
    let asked = 0;
    const ask = () => {
      asked += 1;
      if (asked > 1) process.exit(130);
      resolve();
    };
    process.on('SIGTERM', ask);
    process.on('SIGINT', ask);
  });
}

// What is not finished by then is finished by another worker: correctness never needs a clean exit.
async function stopped(worker: RunningWorker, shutdownMs: number): Promise<void> {
  const enough = new AbortController();
  await Promise.race([worker.release(shutdownMs), systemClock.wait(shutdownMs + 2_000, enough.signal)]);
  enough.abort();
}

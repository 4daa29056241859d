/**
 * `zorgkoerier start`: the worker. SIGTERM or SIGINT drains and stops, with a deadline; a second one stops at once.
 * SIGTERM is how a worker is meant to end: exit 0. SIGINT interrupts it: exit 130.
 */

import { compose } from '../compose.ts';
import { certificateTargets, startHealth } from '../health/health.ts';
import { startWorker } from '../pipeline/pipeline.ts';
import { systemClock } from '../shared/clock.ts';
import { deliveryConfigOf, type Io } from './io.ts';

const INTERRUPTED = 130;
/** Beyond the time that running work gets: for giving the mailboxes back and closing what is open. */
export const CLOSE_MS = 2_000;

export async function runStart(io: Io): Promise<number> {
  const config = deliveryConfigOf(io);
  // Before anything is opened: a worker that is stopped while it starts must give its mailboxes back too.
  const stopAsked = signalled();
  void stopAsked.then((code) => exitWhenLate(io, code, config.shutdownMs + CLOSE_MS));
  const { courier, metrics, release } = await compose(config);
  try {
    const worker = await startWorker(courier);
    try {
      const health = await startHealth({
        courier,
        metrics,
        workerId: worker.workerId,
        listen: config.healthListen,
        limits: config,
        certificates: certificateTargets(config),
      });
      const code = await stopAsked;
      io.progress('stopping');
      health.stopping();
      await health.release();
      return code;
    } finally {
      await worker.release(config.shutdownMs);
    }
  } finally {
    await release();
  }
}

/** The exit code that belongs to the signal. */
export function signalled(): Promise<number> {
  return new Promise((resolve) => {
    let asked = 0;
    const ask = (code: number) => {
      asked += 1;
      if (asked > 1) process.exit(INTERRUPTED);
      resolve(code);
    };
    process.on('SIGTERM', () => ask(0));
    process.on('SIGINT', () => ask(INTERRUPTED));
  });
}

// What is not finished by then is finished by another worker: correctness never needs a clean exit. Also where all was
// given up in time, a connection that hangs (to a Redis that does not answer) would keep the process for as long as it
// hangs; the timer itself keeps nothing.
export function exitWhenLate(io: Io, code: number, withinMs: number): void {
  systemClock.every(withinMs, () => {
    io.progress('not everything could be closed in time');
    process.exit(code);
  });
}

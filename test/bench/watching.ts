/** Logins over time: until every mailbox has answered, and how many fell into one second. */

import { systemClock } from '../../src/shared/clock.ts';
import type { BenchWorker } from './watch-stage.ts';

const WITHIN_MS = 10 * 60_000;
const LOOK_MS = 500;

/** Resolves when so many connections, logged in since the moment, have answered a command. */
export async function untilProven(worker: BenchWorker, count: number, sinceMs: number): Promise<readonly number[]> {
  const deadlineMs = performance.now() + WITHIN_MS;
  for (;;) {
    const proven = (await worker.logins()).proven.filter((atMs) => atMs >= sinceMs);
    if (proven.length >= count) return proven;
    if (performance.now() > deadlineMs) throw new Error(`${proven.length} of ${count} mailboxes are watched`);
    await systemClock.wait(LOOK_MS);
  }
}

/** The most moments that lie within any one second. */
export function peakPerSecond(momentsMs: readonly number[]): number {
  const sorted = [...momentsMs].sort((one, other) => one - other);
  let peak = 0;
  let from = 0;
  sorted.forEach((atMs, to) => {
    while (atMs - (sorted[from] ?? atMs) >= 1_000) from += 1;
    peak = Math.max(peak, to - from + 1);
  });
  return peak;
}

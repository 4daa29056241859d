/** A clock that stands still until a test moves it. Waits end in the order of their moments. */

import type { Clock } from '../../src/shared/clock.ts';

export interface FakeClock extends Clock {
  /** Moves the clock and lets everything that was due run. */
  advance(ms: number): Promise<void>;
  /** The waits that stand, soonest first, in milliseconds from now. */
  waits(): number[];
  /** Resolves when as many waits stand. */
  untilWaits(count: number): Promise<void>;
}

interface Wait {
  readonly atMs: number;
  readonly end: () => void;
}

export function fakeClock(start = new Date('2026-11-22T08:00:00Z')): FakeClock {
  let nowMs = start.getTime();
  const waits = new Set<Wait>();
  const watchers = new Set<{ readonly count: number; readonly resolve: () => void }>();
  const sorted = () => [...waits].sort((one, other) => one.atMs - other.atMs);
  return {
    now: () => new Date(nowMs),
    elapsedMs: () => nowMs,
    wait: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const wait = {
          atMs: nowMs + ms,
          end: () => {
            waits.delete(wait);
            signal?.removeEventListener('abort', wait.end);
            resolve();
          },
        };
        waits.add(wait);
        for (const watcher of watchers) if (waits.size >= watcher.count) watcher.resolve();
        signal?.addEventListener('abort', wait.end, { once: true });
      }),
    every: () => () => {},
    untilWaits: (count) =>
      new Promise((resolve) => {
        if (waits.size >= count) resolve();
        else watchers.add({ count, resolve });
      }),
    waits: () => sorted().map((wait) => wait.atMs - nowMs),
    advance: async (ms) => {
      const untilMs = nowMs + ms;
      await settle();
      for (let next = sorted()[0]; next !== undefined && next.atMs <= untilMs; next = sorted()[0]) {
        nowMs = next.atMs;
        next.end();
        await settle();
      }
      nowMs = untilMs;
    },
  };
}

/** Lets promises that are ready run to their next stop: no timer, no input or output is awaited. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
}

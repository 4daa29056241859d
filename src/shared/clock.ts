/**
 * Time, as a dependency: the only place that reads the clock or starts a timer.
 * Tests pass a clock of their own; production passes `systemClock`.
 */

export interface Clock {
  /** The moment now. */
  now(): Date;
  /** Milliseconds on a clock that nobody sets: for spans, since `now` may jump. */
  elapsedMs(): number;
  /** Resolves after `ms`, or at once when the signal aborts (never rejects). */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `tick` every `ms` until the returned function is called. The timer does not keep the process alive. */
  every(ms: number, tick: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => new Date(),
  elapsedMs: () => performance.now(),
  wait: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done, { once: true });
    }),
  every: (ms, tick) => {
    const timer = setInterval(tick, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
};

/** Milliseconds on a monotonic clock: for measuring spans, never for dates. */
export function monotonicMs(): number {
  return performance.now();
}

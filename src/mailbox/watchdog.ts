/** Bites when nothing succeeded for too long: the sign of a half-open connection or a server that only pretends. */

import type { Clock } from '../shared/clock.ts';

export interface Watchdog {
  /** Aborted when we stop and when the watchdog bites. */
  readonly signal: AbortSignal;
  /** Something succeeded: the time runs anew. */
  feed(): void;
  hasBitten(): boolean;
  release(): void;
}

/** Counts from now. `bite` is called once at most. */
export function newWatchdog(
  options: { readonly clock: Clock; readonly watchdogMs: number },
  stopping: AbortSignal,
  bite: () => void,
): Watchdog {
  const ending = new AbortController();
  const end = () => ending.abort();
  stopping.addEventListener('abort', end, { once: true });
  if (stopping.aborted) end();
  let leash = new AbortController();
  let hasBitten = false;
  const arm = () => {
    const mine = new AbortController();
    leash = mine;
    void options.clock.wait(options.watchdogMs, mine.signal).then(() => {
      if (mine.signal.aborted || ending.signal.aborted) return;
      hasBitten = true;
      bite();
      end();
    });
  };
  arm();
  return {
    signal: ending.signal,
    feed: () => {
      leash.abort(null);
      arm();
    },
    hasBitten: () => hasBitten,
    release: () => {
      leash.abort(null);
      stopping.removeEventListener('abort', end);
    },
  };
}

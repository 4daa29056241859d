/**
 * How fast one worker logs in: so many a second, and so many at once. Thousands of mailboxes lose the same server at the
 * same moment; without this they would come back at the same moment too, and keep it from coming up.
 */

import type { Clock } from '../shared/clock.ts';

export interface LoginLimits {
  /** Logins begun in any second, but for a tenth more after a moment in which the process was busy. */
  readonly perSecond: number;
  /** Logins under way. In any second a server sees at most 1.1 × perSecond + atOnce succeed. */
  readonly atOnce: number;
}

export interface LoginGate {
  /**
   * Waits for a turn, in the order of asking. Answers how to say that the login is over, however it went; null where the
   * signal aborted first.
   */
  enter(signal: AbortSignal): Promise<(() => void) | null>;
}

/** For whoever opens one mailbox: no limit. */
export const openGate: LoginGate = { enter: async (signal) => (signal.aborted ? null : () => {}) };

interface Waiting {
  readonly signal: AbortSignal;
  readonly admit: (leave: (() => void) | null) => void;
}

/** A gate that all mailboxes of a worker share. */
export function newLoginGate({ perSecond, atOnce }: LoginLimits, clock: Clock): LoginGate {
  const everyMs = 1_000 / perSecond;
  const queue = new Set<Waiting>();
  let running = 0;
  // When the next may begin: turns that nobody took are not saved up, but for a tenth of a second.
  let nextMs = 0;
  let isAsleep = false;
  const leaver = () => {
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      running -= 1;
      admitDue();
    };
  };
  const admitDue = () => {
    const nowMs = clock.elapsedMs();
    nextMs = Math.max(nextMs, nowMs - 100);
    for (const waiting of queue) {
      if (running >= atOnce || nextMs > nowMs) break;
      queue.delete(waiting);
      nextMs += everyMs;
      running += 1;
      waiting.admit(leaver());
    }
    if (queue.size > 0 && running < atOnce) void sleep(nextMs - nowMs);
  };
  const sleep = async (ms: number) => {
    if (isAsleep) return;
    isAsleep = true;
    await clock.wait(Math.max(1, Math.ceil(ms)));
    isAsleep = false;
    admitDue();
  };
  return {
    enter: (signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve(null);
        const give = () => {
          queue.delete(waiting);
          resolve(null);
        };
        const waiting: Waiting = {
          signal,
          admit: (leave) => {
            signal.removeEventListener('abort', give);
            resolve(leave);
          },
        };
        signal.addEventListener('abort', give, { once: true });
        queue.add(waiting);
        admitDue();
      }),
  };
}

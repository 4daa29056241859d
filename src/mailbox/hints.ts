/**
 * Waiting for a server to say that something changed. IDLE where it works; where a server refuses it, a NOOP now and
 * then. Every hint is only a reason to look: two changes that cancel out give none (reliability.md §2, measured).
 */

import { type Clock, monotonicMs } from '../shared/clock.ts';
import type { ExaminedFolder } from './client.ts';
import type { Heard } from './poll-pace.ts';

/** Between two tries of an IDLE that the server refuses or ends at once; a NOOP asks instead. */
const ASK_AGAIN_MS = 30_000;
/** An IDLE that ends sooner, without a command of ours, was refused in all but name. */
const IDLE_SHORTEST_MS = 1_000;

export interface Hints {
  /** The counters were read as `messages`: hints up to here are dealt with. */
  settle(messages: number): void;
  /** Resolves on a hint (also one from before the call), after `timeoutMs`, on abort or when the connection closes. */
  wait(timeoutMs: number, signal: AbortSignal): Promise<void>;
  /** How the last wait went. */
  heard(): Heard;
}

/** Listens from the start, so that what arrives during a FETCH is not missed. */
export function hintsOf(folder: ExaminedFolder, clock: Clock): Hints {
  const { client } = folder;
  let isPending = false;
  let isClosed = false;
  let ring = () => {};
  const hint = () => {
    isPending = true;
    ring();
  };
  client.on('exists', hint);
  client.on('expunge', hint);
  client.on('close', () => {
    isClosed = true;
    ring();
  });
  const { idle, isDeaf } = keepIdling(folder, clock);
  return {
    settle: (messages) => {
      isPending = client.mailbox !== false && client.mailbox.exists !== messages;
    },
    wait: async (timeoutMs, signal) => {
      const over = new AbortController();
      const end = () => over.abort(null);
      ring = end;
      signal.addEventListener('abort', end, { once: true });
      if (isPending || isClosed || signal.aborted) end();
      void idle(over.signal);
      await clock.wait(timeoutMs, over.signal);
      end();
      ring = () => {};
      signal.removeEventListener('abort', end);
    },
    heard: () => (isPending ? 'hint' : isDeaf() ? 'deaf' : 'nothing'),
  };
}

// The IDLE itself is not ended here: the next command does that, and a next wait goes on with the same one.
function keepIdling(folder: ExaminedFolder, clock: Clock) {
  const { client } = folder;
  let idling: Promise<unknown> | null = null;
  let wasRefused = false;
  const idle = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted && client.usable) {
      const startedMs = monotonicMs();
      // A failed IDLE shows as a closed connection, which the waiter hears of by itself.
      idling ??= client
        .idle()
        .catch(() => false)
        .finally(() => {
          idling = null;
        });
      const answer = await idling;
      if (signal.aborted) continue;
      wasRefused = answer === false || monotonicMs() - startedMs <= IDLE_SHORTEST_MS;
      if (!wasRefused) continue;
      await clock.wait(ASK_AGAIN_MS, signal);
      if (!signal.aborted && client.usable) await client.noop().catch(() => {});
    }
  };
  return { idle, isDeaf: () => wasRefused };
}

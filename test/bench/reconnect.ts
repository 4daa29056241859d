/** A mail server that is restarted under thousands of connections: how soon each mailbox is watched again, and how it comes back. */

import { systemClock } from '../../src/shared/clock.ts';
import { type Bench, columns } from './command.ts';
import type { TrafficSet } from './practices.ts';
import { openWatchStage } from './watch-stage.ts';
import { peakPerSecond, untilProven } from './watching.ts';

interface Reconnect {
  readonly mailboxes: number;
  /** From the moment that the server began to stop. */
  readonly secondsFromStop: number;
  /** From the moment that it greeted again on every port. */
  readonly secondsFromGreeting: number;
  /** Connections begun: also those that the server refused while it was away. */
  readonly attemptsPerSecondMax: number;
  readonly loginsPerSecondMax: number;
}

export const reconnectBench: Bench = {
  says: 'the mail server restarted: seconds until every mailbox is watched again, logins per second',
  run: async ({ isQuick, progress }) => {
    const result = await measureReconnect(isQuick ? 200 : 6_000, progress);
    const rows = [
      ['watched again after the stop', `${result.secondsFromStop} s`],
      ['watched again after the first greeting', `${result.secondsFromGreeting} s`],
      ['connections begun in any second, at most', String(result.attemptsPerSecondMax)],
      ['logins in any second, at most', String(result.loginsPerSecondMax)],
    ];
    return { document: { ...result }, table: columns([[`${result.mailboxes} mailboxes`, ''], ...rows]) };
  },
};

/** Throws where a mailbox does not come back. */
export async function measureReconnect(mailboxes: number, progress: (text: string) => void): Promise<Reconnect> {
  const set: TrafficSet = { name: 'followed', mailboxes, mailsEach: 1, followedShare: 1 };
  const stage = await openWatchStage(set, progress);
  try {
    const worker = await stage.startWorker();
    progress('the worker logs in …');
    await untilProven(worker, mailboxes, 0);
    progress('the server is restarted …');
    const stoppedMs = systemClock.now().getTime();
    await stage.zorgmail.restart();
    const greetedMs = systemClock.now().getTime();
    await untilProven(worker, mailboxes, stoppedMs);
    const logins = await worker.logins();
    const since = (moments: readonly number[]) => moments.filter((atMs) => atMs >= stoppedMs);
    const last = since(logins.proven).sort((one, other) => one - other)[mailboxes - 1] ?? Number.NaN;
    return {
      mailboxes,
      secondsFromStop: Math.round((last - stoppedMs) / 100) / 10,
      secondsFromGreeting: Math.round((last - greetedMs) / 100) / 10,
      attemptsPerSecondMax: peakPerSecond(since(logins.begun)),
      loginsPerSecondMax: peakPerSecond(since(logins.loggedIn)),
    };
  } finally {
    await stage.release();
  }
}

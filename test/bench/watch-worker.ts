/**
 * A worker as in production, in a process of its own, that remembers when each of its connections was begun, logged in and
 * first answered a command. It tells its parent when it is asked, and ends with it.
 */

import { compose } from '../../src/compose.ts';
import { loadConfig, processEnvironment } from '../../src/config/config.ts';
import type { MailboxOpener } from '../../src/mailbox/mailbox.ts';
import { startWorker } from '../../src/pipeline/pipeline.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { createLogger } from '../../src/shared/logger.ts';

/** Moments, in milliseconds since 1970. */
export interface Logins {
  /** A connection was begun. */
  readonly begun: readonly number[];
  /** Logged in, and the folder examined. */
  readonly loggedIn: readonly number[];
  /** The first command on the connection was answered. */
  readonly proven: readonly number[];
}

/** That the server announced something, by the name that was logged in with. */
export interface Hint {
  readonly username: string;
  readonly atMs: number;
}

/** What it remembers of its connections. */
export interface Seen extends Logins {
  readonly hints: readonly Hint[];
}

const seen: { [Name in keyof Logins]: number[] } = { begun: [], loggedIn: [], proven: [] };
const hints: Hint[] = [];
const nowMs = () => systemClock.now().getTime();

function noting(open: MailboxOpener): MailboxOpener {
  return async (...args) => {
    seen.begun.push(nowMs());
    const connection = await open(...args);
    seen.loggedIn.push(nowMs());
    let isProven = false;
    return {
      ...connection,
      status: async () => {
        const status = await connection.status();
        if (!isProven) seen.proven.push(nowMs());
        isProven = true;
        return status;
      },
      waitForHint: async (timeoutMs, signal) => {
        await connection.waitForHint(timeoutMs, signal);
        if (connection.heard?.() === 'hint') hints.push({ username: args[0].username, atMs: nowMs() });
      },
    };
  };
}

process.once('disconnect', () => process.exit(1));
process.on('message', () => process.send?.({ ...seen, hints } satisfies Seen));

const config = loadConfig(processEnvironment());
const { courier, release } = await compose(config, { logger: createLogger(config.logLevel) });
const worker = await startWorker({ ...courier, openMailbox: noting(courier.openMailbox) });
process.once('SIGTERM', () => void stop());

async function stop(): Promise<void> {
  await worker.release(config.shutdownMs);
  await release();
  process.exit(0);
}

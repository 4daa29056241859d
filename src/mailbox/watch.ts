/**
 * Keeps one connection to one mailbox alive and visits the mailbox: at the start, after every hint, at every poll and
 * after every reconnect, never twice at once.
 *
 * Hints may be lost, connections may hang and servers may accept and drop: so a poll, a watchdog and a backoff stand
 * outside the connection. A visit must be repeatable; this calls it again after any failure.
 */

import type { Clock } from '../shared/clock.ts';
import { asFailure, Failure } from '../shared/failure.ts';
import type { Logger } from '../shared/logger.ts';
import { type Ending, newBackoff } from './backoff.ts';
import { type Bell, newBell } from './bell.ts';
import { type LoginGate, openGate } from './logins.ts';
import type { MailboxAccount, MailboxConnection, MailboxOpener } from './mailbox.ts';
import { type Heard, newPollPace, type PollPace } from './poll-pace.ts';
import { newWatchdog, type Watchdog } from './watchdog.ts';

export type WatchState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'watching' }
  /** A visit ended well: the mailbox is as we know it. `wasUnannounced`: there was mail that the server had not told us of. */
  | { readonly kind: 'visited'; readonly wasUnannounced?: boolean }
  | { readonly kind: 'waiting'; readonly failure: Failure; readonly waitMs: number }
  /** Nothing succeeded for `watchdogMs`: the connection was thrown away. */
  | { readonly kind: 'stalled' }
  /** Another worker owns the mailbox now; this watch is over. */
  | { readonly kind: 'ownership-lost' }
  | { readonly kind: 'released' };

export interface WatchOptions {
  readonly mailboxId: string;
  readonly account: MailboxAccount;
  readonly open: MailboxOpener;
  /**
   * Looks at the mailbox and copies what is new. A Failure `mailbox.ownership-lost` ends the watch for good. A long
   * visit calls `progress` after every batch that is safe, which calms the watchdog and says that there was mail.
   */
  readonly visit: (connection: MailboxConnection, progress: () => void) => Promise<void>;
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
  /** How soon the mailbox is looked at unasked: on a new connection, and after mail came. */
  readonly pollIntervalMs: number;
  /** Where announcements have proved themselves (poll-pace.ts); the same as `pollIntervalMs` unless given. */
  readonly pollLongestMs?: number;
  /** Shared with the worker's other mailboxes; no limit unless given. */
  readonly logins?: LoginGate;
  /** From one success (a visit, or progress of one) to the next; longer than any poll interval by more than a visit takes. */
  readonly watchdogMs: number;
  readonly logger: Logger;
  readonly onState?: (state: WatchState) => void;
}

export interface MailboxWatch {
  /** Visits soon: at once when idle, after the visit that runs. It does not cut a backoff short. */
  wake(): void;
  /** Ends the watch; resolves when no visit runs and the connection is closed. */
  release(): Promise<void>;
}

const OWNERSHIP_LOST = 'mailbox.ownership-lost';
const AGED = 'mailbox.connection-aged';
/**
 * A connection sees the folder that it opened, also after the server has put another in its place (measured on Dovecot):
 * only a new connection shows the new uidValidity. So none grows older than an hour.
 */
const CONNECTION_MAX_MS = 60 * 60_000;

/**
 * How long the server may be silent while it owes an answer: short, since half-open connections show only so, and mail
 * lies still meanwhile. A server that is only slow gets twice as long at every try, until a visit has ended well.
 */
const SILENCE_FIRST_MS = 20_000;
const SILENCE_MAX_MS = 2 * 60_000;

/** Starts watching at once. */
export function watchMailbox(options: WatchOptions): MailboxWatch {
  const stopping = new AbortController();
  const bell = newBell();
  const ended = keepConnected(options, bell, stopping.signal);
  return {
    wake: bell.ring,
    release: () => {
      stopping.abort();
      return ended;
    },
  };
}

async function keepConnected(options: WatchOptions, bell: Bell, stopping: AbortSignal): Promise<void> {
  const { logins = openGate, pollIntervalMs, pollLongestMs = pollIntervalMs, random } = options;
  const backoff = newBackoff(random);
  const pace = newPollPace(pollIntervalMs, pollLongestMs, random);
  const report = newReporter(options);
  let silenceMs = SILENCE_FIRST_MS;
  while (!stopping.aborted) {
    // Before the watchdog's time runs: after an outage the turn of the last may take a while.
    const leave = await logins.enter(stopping);
    if (leave === null) break;
    const ending = await connectOnce({ options, bell, pace, leave }, stopping, silenceMs);
    if (ending === null) break;
    if (ending.hasVisited) report.wasWell();
    silenceMs = ending.hasVisited ? SILENCE_FIRST_MS : Math.min(2 * silenceMs, SILENCE_MAX_MS);
    if (ending.failure.code === OWNERSHIP_LOST) return say(options, { kind: 'ownership-lost' });
    if (ending.failure.code === AGED) continue;
    const waitMs = backoff.next(ending);
    report.failed(ending.failure, waitMs);
    await options.clock.wait(waitMs, stopping);
  }
  say(options, { kind: 'released' });
}

interface Turn {
  readonly options: WatchOptions;
  readonly bell: Bell;
  readonly pace: PollPace;
  /** The login is over. */
  readonly leave: () => void;
}

/** One connection from its opening to its end, and how it went. Null: we were released. */
async function connectOnce(turn: Turn, stopping: AbortSignal, silenceMs: number): Promise<Ending | null> {
  const { options } = turn;
  say(options, { kind: 'connecting' });
  const watchdog = newWatchdog(options, stopping, () => say(options, { kind: 'stalled' }));
  const life: Life = { openedMs: null, hasVisited: false };
  let failure: Failure | null = null;
  try {
    await live(turn, watchdog, life, silenceMs);
  } catch (thrown) {
    const cause = asFailure(thrown, 'mailbox.visit-failed');
    // What a connection that was closed under it then throws is no news.
    if (!watchdog.hasBitten() || cause.code === OWNERSHIP_LOST) failure = cause;
  } finally {
    watchdog.release();
  }
  if (stopping.aborted) return null;
  const livedMs = life.openedMs === null ? null : nowMs(options) - life.openedMs;
  // Without a throw it was the watchdog that ended it.
  failure ??= new Failure('mailbox.stalled', { kind: 'transient', scope: 'peer' });
  return { failure, livedMs, hasVisited: life.hasVisited };
}

interface Life {
  openedMs: number | null;
  hasVisited: boolean;
}

// Visit, wait for a reason to visit again, and so on until the signal aborts or something is thrown.
async function live(turn: Turn, watchdog: Watchdog, life: Life, silenceMs: number): Promise<void> {
  const { options, bell, pace, leave } = turn;
  const connection = await options.open(options.account, watchdog.signal, silenceMs).finally(leave);
  life.openedMs = nowMs(options);
  pace.connected();
  const maxAgeMs = CONNECTION_MAX_MS * (0.8 + 0.2 * options.random());
  // A visit that hangs on the connection ends when that closes; one that hangs elsewhere must not be run twice.
  let closed: Promise<void> | null = null;
  const close = () => {
    closed ??= connection.release().catch(() => {});
    return closed;
  };
  watchdog.signal.addEventListener('abort', close, { once: true });
  try {
    say(options, { kind: 'watching' });
    let heard: Heard = 'woken';
    while (!watchdog.signal.aborted) {
      bell.reset();
      const hasFound = await visitOnce(turn, connection, watchdog, heard);
      life.hasVisited = true;
      watchdog.feed();
      say(options, { kind: 'visited', wasUnannounced: hasFound && heard === 'nothing' });
      if (nowMs(options) - life.openedMs >= maxAgeMs) throw new Failure(AGED, { kind: 'transient', scope: 'peer' });
      await bell.during(watchdog.signal, (signal) => connection.waitForHint(pace.nextMs(), signal));
      heard = heardBy(connection, bell);
    }
  } finally {
    watchdog.signal.removeEventListener('abort', close);
    await close();
  }
}

// A hint that came while we wanted to look anyhow is still the server's.
function heardBy(connection: MailboxConnection, bell: Bell): Heard {
  const heard = connection.heard?.() ?? 'deaf';
  return bell.hasRung() && heard !== 'hint' ? 'woken' : heard;
}

async function visitOnce(
  turn: Turn,
  connection: MailboxConnection,
  watchdog: Watchdog,
  heard: Heard,
): Promise<boolean> {
  let hasFound = false;
  await turn.options.visit(connection, () => {
    hasFound = true;
    watchdog.feed();
  });
  turn.pace.visited(heard, hasFound);
  return hasFound;
}

// One line per change: of thousands of mailboxes on a server that is away, each is tried again and again.
function newReporter(options: WatchOptions) {
  const { logger, mailboxId } = options;
  let last: string | null = null;
  return {
    failed: (failure: Failure, waitMs: number) => {
      const fields = { mailboxId, code: failure.code, ms: Math.round(waitMs) };
      if (failure.code === last) logger.debug('mailbox.reconnect', fields);
      else if (failure.kind === 'defect') logger.error('mailbox.reconnect', fields, failure);
      else logger.warn('mailbox.reconnect', fields);
      last = failure.code;
      say(options, { kind: 'waiting', failure, waitMs });
    },
    wasWell: () => {
      last = null;
    },
  };
}

function nowMs({ clock }: WatchOptions): number {
  return clock.elapsedMs();
}

function say(options: WatchOptions, state: WatchState): void {
  try {
    options.onState?.(state);
  } catch (thrown) {
    // A listener of ours that fails must not take the watch down with it.
    options.logger.error('mailbox.state-listener-failed', { mailboxId: options.mailboxId }, thrown);
  }
}

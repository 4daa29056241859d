import { expect, it } from 'vitest';
import { mailboxFailure } from '../../src/mailbox/failures.ts';
import type { Heard, MailboxConnection, WatchState } from '../../src/mailbox/mailbox.ts';
import { type WatchOptions, watchMailbox } from '../../src/mailbox/watch.ts';
import { Failure } from '../../src/shared/failure.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import { fakeClock, settle } from './fake-clock.ts';

const POLL_MS = 60_000;
const WATCHDOG_MS = 300_000;
const ACCOUNT = {
  host: 'mail.invalid',
  port: 993,
  security: 'tls',
  username: 'user',
  password: 'secret',
  path: 'INBOX',
  ca: null,
} as const;

/** A watch on a mailbox of nothing but hints, with everything that happened. */
function watched(change: Partial<WatchOptions> = {}, heard?: () => Heard) {
  const clock = fakeClock();
  const seen = { visits: 0, opened: 0, released: 0, running: 0, runningMax: 0, states: [] as WatchState[] };
  let hint = () => {};
  const connection = (): MailboxConnection => ({
    status: async () => ({ uidValidity: 1, uidNext: 1, messages: 0 }),
    fetch: async () => ({ mails: [], oversized: [], vanished: [] }),
    listSince: async () => [],
    listUids: async () => [],
    waitForHint: async (timeoutMs, signal) => {
      const over = new AbortController();
      hint = () => over.abort();
      await clock.wait(timeoutMs, AbortSignal.any([signal, over.signal]));
    },
    ...(heard === undefined ? {} : { heard }),
    release: async () => {
      seen.released += 1;
    },
  });
  const { visit = async () => {}, ...rest } = change;
  const watch = watchMailbox({
    mailboxId: 'mailbox',
    account: ACCOUNT,
    clock,
    random: () => 1,
    pollIntervalMs: POLL_MS,
    watchdogMs: WATCHDOG_MS,
    logger: silentLogger,
    open: async () => {
      seen.opened += 1;
      return connection();
    },
    visit: async (current, progress) => {
      seen.visits += 1;
      seen.running += 1;
      seen.runningMax = Math.max(seen.runningMax, seen.running);
      await visit(current, progress);
      seen.running -= 1;
    },
    onState: (state) => seen.states.push(state),
    ...rest,
  });
  return { watch, clock, seen, hint: () => hint(), kinds: () => seen.states.map(({ kind }) => kind) };
}

function failing(failure: Failure, times: number): () => Promise<void> {
  let left = times;
  return async () => {
    left -= 1;
    if (left >= 0) throw failure;
  };
}

it('visits at the start, after a hint and at every poll', async () => {
  const { watch, clock, seen, hint } = watched();
  await settle();
  expect(seen.visits).toBe(1);
  hint();
  await settle();
  expect(seen.visits).toBe(2);
  await clock.advance(POLL_MS);
  expect(seen.visits).toBe(3);
  await clock.advance(POLL_MS);
  expect(seen).toMatchObject({ visits: 4, opened: 1 });
  await watch.release();
});

it('polls up to a fifth sooner, so that mailboxes do not poll together', async () => {
  const { watch, clock, seen } = watched({ random: () => 0 });
  await clock.advance(0.8 * POLL_MS);
  expect(seen.visits).toBe(2);
  await watch.release();
});

it('opens a new connection after an hour without a wait, since an old one may look at a folder that is gone', async () => {
  const { watch, clock, seen, kinds } = watched();
  await settle();
  for (let minute = 0; minute < 59; minute += 1) await clock.advance(POLL_MS);
  expect(seen.opened).toBe(1);
  await clock.advance(POLL_MS);
  await clock.advance(POLL_MS);
  expect({ opened: seen.opened, released: seen.released }).toEqual({ opened: 2, released: 1 });
  expect(kinds()).not.toContain('waiting');
  await watch.release();
});

it('visits at once when woken', async () => {
  const { watch, seen } = watched();
  await settle();
  watch.wake();
  await settle();
  expect(seen.visits).toBe(2);
  await watch.release();
});

it('never visits twice at once: a wake during a visit is answered after it, once', async () => {
  const gate = Promise.withResolvers<void>();
  const { watch, seen } = watched({ visit: () => gate.promise });
  await settle();
  watch.wake();
  watch.wake();
  await settle();
  expect(seen.visits).toBe(1);
  gate.resolve();
  await settle();
  expect(seen).toMatchObject({ visits: 2, runningMax: 1 });
  await watch.release();
});

it('reconnects with a new client after a failure, and waits longer each time', async () => {
  const { watch, clock, seen } = watched({ visit: failing(mailboxFailure('disconnected'), 2) });
  await settle();
  expect(seen).toMatchObject({ opened: 1, released: 1 });
  await clock.advance(999);
  expect(seen.opened).toBe(1);
  await clock.advance(1);
  expect(seen.opened).toBe(2);
  await clock.advance(1_999);
  expect(seen.opened).toBe(2);
  await clock.advance(1);
  expect(seen).toMatchObject({ opened: 3, visits: 3 });
  await watch.release();
  expect(seen.released).toBe(3);
});

it('survives a visit that fails by a defect of ours', async () => {
  const { watch, clock, seen } = watched({
    visit: failing(new TypeError('not a Failure') as unknown as Failure, 1),
  });
  await clock.advance(1_000);
  expect(seen.visits).toBe(2);
  const waiting = seen.states.find((state) => state.kind === 'waiting');
  expect(waiting).toMatchObject({ failure: { code: 'mailbox.visit-failed', kind: 'defect' } });
  await watch.release();
});

it('does not try a refused login again for five minutes, whoever wakes it', async () => {
  let opened = 0;
  const { watch, clock } = watched({
    open: async () => {
      opened += 1;
      throw mailboxFailure('login-refused');
    },
  });
  await settle();
  watch.wake();
  await clock.advance(5 * 60_000);
  expect(opened).toBe(1);
  await clock.advance(0.5 * 60_000);
  expect(opened).toBe(2);
  await clock.advance(10 * 60_000);
  expect(opened).toBe(2);
  await watch.release();
});

it('throws the connection away when a visit hangs for too long, and never visits while it still runs', async () => {
  const hanging = Promise.withResolvers<void>();
  const { watch, clock, seen, kinds } = watched({ visit: () => hanging.promise });
  await clock.advance(WATCHDOG_MS);
  expect(kinds()).toEqual(['connecting', 'watching', 'stalled']);
  expect(seen.released).toBe(1);
  await clock.advance(WATCHDOG_MS);
  expect(seen).toMatchObject({ opened: 1, visits: 1 });
  hanging.reject(mailboxFailure('disconnected'));
  await clock.advance(1_000);
  expect(seen).toMatchObject({ opened: 2, runningMax: 2 });
  expect(seen.states.find((state) => state.kind === 'waiting')).toMatchObject({ failure: { code: 'mailbox.stalled' } });
  await watch.release();
});

it('lets a long visit go on as long as it makes progress', async () => {
  const over = Promise.withResolvers<void>();
  let calm = () => {};
  const { watch, clock, kinds } = watched({
    visit: (_connection, progress) => {
      calm = progress;
      return over.promise;
    },
  });
  for (let batch = 0; batch < 5; batch += 1) {
    await clock.advance(WATCHDOG_MS - 1);
    calm();
  }
  over.resolve();
  await settle();
  expect(kinds()).toEqual(['connecting', 'watching', 'visited']);
  await watch.release();
});

it('gives a silent server more time at every try, and little again once a visit ended well', async () => {
  const silences: (number | undefined)[] = [];
  const visit = failing(mailboxFailure('disconnected'), 5);
  const { watch, clock } = watched({
    open: async (_account, _signal, silenceMs) => {
      silences.push(silenceMs);
      if (silences.length === 7) throw mailboxFailure('unreachable');
      return {
        status: async () => ({ uidValidity: 1, uidNext: 1, messages: 0 }),
        fetch: async () => ({ mails: [], oversized: [], vanished: [] }),
        listSince: async () => [],
        listUids: async () => [],
        waitForHint: () => Promise.reject(mailboxFailure('disconnected')),
        release: async () => {},
      };
    },
    visit,
  });
  for (let tries = 1; tries < 8; tries += 1) await clock.advance(WATCHDOG_MS / 2);
  expect(silences.slice(0, 8)).toEqual([20_000, 40_000, 80_000, 120_000, 120_000, 120_000, 20_000, 40_000]);
  await watch.release();
});

it('gives up an opening that hangs', async () => {
  const { watch, clock, kinds } = watched({
    open: (_account, signal) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(mailboxFailure('aborted')));
      }),
  });
  await clock.advance(WATCHDOG_MS);
  expect(kinds()).toEqual(['connecting', 'stalled', 'waiting']);
  await watch.release();
});

it('stops for good when another worker owns the mailbox', async () => {
  const lost = new Failure('mailbox.ownership-lost', { kind: 'transient', scope: 'peer' });
  const { watch, clock, seen, kinds } = watched({ visit: failing(lost, 1) });
  await settle();
  expect(kinds()).toEqual(['connecting', 'watching', 'ownership-lost']);
  expect(seen.released).toBe(1);
  await clock.advance(24 * 60 * 60_000);
  expect(seen.opened).toBe(1);
  await watch.release();
});

it('waits for the visit that runs when released, then closes and leaves no timer', async () => {
  const gate = Promise.withResolvers<void>();
  const { watch, clock, seen, kinds } = watched({ visit: () => gate.promise });
  await settle();
  let isReleased = false;
  const released = watch.release().then(() => {
    isReleased = true;
  });
  await settle();
  expect(isReleased).toBe(false);
  gate.resolve();
  await released;
  expect(kinds().at(-1)).toBe('released');
  expect(seen.released).toBeGreaterThan(0);
  expect(clock.waits()).toEqual([]);
});

it('ends a backoff at once when released', async () => {
  const { watch, clock, kinds } = watched({ visit: failing(mailboxFailure('throttled'), 9) });
  await settle();
  await watch.release();
  expect(kinds()).toEqual(['connecting', 'watching', 'waiting', 'released']);
  expect(clock.waits()).toEqual([]);
});

it('is not taken down by a listener that fails', async () => {
  const { watch, clock, seen } = watched({
    onState: () => {
      throw new Error('listener');
    },
  });
  await clock.advance(POLL_MS);
  expect(seen.visits).toBe(2);
  await watch.release();
});

it('waits for its turn to log in, and the watchdog’s time does not run meanwhile', async () => {
  const turn = Promise.withResolvers<() => void>();
  let left = 0;
  const { watch, clock, seen, kinds } = watched({ logins: { enter: () => turn.promise } });
  await clock.advance(2 * WATCHDOG_MS);
  expect({ opened: seen.opened, kinds: kinds() }).toEqual({ opened: 0, kinds: [] });
  turn.resolve(() => {
    left += 1;
  });
  await settle();
  expect({ opened: seen.opened, left, visits: seen.visits }).toEqual({ opened: 1, left: 1, visits: 1 });
  await watch.release();
});

it('ends without a connection when it is released while it waits for its turn', async () => {
  const { watch, seen, kinds } = watched({
    logins: {
      enter: (signal) =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true })),
    },
  });
  await settle();
  await watch.release();
  expect({ opened: seen.opened, kinds: kinds() }).toEqual({ opened: 0, kinds: ['released'] });
});

it('gives its turn back when the login fails', async () => {
  let left = 0;
  const leave = () => {
    left += 1;
  };
  const { watch } = watched({
    logins: { enter: async () => leave },
    open: () => Promise.reject(mailboxFailure('unreachable')),
  });
  await settle();
  expect(left).toBe(1);
  await watch.release();
});

it('polls rarely once a look found nothing where the connection says that it heard nothing', async () => {
  const { watch, clock, seen } = watched({ pollLongestMs: 10 * POLL_MS, watchdogMs: 20 * POLL_MS }, () => 'nothing');
  await clock.advance(POLL_MS);
  expect(seen.visits).toBe(2);
  await clock.advance(3 * POLL_MS);
  expect(seen.visits).toBe(2);
  await clock.advance(POLL_MS);
  expect(seen.visits).toBe(3);
  await clock.advance(9 * POLL_MS);
  expect(seen.visits).toBe(3);
  await clock.advance(POLL_MS);
  expect(seen.visits).toBe(4);
  await watch.release();
});

it('says where a look found mail that had not been announced', async () => {
  const { watch, clock, seen } = watched({ visit: async (_connection, progress) => progress() }, () => 'nothing');
  await clock.advance(POLL_MS);
  const visits = seen.states.filter((state) => state.kind === 'visited');
  expect(visits).toEqual([
    { kind: 'visited', wasUnannounced: false },
    { kind: 'visited', wasUnannounced: true },
  ]);
  await watch.release();
});

it('logs a failure that goes on once, and again when it is another or came back', async () => {
  const lines: string[] = [];
  const note = (_event: string, fields?: { readonly code?: string }) => void lines.push(fields?.code ?? '');
  const codes = ['disconnected', 'disconnected', 'throttled', null, 'throttled'];
  const { watch, clock } = watched({
    logger: { ...silentLogger, warn: note },
    visit: async () => {
      const code = codes.shift();
      if (code !== null && code !== undefined) throw mailboxFailure(code);
      if (code === null) throw mailboxFailure('aborted');
    },
  });
  for (let hour = 0; hour < 3; hour += 1) await clock.advance(60 * 60_000);
  expect(lines.slice(0, 4)).toEqual([
    'mailbox.disconnected',
    'mailbox.throttled',
    'mailbox.aborted',
    'mailbox.throttled',
  ]);
  await watch.release();
});

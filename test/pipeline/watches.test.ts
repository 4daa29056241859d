import { afterEach, describe, expect, it } from 'vitest';
import type { MailboxConnection, MailboxOpener } from '../../src/mailbox/mailbox.ts';
import type { Courier } from '../../src/pipeline/pipeline.ts';
import { type Watches, watchOwned } from '../../src/pipeline/watches.ts';
import { registerWorker, retireWorker } from '../../src/practice/practice.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { type MailboxId, newId, type WorkerId } from '../../src/shared/ids.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { testKeys, type WatchedPlace, watchedPlace } from '../practice/places.ts';
import { until } from '../support/until.ts';

/** The mailboxes of a worker against a real ledger, and a server on which nothing happens but what the test says. */

const ledgers = useLedgers();
const LIMITS = {
  mailboxesMax: 1_000,
  pollIntervalMs: 600_000,
  pollLongestMs: 600_000,
  loginsPerSecond: 1_000,
  loginsAtOnce: 100,
  mailMaxBytes: 1_000,
};

/** Connections by user name, as a server sees them. */
function server() {
  const open = new Map<string, { readonly hint: () => void }[]>();
  const seen = { mostAtOnce: 0, statuses: 0, fetched: [] as number[] };
  const opener: MailboxOpener = async ({ username }) => {
    let hint = () => {};
    const connections = open.get(username) ?? [];
    open.set(username, connections);
    const mine = { hint: () => hint() };
    connections.push(mine);
    seen.mostAtOnce = Math.max(seen.mostAtOnce, connections.length);
    const connection: MailboxConnection = {
      status: async () => {
        seen.statuses += 1;
        return { uidValidity: 1, uidNext: 1, messages: 0 };
      },
      fetch: async (uids) => {
        seen.fetched.push(...uids);
        return { mails: [], oversized: [], vanished: uids };
      },
      listSince: async () => [],
      listUids: async () => [],
      waitForHint: (_timeoutMs, signal) =>
        new Promise((resolve) => {
          hint = resolve;
          if (signal.aborted) resolve();
          signal.addEventListener('abort', () => resolve(), { once: true });
        }),
      heard: () => 'hint',
      release: async () => {
        connections.splice(connections.indexOf(mine), 1);
      },
    };
    return connection;
  };
  const connected = () => [...open].filter(([, connections]) => connections.length > 0).map(([username]) => username);
  return { opener, seen, connected, hint: (username: string) => open.get(username)?.[0]?.hint() };
}

type TestServer = ReturnType<typeof server>;
const running: { readonly watches: Watches; readonly workerId: WorkerId }[] = [];
const errors: string[] = [];

async function worker(
  at: TestServer,
  changes: Partial<Courier> = {},
): Promise<Watches & { readonly workerId: WorkerId }> {
  const workerId = newId<WorkerId>();
  await registerWorker(ledgers.worker, workerId, LIMITS.mailboxesMax);
  const courier = {
    ledger: ledgers.worker,
    keys: testKeys(ledgers.worker),
    queue: { add: async () => {} },
    openMailbox: at.opener,
    clock: systemClock,
    // The daily comparison with the server is an hour away.
    random: () => 0.999,
    logger: { ...silentLogger, error: (event: string) => void errors.push(event) },
    limits: LIMITS,
    mark: () => {},
    ...changes,
  } as unknown as Courier;
  const watches = watchOwned(courier, workerId);
  running.push({ watches, workerId });
  return { ...watches, workerId };
}

afterEach(async () => {
  for (const { watches, workerId } of running.splice(0)) {
    await watches.release();
    await retireWorker(ledgers.worker, workerId);
  }
  errors.length = 0;
  // Disabled by the time that passes: the next test has mailboxes of its own.
  await ledgers.owner.query('update epoch set closed_at = now() where closed_at is null');
});

async function places(count: number): Promise<readonly WatchedPlace[]> {
  const made: WatchedPlace[] = [];
  for (let index = 0; index < count; index += 1) made.push(await watchedPlace(ledgers.worker));
  await ledgers.owner.query('update mailbox set username = id::text');
  return made;
}

const owned = async (workerId: WorkerId | null) =>
  (
    await ledgers.owner.query<{ id: MailboxId }>(
      `select m.id from mailbox m join epoch e on e.mailbox_id = m.id and e.closed_at is null
       where m.owner_id is not distinct from $1`,
      [workerId],
    )
  ).rows.map(({ id }) => id);

const row = async (id: MailboxId) =>
  (
    await ledgers.owner.query<{ owner_id: string | null; owner_epoch: number; trouble: string | null }>(
      'select owner_id, owner_epoch::int, trouble from mailbox where id = $1',
      [id],
    )
  ).rows[0];

const allOf = (at: TestServer, count: number) =>
  until(`${count} connections`, at.connected, (users) => users.length === count);

describe('two workers', () => {
  it('come to equal shares by handing over, and no mailbox is ever read by both', async () => {
    await places(31);
    const at = server();
    const first = await worker(at);
    await first.refresh();
    await allOf(at, 31);
    const second = await worker(at);
    await second.refresh();
    expect(await owned(second.workerId)).toEqual([]);

    await first.renewed();
    expect(await owned(null)).toHaveLength(15);
    await second.refresh();
    expect([await owned(first.workerId), await owned(second.workerId)].map(({ length }) => length)).toEqual([16, 15]);
    await allOf(at, 31);
    await first.renewed();
    await second.renewed();
    expect(await owned(first.workerId)).toHaveLength(16);
    expect(at.seen.mostAtOnce).toBe(1);
  });

  it('leave it at that where one has only a few more', async () => {
    await places(12);
    const at = server();
    const first = await worker(at);
    await first.refresh();
    await worker(at);
    await first.renewed();
    expect(await owned(first.workerId)).toHaveLength(12);
  });

  it('of which one takes nothing leave nothing unread: the other takes all at its second look', async () => {
    await places(30);
    const at = server();
    const first = await worker(at);
    await worker(at);
    await first.refresh();
    expect(await owned(first.workerId)).toHaveLength(15);
    await first.renewed();
    expect(await owned(first.workerId)).toHaveLength(15);
    await first.renewed();
    expect(await owned(first.workerId)).toHaveLength(30);
    await allOf(at, 30);
  });
});

describe('a mailbox whose password cannot be opened', () => {
  it('is said once, left to others, not tried at every look, and read as soon as it is put right', async () => {
    const [good, bad] = (await places(2)).map(({ mailboxId }) => mailboxId) as [MailboxId, MailboxId];
    const stored = (
      await ledgers.owner.query<{ password: Buffer }>('select password from mailbox where id = $1', [bad])
    ).rows[0]?.password;
    await ledgers.owner.query(`update mailbox set password = '\\x01' where id = $1`, [bad]);
    const at = server();
    const only = await worker(at);
    await only.refresh();
    await allOf(at, 1);
    const first = await row(bad);
    expect(first).toMatchObject({ owner_id: null, trouble: 'keys.cannot-open' });
    for (let look = 0; look < 5; look += 1) await only.renewed();
    expect(await row(bad)).toEqual(first);
    await only.refresh();
    expect((await row(bad))?.owner_epoch).toBe((first?.owner_epoch ?? 0) + 1);
    expect(errors).toEqual(['mailbox cannot be read']);

    await ledgers.owner.query('update mailbox set password = $2 where id = $1', [bad, stored ?? null]);
    await only.refresh();
    expect((await allOf(at, 2)).sort()).toEqual([good, bad].sort());
    await until(
      'no trouble',
      () => row(bad),
      (found) => found?.trouble === null,
    );
  });
});

describe('a mailbox in which nothing is new', () => {
  it('is looked at without a statement, and that it was is written down with the others', async () => {
    const [place] = await places(1);
    const at = server();
    let statements = 0;
    const count = <Args extends readonly unknown[], Answer>(act: (...args: Args) => Answer) => {
      return (...args: Args): Answer => {
        statements += 1;
        return act(...args);
      };
    };
    const { query, transaction } = ledgers.worker;
    const ledger = { ...ledgers.worker, query: count(query), transaction: count(transaction) } as Courier['ledger'];
    const only = await worker(at, { ledger });
    await only.refresh();
    const id = place?.mailboxId as MailboxId;
    await until(
      'no trouble',
      () => statements,
      (now) => now > 5 && at.seen.statuses > 0,
    );
    const polledAt = async () =>
      (await ledgers.owner.query<{ at: Date | null }>('select last_polled_at as at from mailbox where id = $1', [id]))
        .rows[0]?.at;
    await until('visited', polledAt, (moment) => moment !== null);
    await ledgers.owner.query(`update mailbox set last_polled_at = now() - interval '1 day' where id = $1`, [id]);
    for (let look = 2; look < 7; look += 1) {
      const before = statements;
      at.hint(id);
      await until(
        'a look',
        () => at.seen.statuses,
        (seen) => seen >= look,
      );
      if (look > 2) expect(statements).toBe(before);
    }
    await only.renewed();
    const age = systemClock.now().getTime() - ((await polledAt())?.getTime() ?? 0);
    expect(age).toBeLessThan(60_000);
  });

  it('is copied from as soon as the ledger has something to copy, whatever the server says', async () => {
    const [place] = await places(1);
    const at = server();
    const only = await worker(at);
    await only.refresh();
    await until(
      'a look',
      () => at.seen.statuses,
      (seen) => seen > 0,
    );
    await only.renewed();
    await ledgers.owner.query(
      `insert into mail (id, source, mailbox_id, epoch_id, uid, day, state)
       values (gen_random_uuid(), 'mailbox', $1, $2, 7, '2026-11-20', 'assigned')`,
      [place?.mailboxId ?? null, place?.epochId ?? null],
    );
    await only.renewed();
    await until(
      'fetched',
      () => at.seen.fetched,
      (uids) => uids.includes(7),
    );
  });
});

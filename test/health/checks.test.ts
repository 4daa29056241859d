import { beforeEach, describe, expect, it } from 'vitest';
import { type HealthServer, healthOf, isAlive, serveHealth, type Watched } from '../../src/health/health.ts';
import { registerWorker } from '../../src/practice/practice.ts';
import { newBreaker } from '../../src/queue/queue.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { newId, type WorkerId } from '../../src/shared/ids.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { fakeClock, settle } from '../mailbox/fake-clock.ts';
import { mailboxIn, type WatchedPlace, watchedPlace } from '../practice/places.ts';
import { copiedMails, deliveryIn } from '../records/rows.ts';

const ledgers = useLedgers();
const owner = (text: string, ...values: readonly string[]) => ledgers.owner.query(text, values);
const MINUTE_MS = 60_000;
const late = (interval: string) => `now() - interval '${interval}'`;

let place: WatchedPlace;
let workerId: WorkerId;
let upForMs: number;
let isStopping: boolean;
beforeEach(async () => {
  await owner(
    'truncate worker, delivery, report, mail, registration, outward_mail, epoch, mailbox_practice, mailbox cascade',
  );
  place = await watchedPlace(ledgers.worker);
  workerId = newId<WorkerId>();
  await registerWorker(ledgers.worker, workerId);
  await owner('update mailbox set last_polled_at = now(), owner_id = $1', workerId);
  upForMs = 60 * MINUTE_MS;
  isStopping = false;
});

const breaker = () => newBreaker({ target: 'card', clock: systemClock, random: () => 0 });
const watched = (changes: Partial<Watched['courier']> = {}): Watched => ({
  courier: {
    ledger: ledgers.worker,
    clock: systemClock,
    breakers: {
      'patient-card': { read: breaker(), write: breaker() },
      board: { read: breaker(), write: breaker() },
      zorgmail: breaker(),
    },
    ...changes,
  },
  workerId,
  limits: { polledWithinMs: 15 * MINUTE_MS, backlogWithinMs: 15 * MINUTE_MS, boardWithinMs: 10 * MINUTE_MS },
  upForMs: (target) => (target === 'zorgmail' ? null : upForMs),
  isStopping: () => isStopping,
});
const codes = async (changes: Partial<Watched['courier']> = {}) =>
  (await healthOf(watched(changes))).map(({ code, count }) => `${code} ${count}`);

interface Case {
  readonly finding: string;
  readonly begin: () => Promise<unknown>;
  readonly end: () => Promise<unknown>;
}

const CASES: readonly Case[] = [
  {
    finding: 'worker.not-renewed 1',
    begin: () => owner(`update worker set alive_until = ${late('1 second')}`),
    end: () => owner(`update worker set alive_until = now() + interval '30 seconds'`),
  },
  {
    finding: 'mailbox.not-polled 1',
    begin: () => owner(`update mailbox set last_polled_at = ${late('16 minutes')}`),
    end: () => owner('update mailbox set last_polled_at = now()'),
  },
  {
    finding: 'mailbox.most-in-trouble 1',
    begin: () => owner(`update mailbox set trouble = 'mailbox.unreachable', last_polled_at = ${late('16 minutes')}`),
    end: () => owner('update mailbox set trouble = null, last_polled_at = now()'),
  },
  {
    finding: 'read.waits 1',
    begin: async () => {
      await copiedMails(ledgers.worker, place);
      await owner(`update mail set copied_at = ${late('16 minutes')}`);
    },
    end: () => owner(`update mail set state = 'read', verdict = 'not-lab'`),
  },
  {
    finding: 'patient-card.waits 1',
    begin: async () => {
      await deliveryIn(ledgers, place, 'ready');
      await owner(`update delivery set created_at = ${late('16 minutes')}`);
    },
    end: () => owner(`update delivery set state = 'forwarded', settled_at = now()`),
  },
  {
    finding: 'board.waits 1',
    begin: async () => {
      await deliveryIn(ledgers, place, 'ready');
      await owner(`update delivery set target = 'board', created_at = ${late('26 minutes')}`);
    },
    end: () => owner(`update delivery set created_at = ${late('24 minutes')}`),
  },
];

describe('/healthz', () => {
  it('has nothing to say of a worker that polled and delivered lately', async () => {
    expect(await codes()).toEqual([]);
  });

  it.each(CASES)('says $finding, and nothing any more when that is over', async ({ finding, begin, end }) => {
    await begin();
    expect(await codes()).toEqual([finding]);
    await end();
    expect(await codes()).toEqual([]);
  });

  it('says several things at once', async () => {
    for (const { begin } of CASES.filter(({ finding }) => /^(worker|read)/.test(finding))) await begin();
    expect(await codes()).toEqual(['worker.not-renewed 1', 'read.waits 1']);
  });

  it('says that the ledger is away, also where it only never answers', async () => {
    const away = () => Promise.reject(new Error('away'));
    expect(await codes({ ledger: { ...ledgers.worker, query: away } })).toEqual(['ledger.unreachable 1']);
    const clock = fakeClock();
    const asked = codes({ clock, ledger: { ...ledgers.worker, query: () => new Promise(() => {}) } });
    await settle();
    await clock.advance(3_000);
    expect(await asked).toEqual(['ledger.unreachable 1']);
    expect(await codes()).toEqual([]);
  });

  it('says that the worker stops, from the moment that it is asked to', async () => {
    isStopping = true;
    expect(await codes()).toEqual(['worker.stopping 1']);
  });

  it('does not count time in which the target was away', async () => {
    await deliveryIn(ledgers, place, 'ready');
    await owner(`update delivery set created_at = ${late('5 hours')}`);
    upForMs = 0;
    expect(await codes()).toEqual([]);
    upForMs = 14 * MINUTE_MS;
    expect(await codes()).toEqual([]);
    upForMs = 16 * MINUTE_MS;
    expect(await codes()).toEqual(['patient-card.waits 1']);
  });

  it('takes one refused mailbox of several for that practice’s trouble, and another worker’s for none of its own', async () => {
    const [refused, others] = [place.mailboxId, [] as string[]];
    for (let more = 0; more < 2; more += 1) others.push((await watchedPlace(ledgers.worker)).mailboxId);
    await owner('update mailbox set last_polled_at = now(), owner_id = $1', workerId);
    await owner(
      `update mailbox set trouble = 'mailbox.login-refused', last_polled_at = ${late('1 hour')} where id = $1`,
      refused,
    );
    expect(await codes()).toEqual([]);
    await owner(
      `update mailbox set trouble = 'mailbox.unreachable', last_polled_at = ${late('1 hour')} where id = $1`,
      others[0] ?? '',
    );
    expect(await codes()).toEqual(['mailbox.most-in-trouble 2']);
    await owner('update mailbox set owner_id = gen_random_uuid()');
    expect(await codes()).toEqual([]);
  });

  it('asks nothing of a mailbox that is not watched', async () => {
    const unwatched = await mailboxIn(ledgers.worker, [place.practice]);
    await owner(`update mailbox set owner_id = $1 where id = $2`, workerId, unwatched);
    await owner(`update mailbox set last_polled_at = ${late('1 hour')} where id = $1`, unwatched);
    expect(await codes()).toEqual([]);
  });
});

describe('/livez', () => {
  it('wants a restart only of a worker that hangs although the ledger answers', async () => {
    expect(await isAlive(watched())).toBe(true);
    await owner(`update worker set alive_until = ${late('100 seconds')}`);
    expect(await isAlive(watched())).toBe(true);
    await owner(`update worker set alive_until = ${late('130 seconds')}`);
    expect(await isAlive(watched())).toBe(false);
    const away = () => Promise.reject(new Error('away'));
    expect(await isAlive(watched({ ledger: { ...ledgers.worker, query: away } }))).toBe(true);
    await owner('delete from worker');
    expect(await isAlive(watched())).toBe(true);
  });
});

describe('the server', () => {
  const AT = { host: '127.0.0.1', port: 0 };
  const serving = (metrics: () => Promise<{ text: string; contentType: string }>): Promise<HealthServer> =>
    serveHealth(AT, { metrics, health: () => healthOf(watched()), isAlive: () => isAlive(watched()) }, silentLogger);

  it('answers 503 with the codes of what is wrong, and 200 when it is over', async () => {
    const server = await serving(async () => ({ text: '', contentType: 'text/plain' }));
    try {
      const ask = async () => {
        const answer = await fetch(`http://127.0.0.1:${server.port}/healthz`);
        return [answer.status, await answer.json()];
      };
      expect(await ask()).toEqual([200, { status: 'ok' }]);
      await owner(`update mailbox set last_polled_at = ${late('16 minutes')}`);
      const findings = [{ code: 'mailbox.not-polled', count: 1 }];
      expect(await ask()).toEqual([503, { status: 'failing', findings }]);
      await owner('update mailbox set last_polled_at = now()');
      expect(await ask()).toEqual([200, { status: 'ok' }]);
    } finally {
      await server.release();
    }
  });

  it('refuses an address that is taken, by its code', async () => {
    const server = await serving(async () => ({ text: '', contentType: 'text/plain' }));
    const again = serveHealth(
      { ...AT, port: server.port },
      { metrics: async () => ({ text: '', contentType: '' }), health: async () => [], isAlive: async () => true },
      silentLogger,
    );
    await expect(again).rejects.toMatchObject({ code: 'health.cannot-listen', fields: { error: 'EADDRINUSE' } });
    await server.release();
  });

  it('says nothing of why an answer failed', async () => {
    const server = await serving(() => Promise.reject(new Error('a secret')));
    const answer = await fetch(`http://127.0.0.1:${server.port}/metrics`);
    expect([answer.status, await answer.text()]).toEqual([500, '{"status":"failed"}\n']);
    await server.release();
  });
});

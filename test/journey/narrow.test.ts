import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Composition, compose } from '../../src/compose.ts';
import { type RunningWorker, startWorker } from '../../src/pipeline/pipeline.ts';
import { type AdaptiveLimit, newAdaptiveLimit } from '../../src/queue/queue.ts';
import { SANDBOX_PATIENTS } from '../../src/sandbox/people.ts';
import { type Clock, systemClock } from '../../src/shared/clock.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import { medlab, practice } from '../support/medlab.ts';
import { type NarrowServer, narrowServer } from '../support/narrow-server.ts';
import { deliveries, resultsOf, untilAtRest } from '../support/observe.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

/** A cKIS that takes so many requests at once and answers 429 to all above that: it is given what it takes. */

const MOST = 4;
const TAKES_MS = 20;
const FOLLOWED = SANDBOX_PATIENTS.flatMap(({ bsn, followedBy }) => (followedBy === null ? [] : [{ bsn, followedBy }]));

let journey: Journey;
let narrow: NarrowServer;
let composition: Composition;
let worker: RunningWorker;
let sent = 0;
let passedMs = 0;

beforeAll(async () => {
  narrow = await narrowServer();
  journey = await startJourney({ settings: { ZORGKOERIER_CKIS_URL: narrow.url } });
  narrow.before({ url: journey.world.ckis.url, most: MOST, takesMs: TAKES_MS });
  // Of which minutes may pass.
  const clock = { ...systemClock, elapsedMs: () => systemClock.elapsedMs() + passedMs };
  composition = await compose(journey.config, { random: () => 0, logger: silentLogger, clock });
});
afterAll(async () => {
  await worker?.release(5_000);
  await composition?.release();
  await journey?.release();
  await narrow?.release();
});

/** So many reports, of all patients in turn, all at once. */
async function send(count: number): Promise<void> {
  const numbers = Array.from({ length: count }, (_, index) => sent + index);
  sent += count;
  await Promise.all(
    numbers.map((number) => {
      const { bsn, followedBy } = FOLLOWED[number % FOLLOWED.length] ?? { bsn: '', followedBy: 'linde' };
      const { zorgmail } = practice(followedBy);
      const labNumber = `261700${String(number).padStart(4, '0')}`;
      return journey.send(followedBy, medlab({ bsn, labNumber, to: zorgmail }));
    }),
  );
}

const limitOfCard = () => composition.courier.turns['patient-card'].load().limit;

describe('a cKIS that takes few requests at once', () => {
  it('gets every report exactly once, and no attempt is spent on its refusals', async () => {
    await send(80);
    worker = await startWorker(composition.courier);
    expect(await untilAtRest(journey, sent, 90_000)).toMatchObject({ forwarded: sent });
    expect(narrow.seen.refused).toBeGreaterThan(0);
    const results = await Promise.all(FOLLOWED.map(({ bsn }) => resultsOf(journey.world.ckis, bsn)));
    expect(results.flat()).toHaveLength(sent);
    const ofCard = (await deliveries(journey)).filter(({ target }) => target === 'patient-card');
    expect(ofCard.map(({ attempts }) => attempts)).toEqual(Array(sent).fill(0));
  }, 120_000);

  it('is sent about as many as it takes from then on, and refuses few', async () => {
    expect(limitOfCard()).toBeLessThanOrEqual(MOST + 1);
    const before = { ...narrow.seen };
    narrow.seen.mostAtOnce = 0;
    await send(80);
    expect(await untilAtRest(journey, sent, 90_000)).toMatchObject({ forwarded: sent });
    const requests = narrow.seen.requests - before.requests;
    const refused = narrow.seen.refused - before.refused;
    expect(requests).toBeGreaterThan(4 * 80);
    expect((100 * refused) / requests).toBeLessThan(2);
    expect(narrow.seen.mostAtOnce).toBeLessThanOrEqual(MOST + 1);
    expect(limitOfCard()).toBeGreaterThanOrEqual(MOST / 2);
  }, 120_000);

  it('is sent more once it takes more and that it was too many is a minute ago', async () => {
    narrow.before({ url: journey.world.ckis.url, most: 1_000, takesMs: TAKES_MS });
    passedMs += 60_000;
    await send(80);
    expect(await untilAtRest(journey, sent, 90_000)).toMatchObject({ forwarded: sent });
    expect(limitOfCard()).toBeGreaterThan(MOST + 1);
  }, 120_000);

  it('is waited for under a claim that is kept, and given back at once where the worker stops', async () => {
    await worker.release(5_000);
    const ticks: (() => void)[] = [];
    const every: Clock['every'] = (ms, tick) => {
      ticks.push(tick);
      return systemClock.every(ms, tick);
    };
    const full = await fullLimit();
    const { courier } = composition;
    const turns = { 'patient-card': full, board: full };
    worker = await startWorker({ ...courier, turns, clock: { ...courier.clock, every } });
    await send(1);
    const open = async () => (await journey.sql<Open>(OPEN))[0];
    await until('claimed', open, (row) => row?.state === 'sending');
    await journey.sql(`update delivery set lease_until = now() + interval '1 second' where state = 'sending'`);
    for (const tick of ticks) tick();
    await until('renewed', open, (row) => (row?.leaseSeconds ?? 0) > 20);
    const before = narrow.seen.requests;
    await worker.release(5_000);
    expect(await open()).toEqual({ state: 'ready', attempts: 0, leaseSeconds: null });
    expect(narrow.seen.requests).toBe(before);
    const other = await compose(journey.config, { random: () => 0, logger: silentLogger });
    worker = await startWorker(other.courier);
    expect(await untilAtRest(journey, sent)).toMatchObject({ forwarded: sent });
    await worker.release(5_000);
    await other.release();
  }, 60_000);
});

interface Open {
  readonly state: string;
  readonly attempts: number;
  readonly leaseSeconds: number | null;
}

const OPEN = `select state, attempts, extract(epoch from lease_until - now())::float8 as "leaseSeconds"
  from delivery where target = 'patient-card' and state in ('ready', 'sending', 'uncertain')`;

/** One that has been lowered, and all whose work has begun. */
async function fullLimit(): Promise<AdaptiveLimit> {
  const full = newAdaptiveLimit({ most: 2, clock: systemClock, strainOf: () => 'refused' });
  await full.run(() => Promise.reject(new Error('too many'))).catch(() => {});
  await Promise.all([full.begin(), full.begin()]);
  return full;
}

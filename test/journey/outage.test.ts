import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { medlab } from '../support/medlab.ts';
import { accounting, deliveries, resultsOf, untilAtRest } from '../support/observe.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

/** cKIS is away for everybody: it is asked now and then by one, and nobody's report pays for it. */

let journey: Journey;
let sent = 0;
const PEOPLE = ['999990019', '999911120'] as const;

beforeAll(async () => {
  journey = await startJourney();
  await journey.startWorker();
});
afterAll(() => journey.release());

async function send(count: number): Promise<void> {
  const payloads = Array.from({ length: count }, () => {
    sent += 1;
    const bsn = PEOPLE[sent % 2] ?? PEOPLE[0];
    return medlab({ bsn, labNumber: `261600${String(sent).padStart(3, '0')}`, to: '500088001' });
  });
  await journey.send('linde', ...payloads);
}

const ready = async () => (await deliveries(journey)).filter(({ state }) => state === 'ready' || state === 'uncertain');

describe('an outage of cKIS', () => {
  it('costs a handful of requests and no attempts, whatever waits, and ends by itself', async () => {
    journey.world.ckis.faults.outage(true);
    const before = journey.world.ckis.requests.length;
    await send(40);
    await until(
      'read',
      () => accounting(journey),
      ({ assigned }) => assigned === sent,
    );
    await until('all wait', ready, (rows) => rows.length === sent);
    await until(
      'asked more than once',
      async () => journey.world.ckis.requests.length - before,
      (asked) => asked >= 3,
    );
    expect(journey.world.ckis.requests.length - before).toBeLessThan(sent);
    expect((await ready()).every(({ attempts }) => attempts === 0)).toBe(true);
    expect(journey.log()).toContain('target fails: it is left alone for a while');

    journey.world.ckis.faults.outage(false);
    expect(await untilAtRest(journey, sent, 60_000)).toMatchObject({ forwarded: sent });
    expect(journey.log()).toContain('target is asked again');
    const results = await Promise.all(PEOPLE.map((bsn) => resultsOf(journey.world.ckis, bsn)));
    expect(results.flat()).toHaveLength(sent);
  }, 90_000);

  it('that shows as writes without an answer while searches go well spends a few attempts at most, each', async () => {
    journey.world.ckis.faults.next({ kind: 'fail-after-commit', status: 500 }, { scope: 'writes', times: 8 });
    await send(20);
    expect(await untilAtRest(journey, sent, 60_000)).toMatchObject({ forwarded: sent });
    const attempts = (await deliveries(journey)).map((row) => row.attempts);
    expect(Math.max(...attempts)).toBeLessThan(4);
    const results = await Promise.all(PEOPLE.map((bsn) => resultsOf(journey.world.ckis, bsn)));
    expect(results.flat()).toHaveLength(sent);
  }, 90_000);
});

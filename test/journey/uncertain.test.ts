/** A practice is paused while nobody knows whether cKIS took a report: cKIS is asked, and nobody waits for the pause to end. */

import { afterEach, beforeEach, expect, it } from 'vitest';
import { pauseForwarding } from '../../src/pipeline/pipeline.ts';
import { medlab } from '../support/medlab.ts';
import { accounting, cardOf, deliveries, letTimePass } from '../support/observe.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

const KAREL = '999911120';
let journey: Journey;

beforeEach(async () => {
  journey = await startJourney();
});
afterEach(() => journey.release());

const last = async () => (await deliveries(journey)).findLast(({ target }) => target === 'patient-card');

/** One try was made; then the worker stopped, the practice was paused, and a while later the worker is back. */
async function pausedInDoubt(): Promise<void> {
  await journey.startWorker();
  await journey.send(
    'linde',
    medlab({ bsn: KAREL, labNumber: '26139001', to: '500088001', results: [{ value: '63' }] }),
  );
  await until('tried', last, (seen) => seen?.reason != null);
  await journey.stopWorkers();
  journey.world.ckis.faults.clear();
  await journey.sql(`update delivery set state = 'uncertain' where target = 'patient-card'`);
  await pauseForwarding(journey.courier, await journey.practice('linde'), 'test');
  await letTimePass(journey);
  await journey.startWorker();
}

it('what cKIS took before the pause counts as forwarded', async () => {
  journey.world.ckis.faults.next({ kind: 'reset-after-commit' });
  await pausedInDoubt();
  await until('known', last, (seen) => seen?.state === 'forwarded');
  const { results } = await cardOf(journey.world.ckis, KAREL);
  expect(results).toMatchObject([{ value: '63', versions: 1 }]);
});

it('what cKIS did not take waits for the practice to resume, and holds up nobody else’s report for that patient', async () => {
  journey.world.ckis.faults.outage(true);
  await pausedInDoubt();
  const parked = await until('parked', last, (seen) => seen?.is_parked === true);
  expect(parked).toMatchObject({ state: 'ready' });
  expect((await cardOf(journey.world.ckis, KAREL)).results).toEqual([]);
  expect(await accounting(journey)).toMatchObject({ waiting: 1, difference: 0 });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Moment } from '../../src/pipeline/pipeline.ts';
import { forbiddenCommands } from '../../src/sandbox/zorgmail/command-lines.ts';
import { monotonicMs } from '../../src/shared/clock.ts';
import { startCommand, startDoomedWorker } from '../support/child.ts';
import { medlab, practice } from '../support/medlab.ts';
import { cardOf, deliveries, letTimePass, outcomes, untilAtRest } from '../support/observe.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

let journey: Journey;
let sent = 0;

beforeAll(async () => {
  journey = await startJourney();
});
afterAll(() => journey.release());

const PETRA = '999990019';

/** Everything that was owned or leased by the dead is free again, as it is ten minutes later. */
async function tenMinutesLater(): Promise<void> {
  await letTimePass(journey);
  await journey.sql(`update worker set alive_until = now() - interval '1 second'`);
}

/** Of one mail the sweeper adds what a worker that died just before could not: these two come no more. */
const ONLY_UNHURT: readonly Moment[] = ['batch-added', 'deliveries-added'];
/** A process for each moment, one after the other. */
const EVERY_MOMENT_MS = 60_000;

const MOMENTS: readonly Moment[] = [
  'fetched',
  'copy-uncommitted',
  'copy-committed',
  'batch-added',
  'read-committed',
  'deliveries-added',
  'card-written',
  'delivery-settled',
];

describe('a worker that is killed', () => {
  it.each(MOMENTS)('at the moment "%s" leaves one report on one card once another has taken over', async (moment) => {
    const value = String(60 + sent);
    const payload = medlab({ bsn: PETRA, labNumber: `261180${sent}`, to: '500088001', results: [{ value }] });
    const doomed = startDoomedWorker(moment, journey.settings);
    await journey.send('linde', payload);
    expect(await doomed.ended).toMatchObject({ code: null, signal: 'SIGKILL' });
    sent += 1;

    await tenMinutesLater();
    await journey.startWorker();
    const sum = await untilAtRest(journey, sent);
    expect(sum).toMatchObject({ forwarded: sent, difference: 0 });
    await journey.stopWorkers();
    await expectOnce(value);
  });

  it(
    'at every moment of one mail in turn still leaves one report',
    async () => {
      await journey.send(
        'linde',
        medlab({ bsn: PETRA, labNumber: '26118090', to: '500088001', results: [{ value: '99' }] }),
      );
      sent += 1;
      for (const moment of MOMENTS.filter((each) => !ONLY_UNHURT.includes(each))) {
        const doomed = startDoomedWorker(moment, journey.settings);
        expect(await doomed.ended).toMatchObject({ signal: 'SIGKILL' });
        await tenMinutesLater();
      }
      await journey.startWorker();
      expect(await untilAtRest(journey, sent)).toMatchObject({ forwarded: sent, difference: 0 });
      await journey.stopWorkers();
      await expectOnce('99');
    },
    EVERY_MOMENT_MS,
  );

  it('never touched the mailbox', async () => {
    expect(forbiddenCommands(journey.world.proxy.commands())).toEqual([]);
    expect(await journey.world.zorgmail.compareTwins(practice('linde').zorgmail)).toMatchObject({ differences: [] });
  });
});

describe('a worker that is asked to stop', () => {
  it('ends by itself with exit code 0, soon, and what it owned is free at once', async () => {
    const worker = startCommand(['start'], journey.settings);
    await until(
      'the worker',
      () => worker.said().stderr,
      (text) => text.includes('worker started'),
    );
    await until('owned', ownedCount, (count) => count === 3);
    worker.process.kill('SIGTERM');
    const asked = monotonicMs();
    expect(await worker.ended).toMatchObject({ code: 0, signal: null });
    expect(monotonicMs() - asked).toBeLessThan(6_000);
    expect(await ownedCount()).toBe(0);
    expect(await journey.sql('select 1 from worker where alive_until > now()')).toHaveLength(0);
  });
});

async function ownedCount(): Promise<number> {
  return (await journey.sql('select 1 from mailbox where owner_id is not null')).length;
}

async function expectOnce(value: string): Promise<void> {
  for (const server of [journey.world.ckis, journey.world.cboards]) {
    const { results, reports } = await cardOf(server, PETRA);
    expect(results.filter((result) => result.value === value)).toMatchObject([{ status: 'final', versions: 1 }]);
    expect(reports).toHaveLength(sent);
  }
  expect(await outcomes(journey)).toEqual(Array.from({ length: sent }, () => 'forwarded'));
  const all = await deliveries(journey);
  expect(all.map(({ target }) => target).sort()).toEqual([
    ...Array(sent).fill('board'),
    ...Array(sent).fill('patient-card'),
  ]);
}

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disableForwarding, enableForwarding, pauseForwarding, sweep } from '../../src/pipeline/pipeline.ts';
import type { Determinations, Mode } from '../../src/practice/practice.ts';
import { forbiddenCommands } from '../../src/sandbox/zorgmail/command-lines.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { KALIUM, KREATININE, medlab } from '../support/medlab.ts';
import { accounting, cardOf, deliveries, resultsOf, untilAtRest } from '../support/observe.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

let journey: Journey;
/** Assigned so far, over all mailboxes. */
let sent = 0;
let labNumber = 26_120_000;

beforeAll(async () => {
  journey = await startJourney();
  await journey.startWorker();
});
afterAll(() => journey.release());

const KAREL = '999911120';

/** A message for Karel at De Linde, with a lab number of its own. */
function message(value: string, results = [{ value }]) {
  labNumber += 1;
  return medlab({ bsn: KAREL, labNumber: String(labNumber), to: '500088001', results });
}

interface Choice {
  readonly mode?: Mode;
  readonly determinations?: Determinations;
  readonly since?: Date;
}

async function enable({ mode = 'live', determinations = 'all', since }: Choice = {}) {
  const request = { name: 'forwarding', mode, authorisedBy: 'a', authorisedOn: '2026-11-01', determinations } as const;
  const whole = { ...request, since: since ?? systemClock.now() };
  const linde = await journey.practice('linde');
  expect(await enableForwarding(journey.courier, linde, whole, since !== undefined, 'test')).toMatchObject({
    refusal: null,
  });
}

const pause = async () => pauseForwarding(journey.courier, await journey.practice('linde'), 'test');
const disable = async () => disableForwarding(journey.courier, await journey.practice('linde'), 'test');

/** The worker has let go of De Linde's mailbox. */
async function untilLetGo(): Promise<void> {
  await until(
    'the mailbox let go',
    () => journey.sql<{ owner_id: string | null }>(`select owner_id from mailbox where name = 'linde'`),
    ([row]) => row?.owner_id === null,
  );
}

/** A mail of another practice went all the way: whatever the worker would have done meanwhile, it has done. */
async function another(): Promise<void> {
  labNumber += 1;
  await journey.send('brug', medlab({ bsn: '999986296', labNumber: String(labNumber), to: '500088003' }));
  sent += 1;
}

const values = async () => (await cardOf(journey.world.ckis, KAREL)).results.map(({ value }) => value);
const transactions = () => journey.world.ckis.requests.filter(({ url }) => /^\/fhir\/?$/.test(url)).length;

describe('a running worker', () => {
  it('keeps copying for a paused practice and delivers nothing, until it is enabled again', async () => {
    expect(await pause()).toBeNull();
    await journey.send('linde', message('101'));
    sent += 1;
    const parked = await until(
      'parked',
      () => deliveries(journey),
      (all) => all.some(({ is_parked }) => is_parked),
    );
    expect(parked).toMatchObject([{ state: 'ready', attempts: 0, has_content: true }]);
    expect(await accounting(journey)).toMatchObject({ assigned: 1, waiting: 1, difference: 0 });
    expect(await values()).toEqual([]);
    await sweep(journey.courier);
    expect(await values()).toEqual([]);

    await enable();
    expect(await untilAtRest(journey, sent)).toMatchObject({ forwarded: 1 });
    expect(await values()).toEqual(['101']);
  });

  it('copies and delivers nothing any more for a practice that was disabled, and again once it is enabled', async () => {
    for (const round of [1, 2, 3]) {
      expect(await disable()).toBeNull();
      await untilLetGo();
      await journey.send('linde', message(`${round}02`));
      await another();
      await untilAtRest(journey, sent);
      expect(await values()).not.toContain(`${round}02`);

      await enable();
      await journey.send('linde', message(`${round}03`));
      sent += 1;
      await untilAtRest(journey, sent);
      expect(await values()).toContain(`${round}03`);
      expect(await values()).not.toContain(`${round}02`);
    }
  });

  it('does not lose a mailbox that is disabled and enabled in one breath', async () => {
    for (const round of [4, 5, 6]) {
      await disable();
      await enable();
      await journey.send('linde', message(`${round}04`));
      sent += 1;
      await untilAtRest(journey, sent);
      expect(await values()).toContain(`${round}04`);
    }
  });

  it('takes what was in the mailbox already, where enabling says since when', async () => {
    await disable();
    await untilLetGo();
    const since = systemClock.now();
    // INTERNALDATE has whole seconds.
    since.setMilliseconds(0);
    await journey.send('linde', message('105'), message('106'));
    await enable({ since });
    const listed = await journey.sql<{ listed_count: number }>(
      'select listed_count from epoch where closed_at is null order by opened_at desc limit 1',
    );
    sent += listed[0]?.listed_count ?? 0;
    await untilAtRest(journey, sent);
    expect(await values()).toEqual(expect.arrayContaining(['105', '106']));
    expect((await values()).filter((value) => value === '105')).toHaveLength(1);
  });
});

describe('a practice in shadow', () => {
  it('has everything done but the writing', async () => {
    await enable({ mode: 'shadow' });
    const [before, written] = [await values(), transactions()];
    await journey.send('linde', message('107'));
    sent += 1;
    expect(await untilAtRest(journey, sent)).toMatchObject({ shadowed: 1 });
    expect(await values()).toEqual(before);
    expect(transactions()).toBe(written);
    expect((await deliveries(journey)).filter(({ state }) => state === 'shadowed')).toMatchObject([
      { target: 'patient-card' },
    ]);
  });
});

describe('a practice’s choice of determinations', () => {
  const results = [
    { ...KREATININE, value: '108' },
    { ...KALIUM, value: '4.9' },
  ];

  it('lets only the chosen ones through, by raw code or NHG number, and counts the rest', async () => {
    for (const [determinations, value] of [
      [['KREAB'], '108'],
      [['513'], '4.9'],
    ] as const) {
      await enable({ determinations });
      const before = await values();
      await journey.send('linde', message('', results));
      sent += 1;
      await untilAtRest(journey, sent);
      expect((await values()).slice(before.length)).toEqual([value]);
      expect(await newest()).toMatchObject({ state: 'forwarded', withheld_count: 1 });
    }
    const { conclusion } = (await cardOf(journey.world.ckis, KAREL)).reports.at(-1) ?? {};
    expect(conclusion).toMatch(/1/);
    expect(conclusion).not.toMatch(/Kreatinine/);
  });

  it('that leaves nothing makes it no-card, and nothing is kept', async () => {
    await enable({ determinations: ['HBACB'] });
    const [before, written] = [await values(), transactions()];
    await journey.send('linde', message('', results));
    sent += 1;
    await untilAtRest(journey, sent);
    expect(await newest()).toMatchObject({ state: 'no-card', reason: 'practice.withheld', has_content: false });
    expect(await values()).toEqual(before);
    expect(transactions()).toBe(written);
  });

  async function newest() {
    return (await deliveries(journey)).filter(({ target }) => target === 'patient-card').at(-1);
  }
});

describe('a practice that stays disabled', () => {
  it('has what waited discarded and erased after 7 days, copied or not, and the accounting closes', async () => {
    await pause();
    await journey.send('linde', message('109'));
    sent += 1;
    await until(
      'parked',
      () => deliveries(journey),
      (all) => all.some(({ is_parked }) => is_parked),
    );
    await journey.stopWorkers();
    await journey.send('linde', message('110'), message('111'));
    sent += 2;
    expect(await disable()).toBeNull();
    expect(await accounting(journey)).toMatchObject({ assigned: sent, waiting: 3, difference: 0 });

    await sweep(journey.courier);
    expect(await accounting(journey)).toMatchObject({ waiting: 3, discarded: 0 });
    await journey.sql(`update integration set disabled_at = now() - interval '8 days' where state = 'disabled'`);
    await journey.sql(`update epoch set closed_at = now() - interval '8 days' where closed_at is not null`);
    await sweep(journey.courier);
    expect(await accounting(journey)).toMatchObject({ assigned: sent, waiting: 0, discarded: 3, difference: 0 });
    expect((await deliveries(journey)).filter(({ state }) => state === 'discarded')).toMatchObject([
      { reason: 'practice.disabled', has_content: false },
    ]);
    await sweep(journey.courier);
    expect((await deliveries(journey)).find(({ state }) => state === 'discarded')).toMatchObject({ has_bytes: false });
    expect(await resultsOf(journey.world.ckis, KAREL)).not.toContain('Kreatinine 109 final');
  });

  it('had a mailbox that nobody changed', () => {
    expect(forbiddenCommands(journey.world.proxy.commands())).toEqual([]);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disableForwarding, enableForwarding } from '../../src/pipeline/pipeline.ts';
import type { Fault } from '../../src/sandbox/fhir/fhir.ts';
import { forbiddenCommands } from '../../src/sandbox/zorgmail/command-lines.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { mailOf, medlab, practice } from '../support/medlab.ts';
import {
  accounting,
  cardOf,
  type Delivered,
  deliveries,
  letTimePass,
  resultsOf,
  untilAtRest,
} from '../support/observe.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

let journey: Journey;
let sent = 0;
let labNumber = 26_150_000;

beforeAll(async () => {
  journey = await startJourney({ settings: { ZORGKOERIER_BOARD_WITHIN_MS: '1000' } });
});
afterAll(() => journey.release());

const KAREL = '999911120';
const SJOERD = '999986296';

/** A message for Karel at De Linde; the number in its value is its own. */
function message(value: number) {
  labNumber += 1;
  return medlab({ bsn: KAREL, labNumber: String(labNumber), to: '500088001', results: [{ value: String(value) }] });
}

async function send(...payloads: Buffer[]): Promise<void> {
  sent += payloads.length;
  await journey.send('linde', ...payloads);
}

const values = async () => (await cardOf(journey.world.ckis, KAREL)).results.map(({ value }) => Number(value)).sort();
const last = async () => (await deliveries(journey)).findLast(({ target }) => target === 'patient-card') as Delivered;

/** Waits as untilAtRest, while the hours pass: leases run out and checks come due again and again. */
async function untilAtRestInTheEnd(): Promise<void> {
  await until(
    'everything at rest',
    async () => {
      await letTimePass(journey);
      return accounting(journey);
    },
    (sum) => sum.assigned === sent && sum.waiting === 0,
  );
  await untilAtRest(journey, sent);
}

describe('mails that the HIS deletes before we looked', () => {
  it('are counted as vanished, each once, and the rest is delivered', async () => {
    const { zorgmail } = practice('linde');
    await send(message(1), message(2), message(3));
    await journey.world.zorgmail.hisOfBoth(zorgmail).collectAndRemove();
    await send(message(4));
    await journey.startWorker();
    expect(await untilAtRest(journey, sent)).toMatchObject({ assigned: 4, seen: 1, vanished: 3, forwarded: 1 });
    expect(await values()).toEqual([4]);
    expect(journey.log()).toContain('mails vanished before they were seen');
  });
});

describe('Redis', () => {
  it('that is away while mail comes in costs time and no mail', async () => {
    await journey.redis.kill();
    await send(message(11), message(12));
    await until(
      'copied',
      () => accounting(journey),
      ({ assigned }) => assigned === sent,
    );
    await journey.redis.start();
    await untilAtRestInTheEnd();
    expect(await values()).toEqual(expect.arrayContaining([11, 12]));
  });

  it('that is emptied while deliveries wait needs no restore', async () => {
    journey.world.ckis.faults.outage(true);
    await send(message(13), message(14));
    await until(
      'waiting for cKIS',
      () => deliveries(journey),
      (all) => all.some(({ reason }) => reason === 'card.busy'),
    );
    expect(await journey.redis.command('FLUSHALL')).toBe('+OK');
    journey.world.ckis.faults.outage(false);
    await untilAtRestInTheEnd();
    expect(await values()).toEqual(expect.arrayContaining([13, 14]));
  });
});

describe('PostgreSQL', () => {
  it('whose connections are cut again and again in the midst of work loses nothing and doubles nothing', async () => {
    const numbers = Array.from({ length: 20 }, (_, index) => 200 + index);
    const sending = send(...numbers.map(message));
    // Our own connections are among those that are cut.
    const look = () => accounting(journey).catch(() => ({ forwarded: 0, waiting: 1 }));
    for (let cut = 0; cut < 6; cut += 1) {
      const seen = (await look()).forwarded;
      await journey.sql(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = 'zorgkoerier_worker'`,
      );
      await letTimePass(journey);
      await until('some work', look, ({ forwarded, waiting }) => forwarded > seen || waiting === 0);
    }
    await sending;
    await untilAtRestInTheEnd();
    const { results } = await cardOf(journey.world.ckis, KAREL);
    const ours = results.filter(({ value }) => Number(value) >= 200 && Number(value) < 300);
    expect(ours.map(({ value }) => Number(value)).sort()).toEqual(numbers);
    expect(ours.every(({ versions }) => versions === 1)).toBe(true);
    expect(journey.log()).toMatch(/ledger connection lost|ledger\.unreachable/);
  });
});

describe('cKIS', () => {
  it('that is out of order makes reports wait without spending an attempt', async () => {
    const { faults } = journey.world.ckis;
    faults.outage(true);
    await send(message(31), message(32));
    await until(
      'both tried or behind',
      () => deliveries(journey),
      (all) => all.some(({ reason }) => reason === 'card.busy'),
    );
    expect((await deliveries(journey)).every(({ attempts }) => attempts === 0)).toBe(true);
    expect(await accounting(journey)).toMatchObject({ waiting: 2, held: 0, difference: 0 });
    faults.outage(false);
    await untilAtRestInTheEnd();
    expect(await values()).toEqual(expect.arrayContaining([31, 32]));
  });

  const lost: readonly (readonly [string, Fault])[] = [
    ['says nothing', { kind: 'silence-after-commit' }],
    ['hangs up', { kind: 'reset-after-commit' }],
    ['answers 500', { kind: 'fail-after-commit', status: 500 }],
  ];
  it.each(lost)('that takes a report and then %s has it once, after we asked', async (_, fault) => {
    journey.world.ckis.faults.next(fault);
    const value = 40 + sent;
    await send(message(value));
    await until('uncertain', last, ({ state }) => state === 'uncertain' || state === 'forwarded');
    await untilAtRest(journey, sent);
    expect(await last()).toMatchObject({ state: 'forwarded', attempts: 1 });
    const { results } = await cardOf(journey.world.ckis, KAREL);
    expect(results.filter((result) => result.value === String(value))).toMatchObject([{ versions: 1 }]);
  });

  it('that does not pass a result on to cBoards raises an alarm and does not hold the mail back', async () => {
    const { propagation } = journey.world.ckis;
    propagation.enabled = false;
    await send(message(51));
    await untilAtRest(journey, sent);
    expect(await last()).toMatchObject({ state: 'forwarded' });
    const board = (await deliveries(journey)).findLast(({ target }) => target === 'board');
    expect(board).toMatchObject({ state: 'held', reason: 'board.not-propagated' });
    const alarms = journey
      .log()
      .split('\n')
      .filter((line) => line.includes('board.not-propagated'));
    expect(alarms.map((line) => JSON.parse(line))).toMatchObject([{ level: 50, deliveryId: board?.id }]);
    expect((await accounting(journey)).held).toBe(0);
    propagation.enabled = true;
    await propagation.catchUp();
  });
});

describe('a mailbox that the server renumbers', () => {
  it('is read again: what was delivered is a duplicate, what is new is delivered', async () => {
    const { zorgmail } = practice('linde');
    const [known, fresh] = [message(61), message(62)];
    await send(known);
    await untilAtRest(journey, sent);
    const before = await accounting(journey);
    await journey.world.zorgmail.recreateMailbox(zorgmail);
    // A connection from before sees the old folder for as long as it lives; a server that restores one ends it.
    journey.world.proxy.sayBye('restored');
    for (const payload of [known, fresh]) {
      await journey.world.zorgmail.append(zorgmail, mailOf(payload, zorgmail), systemClock.now());
      sent += 1;
    }
    const sum = await untilAtRest(journey, sent);
    expect(sum.duplicate - before.duplicate).toBe(1);
    expect(sum.forwarded - before.forwarded).toBe(1);
    expect((await values()).filter((value) => value === 61 || value === 62)).toEqual([61, 62]);
    expect(journey.log()).toContain('mailbox.renumbered');
  });

  it('before all was copied counts the old numbers as vanished and the mails under their new ones', async () => {
    await journey.stopWorkers();
    const { zorgmail } = practice('brug');
    const brug = await journey.practice('brug');
    const payload = medlab({ bsn: SJOERD, labNumber: '26159999', to: zorgmail });
    const since = new Date(systemClock.now().getTime() - 1_000);
    await journey.send('brug', payload);
    await disableForwarding(journey.courier, brug, 'test');
    const request = { name: 'forwarding', mode: 'live', authorisedBy: 'a', authorisedOn: '2026-11-01' } as const;
    await enableForwarding(journey.courier, brug, { ...request, determinations: 'all', since }, true, 'test');
    sent = (await accounting(journey)).assigned;
    const before = await accounting(journey);
    expect(before.waiting).toBeGreaterThan(0);

    await journey.world.zorgmail.recreateMailbox(zorgmail);
    await journey.world.zorgmail.append(zorgmail, mailOf(payload, zorgmail), systemClock.now());
    sent += 1;
    await journey.startWorker();
    // The first epoch was closed by hand with this mail uncopied: that one waits for its 7 days.
    const sum = await until(
      'read again',
      () => accounting(journey),
      ({ assigned, forwarded }) => assigned === sent && forwarded > before.forwarded,
    );
    expect(sum.vanished - before.vanished).toBe(1);
    expect(sum.difference).toBe(0);
    expect(await resultsOf(journey.world.ckis, SJOERD)).toEqual(['Kreatinine 78 final']);
  });

  it('was never written to', () => {
    expect(forbiddenCommands(journey.world.proxy.commands())).toEqual([]);
  });
});

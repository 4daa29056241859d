import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addMailboxTo,
  disableForwarding,
  enableForwarding,
  pauseForwarding,
  replacePassword,
} from '../../src/pipeline/pipeline.ts';
import { type EnableRequest, integrationOf, lockMailboxesOf, setMailboxPassword } from '../../src/practice/practice.ts';
import { systemClock } from '../../src/shared/clock.ts';
import type { MailboxId } from '../../src/shared/ids.ts';
import { mailOf, medlab, practice } from '../support/medlab.ts';
import { accounting, cardOf, deliveries, untilAtRest } from '../support/observe.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

/** Switching as a person does it who does not say everything again, and mailboxes that come, close and come back. */

let journey: Journey;
/** Assigned so far, over all mailboxes. */
let sent = 0;
let labNumber = 26_240_000;

beforeAll(async () => {
  journey = await startJourney();
});
afterAll(() => journey.release());

const KAREL = '999911120';
const values = async () => (await cardOf(journey.world.ckis, KAREL)).results.map(({ value }) => value);
const linde = () => journey.practice('linde');

function message(value: string, to = '500088001') {
  labNumber += 1;
  return medlab({ bsn: KAREL, labNumber: String(labNumber), to, results: [{ value }] });
}

/** `practice enable P forwarding`, and nothing more than what is given. */
const AS_IT_WAS: EnableRequest = {
  name: 'forwarding',
  mode: null,
  authorisedBy: null,
  authorisedOn: null,
  determinations: null,
  since: null,
};
const LIVE = { mode: 'live', authorisedBy: 'a', authorisedOn: '2026-11-01', determinations: 'all' } as const;

async function enable(given: Partial<EnableRequest> = {}, key: 'linde' | 'anker' | 'brug' = 'linde') {
  const request = { ...AS_IT_WAS, ...given };
  const who = await journey.practice(key);
  const enabled = await enableForwarding(journey.courier, who, request, request.since !== null, 'test');
  expect(enabled.refusal).toBeNull();
  return enabled.mailboxes;
}

const disable = async () => expect(await disableForwarding(journey.courier, await linde(), 'test')).toBeNull();
const forwarding = async () => integrationOf(journey.courier.ledger, (await linde()).id, 'forwarding');

const accountOf = (zorgmail: string, name: string) => ({
  ...journey.world.zorgmail.mailboxAccount(zorgmail),
  name,
  kind: 'practice' as const,
  port: journey.world.proxy.port,
});

const openEpochs = (name: string) =>
  journey.sql<{ start_uid: string }>(
    'select e.start_uid from epoch e join mailbox m on m.id = e.mailbox_id where m.name = $1 and e.closed_at is null',
    [name],
  );

/** In whole seconds, as INTERNALDATE has them. */
function thisSecond(): Date {
  const now = systemClock.now();
  now.setMilliseconds(0);
  return now;
}

describe('a live practice that is paused', () => {
  it('is live again when it is enabled without a word more, and what was parked is delivered to the card', async () => {
    await journey.startWorker();
    const before = await forwarding();
    await pauseForwarding(journey.courier, await linde(), 'test');
    await journey.send('linde', message('201'));
    sent += 1;
    await until(
      'parked',
      () => deliveries(journey),
      (all) => all.some(({ is_parked }) => is_parked),
    );
    await enable();
    expect(await forwarding()).toEqual({ ...before, state: 'enabled', mode: 'live' });
    expect(await untilAtRest(journey, sent)).toMatchObject({ forwarded: 1, shadowed: 0 });
    expect(await values()).toEqual(['201']);
  });

  it('resumes while the server of its mailbox is away', async () => {
    await pauseForwarding(journey.courier, await linde(), 'test');
    const openMailbox = async () => Promise.reject(new Error('the server is away'));
    const away = { ...journey.courier, openMailbox };
    expect(await enableForwarding(away, await linde(), AS_IT_WAS, false, 'test')).toMatchObject({ refusal: null });
    expect(await forwarding()).toMatchObject({ state: 'enabled', mode: 'live' });
  });
});

describe('mail that was announced and not copied when its practice was disabled', () => {
  it('is copied when the practice is enabled again, is not discarded after 7 days, and the accounting closes', async () => {
    await journey.stopWorkers();
    await journey.send('linde', message('202'), message('203'));
    sent += 2;
    await disable();
    expect(await accounting(journey)).toMatchObject({ assigned: sent, waiting: 2, difference: 0 });
    await journey.sql(`update epoch set closed_at = now() - interval '8 days' where closed_at is not null`);
    await enable(LIVE);
    expect(await accounting(journey)).toMatchObject({ assigned: sent, waiting: 2, difference: 0 });

    await journey.startWorker();
    expect(await untilAtRest(journey, sent)).toMatchObject({ discarded: 0, vanished: 0 });
    expect(await values()).toEqual(expect.arrayContaining(['202', '203']));
    const dates = await journey.sql('select 1 from mail where internal_date is null');
    expect(dates).toEqual([]);
  });

  it('counts as vanished where the HIS took it meanwhile', async () => {
    await journey.stopWorkers();
    await journey.send('linde', message('204'));
    sent += 1;
    await disable();
    await journey.world.zorgmail.hisOfBoth('500088001').collectAndRemove();
    await enable(LIVE);
    await journey.startWorker();
    expect(await untilAtRest(journey, sent)).toMatchObject({ vanished: 1 });
    expect(await values()).not.toContain('204');
  });

  it('counts as vanished where the server has numbered the mailbox anew', async () => {
    await journey.stopWorkers();
    await journey.send('linde', message('205'), message('206'));
    sent += 2;
    await disable();
    await journey.world.zorgmail.recreateMailbox('500088001');
    await enable(LIVE);
    expect(await accounting(journey)).toMatchObject({ assigned: sent, waiting: 0, vanished: 3, difference: 0 });
    await journey.startWorker();
    expect(await untilAtRest(journey, sent)).toMatchObject({ vanished: 3 });
  });
});

describe('a mailbox that is added to a practice', () => {
  it('that is switched on is copied from that moment on by the worker that runs', async () => {
    const { zorgmail } = journey.world;
    const anHourAgo = new Date(systemClock.now().getTime() - 3_600_000);
    await zorgmail.append('500088003-twin', mailOf(message('207'), '500088001'), anHourAgo);
    const copy = { ...accountOf('500088003-twin', 'tweede'), kind: 'copy' as const };
    expect(await addMailboxTo(journey.courier, await linde(), copy, 'test')).toEqual({ isWatched: true });
    await until(
      'an owner',
      () => journey.sql<{ owner_id: string | null }>(`select owner_id from mailbox where name = 'tweede'`),
      ([row]) => row?.owner_id != null,
    );
    await zorgmail.append('500088003-twin', mailOf(message('208'), '500088001'), systemClock.now());
    sent += 1;
    await untilAtRest(journey, sent);
    expect(await values()).toContain('208');
    expect(await values()).not.toContain('207');
  });

  it('that cannot be looked into is not added', async () => {
    const wrong = { ...accountOf('500088003-twin', 'derde'), port: 1 };
    await expect(addMailboxTo(journey.courier, await linde(), wrong, 'test')).rejects.toMatchObject({
      code: expect.stringMatching(/^mailbox\./),
    });
    expect(await journey.sql(`select 1 from mailbox where name = 'derde'`)).toEqual([]);
  });

  it('of a name that another mailbox has is refused before anybody logs in', async () => {
    const other = { ...accountOf('500088003', 'tweede') };
    const openMailbox = async () => Promise.reject(new Error('nobody logs in'));
    await expect(
      addMailboxTo({ ...journey.courier, openMailbox }, await journey.practice('brug'), other, 'test'),
    ).rejects.toMatchObject({ code: 'practice.mailbox-differs', fields: { differs: 'username' } });
  });
});

describe('enabling with --since where the mailbox is being read already', () => {
  it('takes what was there before, once, also when it is asked twice', async () => {
    await disable();
    const since = thisSecond();
    await journey.send('linde', message('209'), message('210'));
    expect(await enable(LIVE)).toMatchObject([{ mailbox: 'linde', isNew: true, listed: 0 }, { mailbox: 'tweede' }]);
    expect(await enable({ since })).toMatchObject([{ mailbox: 'linde', isNew: false, listed: 2 }, { listed: 0 }]);
    expect(await enable({ since })).toMatchObject([{ listed: 0 }, { listed: 0 }]);
    sent += 2;
    await untilAtRest(journey, sent);
    expect(await values()).toEqual(expect.arrayContaining(['209', '210']));
    await enable({ since });
    expect(await accounting(journey)).toMatchObject({ assigned: sent, waiting: 0, difference: 0 });
  });
});

describe('enabling a practice with two mailboxes', () => {
  it('opens none where one of them cannot be looked into', async () => {
    await disable();
    await journey.sql(`update mailbox set port = 1 where name = 'tweede'`);
    const asked = enableForwarding(journey.courier, await linde(), { ...AS_IT_WAS, ...LIVE }, false, 'test');
    await expect(asked).rejects.toMatchObject({ code: expect.stringMatching(/^mailbox\./) });
    expect(await openEpochs('linde')).toEqual([]);
    expect(await forwarding()).toMatchObject({ state: 'disabled' });
    await journey.sql(`update mailbox set port = $1 where name = 'tweede'`, [journey.world.proxy.port]);
    await enable(LIVE);
    expect([await openEpochs('linde'), await openEpochs('tweede')]).toMatchObject([[{}], [{}]]);
  });
});

describe('two practices that share a mailbox and are disabled at the same moment', () => {
  it('leave it closed: the second sees what the first did', async () => {
    const { courier } = journey;
    const [one, other] = [await linde(), await journey.practice('anker')];
    await addMailboxTo(courier, other, { ...accountOf('500088003-twin', 'tweede'), kind: 'copy' }, 'test');
    for (const _ of [1, 2, 3]) {
      await Promise.all([disableForwarding(courier, one, 'a'), disableForwarding(courier, other, 'b')]);
      expect(await openEpochs('tweede')).toEqual([]);
      await enable(LIVE);
      await enable(LIVE, 'anker');
    }
  });

  it('wait for whoever holds the mailbox', async () => {
    const { courier } = journey;
    const other = await journey.practice('anker');
    let disabling: Promise<unknown> = Promise.resolve();
    await courier.ledger.transaction(async (tx) => {
      await lockMailboxesOf(tx, (await linde()).id);
      disabling = disableForwarding(courier, other, 'b');
      await until(
        'a lock waited for',
        () =>
          journey.sql(`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`),
        (waiting) => waiting.length > 0,
      );
      expect(await integrationOf(courier.ledger, other.id, 'forwarding')).toMatchObject({ state: 'enabled' });
    });
    expect(await disabling).toBeNull();
  });
});

// Last: a server that was given a wrong password lets everybody wait for a while.
describe('a new password', () => {
  const trouble = () => journey.sql<{ trouble: string | null }>(`select trouble from mailbox where name = 'linde'`);

  it('reaches the worker that reads the mailbox; one that the server refuses is not stored', async () => {
    const { courier } = journey;
    const who = await linde();
    const [row] = await journey.sql<{ id: MailboxId }>(`select id from mailbox where name = 'linde'`);
    const where = { mailboxId: row?.id as MailboxId, practiceId: who.id };
    await courier.ledger.transaction((tx) => setMailboxPassword(tx, courier.keys, where, 'out of date', 'test'));
    await until('refused', trouble, ([mailbox]) => mailbox?.trouble === 'mailbox.login-refused');

    const { password } = journey.world.zorgmail.mailboxAccount(practice('linde').zorgmail);
    await expect(replacePassword(courier, who, 'linde', 'wrong', 'sanne')).rejects.toMatchObject({
      code: 'mailbox.login-refused',
    });
    await expect(replacePassword(courier, who, 'nergens', password, 'sanne')).rejects.toMatchObject({
      code: 'practice.unknown-mailbox',
    });
    await journey.send('linde', message('211'));
    sent = (await accounting(journey)).assigned + 1;
    await replacePassword(courier, who, 'linde', password, 'sanne');
    await untilAtRest(journey, sent, 40_000);
    expect(await values()).toContain('211');
    expect(await trouble()).toEqual([{ trouble: null }]);
    expect(await journey.sql(`select actor from audit where event = 'mailbox.password-set' order by id`)).toEqual([
      { actor: 'test' },
      { actor: 'sanne' },
    ]);
  });
});

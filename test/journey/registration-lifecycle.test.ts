import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditRows } from '../../src/audit/audit.ts';
import {
  acceptRegistration,
  disableRegistrations,
  enableRegistrations,
  pauseRegistrations,
  recoverRestored,
  retryRegistration,
  shredPractice,
} from '../../src/pipeline/pipeline.ts';
import { addPractice, type EnableRequest, type Practice } from '../../src/practice/practice.ts';
import { findRegistration, REFERENCES_LOST } from '../../src/records/records.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { newId, type SourceId } from '../../src/shared/ids.ts';
import { practice as sandboxPractice } from '../support/medlab.ts';
import {
  addSource,
  arrived,
  auditOf,
  keepReceipt,
  minutesLater,
  post,
  posted,
  seen,
  untilState,
} from '../support/registrations.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

/** What persons and time do to registrations, with a real relay, a worker and the mailbox of the practice's HIS. */

let journey: Journey;
let source: SourceId;
let linde: Practice;
let brug: Practice;
const PETRA = '999990019';
const ANEW = { by: 'sanne', reason: 'gebeld met de praktijk', anew: true };
const AGAIN = { ...ANEW, anew: false };
const LIVE: EnableRequest = {
  ...{ name: 'registrations', mode: 'live', authorisedBy: 'P. Praktijkhouder', authorisedOn: '2026-11-20' },
  ...{ determinations: null, since: null },
};
const RESUME: EnableRequest = { ...LIVE, mode: null, authorisedBy: null, authorisedOn: null };

beforeAll(async () => {
  journey = await startJourney({ isRegistered: false });
  source = await addSource(journey);
  [linde, brug] = [await registered('linde'), await registered('brug')];
});
afterAll(() => journey.release());

async function registered(key: 'linde' | 'brug'): Promise<Practice> {
  const sandbox = sandboxPractice(key);
  const { ledger } = journey.courier;
  await ledger.transaction((tx) => addPractice(tx, { ...sandbox, accounts: [sandbox.zorgmail] }, 'klantenservice'));
  const practice = await journey.practice(key);
  expect(await enableRegistrations(ledger, practice, LIVE, 'sanne')).toBeNull();
  return practice;
}

const references = async (id: string) =>
  (await seen(journey, id)).parts.map(({ controlReference }) => controlReference);
const sentWith = (reference: string | undefined) =>
  journey.world.relay.mails().filter(({ raw }) => raw.toString('latin1').includes(`Registratie ${reference}`)).length;
const isParked = async (id: string) =>
  (await journey.sql<{ is_parked: boolean }>('select is_parked from registration where id = $1', [id]))[0]?.is_parked;
async function held(text: string, replies = 1): Promise<string> {
  journey.world.relay.fail({ at: 'rcpt', act: { reply: 550 } }, replies);
  const id = await post(journey, source, posted({ text }));
  await untilState(journey, id, 'held');
  return id;
}

describe('a practice that pauses, resumes and leaves', () => {
  it('has nothing sent while it is paused, all of it once it resumes, and nothing dropped when it is disabled', async () => {
    const { ledger } = journey.courier;
    await journey.startWorker();
    await pauseRegistrations(ledger, linde, 'sanne');
    const id = await post(journey, source, posted({ text: 'Tijdens de pauze.' }));
    await until(
      'parked',
      () => isParked(id),
      (parked) => parked === true,
    );
    await enableRegistrations(ledger, linde, RESUME, 'sanne');
    expect(await arrived(journey, 'linde', await untilState(journey, id, 'sent'))).toHaveLength(1);

    await pauseRegistrations(ledger, linde, 'sanne');
    const waits = await post(journey, source, posted({ text: 'Nog niet verstuurd.' }));
    await until(
      'parked',
      () => isParked(waits),
      (parked) => parked === true,
    );
    expect(await disableRegistrations(ledger, linde, 'sanne')).toEqual({ refusal: null, held: 1 });
    expect(await seen(journey, waits)).toMatchObject({ state: 'held', reason: 'registration.switched-off' });
    expect(await acceptRegistration(journey.courier, source, newId(), posted())).toEqual({ kind: 'not-enabled' });
    await expect(retryRegistration(journey.courier, waits, AGAIN)).rejects.toMatchObject({
      code: 'decision.switched-off',
    });

    await enableRegistrations(ledger, linde, LIVE, 'sanne');
    await retryRegistration(journey.courier, waits, AGAIN);
    expect(await arrived(journey, 'linde', await untilState(journey, waits, 'sent'))).toHaveLength(1);
    expect(await auditOf(journey, waits)).toEqual(
      ['accepted', 'held', 'retried', 'rendered', 'sent'].map((event) => `registration.${event}`),
    );
  });
});

describe('a registration that the relay refused', () => {
  it('goes again by the same bytes under the same control reference', async () => {
    const id = await held('Zelfde bytes.');
    const before = await references(id);
    await retryRegistration(journey.courier, id, AGAIN);
    expect(await arrived(journey, 'linde', await untilState(journey, id, 'sent'))).toHaveLength(1);
    expect(await references(id)).toEqual(before);
  });

  it('goes anew under another, and nothing more of the former', async () => {
    const id = await held('Nieuwe kenmerken.');
    const [before] = await references(id);
    await retryRegistration(journey.courier, id, ANEW);
    const view = await untilState(journey, id, 'sent');
    expect(view.parts.map(({ controlReference }) => controlReference)).not.toContain(before);
    expect(await arrived(journey, 'linde', view)).toHaveLength(1);
    expect(sentWith(before)).toBe(0);
    const states = await journey.sql('select state from outward_mail where registration_id = $1 order by rendering', [
      id,
    ]);
    expect(states).toEqual([{ state: 'superseded' }, { state: 'sent' }]);
  });

  it('only goes anew once the HIS has another form, and then in that', async () => {
    const id = await held('Eén patiënt.');
    const receiver = { account: null, charset: 'latin1' as const, blankLine: null };
    await enableRegistrations(journey.courier.ledger, linde, { ...RESUME, receiver }, 'sanne');
    await expect(retryRegistration(journey.courier, id, AGAIN)).rejects.toMatchObject({
      code: 'decision.receiver-changed',
    });
    await retryRegistration(journey.courier, id, ANEW);
    const [message] = await arrived(journey, 'linde', await untilState(journey, id, 'sent'));
    expect(message?.lines.join('\n')).toContain('Eén patiënt.');
  });
});

describe('the audit of a patient', () => {
  it('has every step of their registrations, and what persons decided', async () => {
    const key = await journey.courier.keys.mac('patient', PETRA);
    const events: string[] = [];
    for await (const rows of auditRows(journey.courier.ledger, { kind: 'patient', key }))
      events.push(...rows.map(({ event }) => event));
    expect([...new Set(events)].sort()).toEqual(
      ['accepted', 'held', 'rendered', 'retried', 'sent'].map((event) => `registration.${event}`),
    );
    const other = await journey.courier.keys.mac('patient', '999911120');
    for await (const rows of auditRows(journey.courier.ledger, { kind: 'patient', key: other }))
      expect(rows).toEqual([]);
  });
});

describe('a ledger that was restored from a backup', () => {
  it('sends nothing twice of which a receipt comes, and gives out no control reference of the lost time', async () => {
    await journey.stopWorkers();
    journey.world.relay.fail({ at: 'rcpt', act: { reply: 450 } }, 1);
    const worker = await journey.startWorker();
    const id = await post(journey, source, posted({ text: 'Rond de back-up.' }));
    await until(
      'asked in vain',
      () => journey.sql(`select 1 from registration where id = $1 and state = 'queued' and attempts = 1`, [id]),
      (rows) => rows.length === 1,
    );
    await worker.release(5_000);
    const backup = await backUp();
    await minutesLater(journey);
    const after = await journey.startWorker();
    await untilState(journey, id, 'sent');
    const lost = await post(journey, source, posted({ text: 'Na de back-up.' }));
    await untilState(journey, lost, 'sent');
    await after.release(5_000);
    const [reference] = await references(id);
    const [lostReference = ''] = await references(lost);
    const lastOf = async () =>
      Number((await journey.sql<{ next: string }>('select next from control_reference'))[0]?.next);

    await backup.restore();
    expect(await findRegistration(journey.courier.ledger, null, lost)).toBeNull();
    const before = await lastOf();
    expect(await recoverRestored(journey.courier, backup.at, 'sanne')).toMatchObject({
      registrations: 1,
      outwardMails: 1,
    });
    expect(await lastOf()).toBe(before + REFERENCES_LOST);
    const [audited] = await journey.sql(
      `select fields ->> 'registrations' as registrations, fields ->> 'outwardMails' as mails, fields ->> 'referencesLost' as lost
       from audit where event = 'ledger.restored'`,
    );
    expect(audited).toEqual({ registrations: '1', mails: '1', lost: String(REFERENCES_LOST) });

    await journey.startWorker();
    await untilState(journey, id, 'uncertain');
    await keepReceipt(journey, id);
    await minutesLater(journey);
    await untilState(journey, id, 'delivered');
    expect(await references(id)).toEqual([reference]);
    expect(sentWith(reference)).toBe(1);
    // Posted again by its source, under a key that the ledger does not know any more.
    const again = await post(journey, source, posted({ text: 'Na de back-up.' }));
    await untilState(journey, again, 'sent');
    const [fresh = ''] = await references(again);
    expect(fresh > lostReference).toBe(true);
    expect(sentWith(lostReference)).toBe(1);
  });
});

describe('a practice whose keys are destroyed', () => {
  it('has what waits discarded, takes and sends nothing more, until a person enables it again', async () => {
    const { ledger } = journey.courier;
    await pauseRegistrations(ledger, brug, 'sanne');
    const id = await post(journey, source, posted({ to: 'brug', bsn: '999986296' }));
    await until(
      'parked',
      () => isParked(id),
      (parked) => parked === true,
    );
    await disableRegistrations(ledger, brug, 'sanne');
    expect(await shredPractice(ledger, brug, { by: 'sanne', reason: 'praktijk is gestopt' })).toMatchObject({
      discarded: 1,
    });
    expect(await seen(journey, id)).toMatchObject({ state: 'discarded', reason: 'practice.shredded', parts: [] });
    const again = () => acceptRegistration(journey.courier, source, newId(), posted({ to: 'brug', bsn: '999986296' }));
    expect(await again()).toEqual({ kind: 'not-enabled' });
    // Also where the row says that it is switched on, by whatever hand: nothing can be sealed. Whoever serves hears of it.
    journey.courier.keys.forget();
    await journey.sql(`update integration set state = 'enabled', disabled_at = null where practice_id = $1`, [brug.id]);
    expect(await again()).toEqual({ kind: 'not-enabled' });
    await disableRegistrations(ledger, brug, 'sanne');
    await enableRegistrations(ledger, brug, LIVE, 'sanne');
    journey.courier.keys.forget();
    const answer = await again();
    if (answer.kind !== 'accepted') throw new Error(answer.kind);
    expect(await arrived(journey, 'brug', await untilState(journey, answer.registration.id, 'sent'))).toHaveLength(1);
  });

  it('has nothing kept that nobody could open, by a process that missed that they were', async () => {
    const { ledger } = journey.courier;
    const body = posted({ to: 'brug', bsn: '999986296', text: 'Onder een nieuwe sleutel.' });
    const again = () => acceptRegistration(journey.courier, source, newId(), body);
    await disableRegistrations(ledger, brug, 'sanne');
    await shredPractice(ledger, brug, { by: 'sanne', reason: 'verkeerde sleutel' });
    await enableRegistrations(ledger, brug, LIVE, 'sanne');
    // This process listens to nobody: what it has in memory is the key that was destroyed.
    const before = await journey.sql('select 1 from registration');
    await expect(again()).rejects.toMatchObject({ code: 'keys.destroyed-meanwhile', kind: 'transient' });
    expect(await journey.sql('select 1 from registration')).toHaveLength(before.length);
    const answer = await again();
    if (answer.kind !== 'accepted') throw new Error(answer.kind);
    const view = await untilState(journey, answer.registration.id, 'sent');
    const [message] = await arrived(journey, 'brug', view);
    expect(message?.lines.join(' ')).toContain('Onder een nieuwe sleutel.');
  });
});

/** A copy of every table, put back in one transaction: what a restored PostgreSQL holds. */
async function backUp(): Promise<{ readonly at: Date; restore(): Promise<void> }> {
  const rows = await journey.sql<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' order by 1`,
  );
  const names = rows.map(({ name }) => name);
  const copies = names.map((name) => `create table backup.${name} as table public.${name};`);
  await journey.sql(`create schema backup; ${copies.join(' ')}`);
  const back = names.map((name) => `insert into ${name} overriding system value table backup.${name};`);
  return {
    at: systemClock.now(),
    restore: async () =>
      void (await journey.sql(
        `begin; set local session_replication_role = replica; truncate ${names.join(', ')}; ${back.join(' ')} commit;`,
      )),
  };
}

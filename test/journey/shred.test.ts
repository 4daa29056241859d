/** Keys that are destroyed: what stood under them is gone, what waited rests, and the books still close. */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addMailboxTo,
  disableForwarding,
  enableForwarding,
  openMail,
  pauseForwarding,
  replayMails,
  settleReplayed,
  shredMailbox,
  shredPractice,
} from '../../src/pipeline/pipeline.ts';
import { findMailbox, mailboxesOf } from '../../src/practice/practice.ts';
import { heldItems, mailOutcomes } from '../../src/records/records.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { mailOf, medlab, practice } from '../support/medlab.ts';
import { accounting, deliveries, untilAtRest } from '../support/observe.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

let journey: Journey;
let sent = 0;

beforeAll(async () => {
  journey = await startJourney();
  await journey.startWorker();
});
afterAll(() => journey.release());

const KAREL = '999911120';
const ELS = '999918606';
const SJOERD = '999986296';
const act = { by: 'sanne', reason: 'contract beëindigd' };
const fixture = (name: string) => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));
const LIVE = {
  name: 'forwarding' as const,
  mode: 'live' as const,
  authorisedBy: 'praktijkhouder',
  authorisedOn: '2026-11-01',
  determinations: 'all' as const,
  since: null,
};
const newAccount = (key: 'linde' | 'anker', name: string) => {
  const account = journey.world.zorgmail.mailboxAccount(practice(key).zorgmail);
  return { ...account, name, kind: 'practice' as const, port: journey.world.proxy.port };
};
const cards = async () =>
  (await deliveries(journey))
    .filter(({ target }) => target === 'patient-card')
    .map(({ state, reason }) => [state, reason]);
const kept = () =>
  journey.sql<{ reports: number; mails: number }>(
    `select (select count(*)::int from report where content is not null) as reports, (select count(*)::int from mail where content is not null) as mails`,
  );

describe('a practice that is shredded', () => {
  const { zorgmail } = practice('linde');
  const first = medlab({ bsn: KAREL, labNumber: '26320001', to: zorgmail });

  it('is refused while forwarding is enabled or paused, and nothing happens', async () => {
    await journey.send('linde', first, medlab({ bsn: KAREL, labNumber: '26320002', from: '500099777', to: zorgmail }));
    await journey.send('linde', fixture('rejected/truncated.edi'));
    sent += 3;
    expect(await untilAtRest(journey, sent)).toMatchObject({ forwarded: 1, held: 1, quarantined: 1 });
    const linde = await journey.practice('linde');
    const refused = { code: 'practice.still-forwarding', fields: { agb: linde.agb } };
    await expect(shredPractice(journey.courier.ledger, linde, act)).rejects.toMatchObject(refused);
    await pauseForwarding(journey.courier, linde, 'sanne');
    await expect(shredPractice(journey.courier.ledger, linde, act)).rejects.toMatchObject(refused);
    expect(await kept()).toEqual([{ reports: 2, mails: 3 }]);
  });

  it('is refused while the card may have taken something: only the card knows', async () => {
    const linde = await journey.practice('linde');
    // Waits, since the practice is paused.
    await journey.send('linde', medlab({ bsn: KAREL, labNumber: '26320003', to: zorgmail }));
    sent += 1;
    const parked = () => journey.sql<{ id: string }>('select id from delivery where is_parked');
    const [{ id } = { id: '' }] = await until('parked', parked, (rows) => rows.length === 1);
    await journey.stopWorkers();
    // One more comes that nobody copies any more.
    await journey.send('linde', medlab({ bsn: KAREL, labNumber: '26320004', to: zorgmail }));
    sent += 1;
    await disableForwarding(journey.courier, linde, 'sanne');
    await journey.sql(`update delivery set state = 'uncertain' where id = $1`, [id]);
    const refused = shredPractice(journey.courier.ledger, linde, act);
    await expect(refused).rejects.toMatchObject({ code: 'practice.under-way', fields: { count: 1 } });
    expect(await kept()).toEqual([{ reports: 3, mails: 4 }]);
    expect(await journey.sql('select 1 from data_key where destroyed_at is not null')).toEqual([]);
    await journey.sql(`update delivery set state = 'ready' where id = $1`, [id]);
  });

  it('leaves nothing to read, nothing waiting and nothing held; digests, outcomes, accounting and audit stay', async () => {
    const linde = await journey.practice('linde');
    const [mailbox] = await mailboxesOf(journey.courier.ledger, linde.id);
    const unread = mailOf(medlab({ bsn: KAREL, labNumber: '26320005', to: zorgmail }), zorgmail);
    const source = { mailboxId: mailbox?.id ?? null, mails: [{ raw: unread, internalDate: systemClock.now() }] };
    const replayed = await replayMails(journey.courier, source, 'sanne');
    const [forwarded] = await deliveries(journey);
    expect(await accounting(journey)).toMatchObject({ assigned: sent, waiting: 2, difference: 0 });

    const answer = await shredPractice(journey.courier.ledger, linde, act);
    // Held, quarantined, parked; not copied, not read.
    expect(answer).toMatchObject({ mailboxes: ['linde'], shared: [], discarded: 5 });
    expect(answer.keys).toBe(2);
    expect(await kept()).toEqual([{ reports: 0, mails: 0 }]);
    expect(await heldItems(journey.courier.ledger, null)).toEqual([]);
    expect(await cards()).toEqual([
      ['forwarded', null],
      ['discarded', 'practice.shredded'],
      ['discarded', 'practice.shredded'],
      ['discarded', 'practice.shredded'],
    ]);
    expect(await accounting(journey)).toMatchObject({
      assigned: sent,
      waiting: 0,
      forwarded: 1,
      discarded: 4,
      difference: 0,
    });
    expect((await mailOutcomes(journey.courier.ledger, replayed.mailIds))[0]?.outcome).toBe('discarded');
    expect(await openMail(journey.courier, forwarded?.mail_id ?? '')).toMatchObject({ kind: 'erased' });
    const audited = await journey.sql(
      `select actor, reason, fields from audit where event = 'practice.shredded' and object_id = $1`,
      [linde.id],
    );
    expect(audited).toEqual([{ actor: 'sanne', reason: act.reason, fields: { keys: 2, mailboxes: 1, discarded: 5 } }]);
    expect(
      await journey.sql(`select 1 from audit where event = 'report.discarded' and reason = 'practice.shredded'`),
    ).toHaveLength(3);
    expect(await journey.sql('select 1 from report where content_digest is not null')).not.toEqual([]);
  });

  it('a second time has nothing left to destroy', async () => {
    const answer = await shredPractice(journey.courier.ledger, await journey.practice('linde'), act);
    expect(answer).toEqual({ keys: 0, mailboxes: [], shared: [], discarded: 0 });
  });

  it('comes back only by a person’s word, with a mailbox of another label and new keys; duplicates are still known', async () => {
    const linde = await journey.practice('linde');
    expect(await enableForwarding(journey.courier, linde, LIVE, false, 'sanne')).toMatchObject({
      refusal: 'no-mailbox',
    });
    await expect(addMailboxTo(journey.courier, linde, newAccount('linde', 'linde'), 'sanne')).rejects.toMatchObject({
      code: 'practice.mailbox-shredded',
    });
    await addMailboxTo(journey.courier, linde, newAccount('linde', 'linde-2'), 'sanne');
    expect(await enableForwarding(journey.courier, linde, LIVE, false, 'sanne')).toMatchObject({ refusal: null });
    await journey.startWorker();
    await journey.send('linde', first, medlab({ bsn: KAREL, labNumber: '26320006', to: zorgmail }));
    sent += 2;
    expect(await untilAtRest(journey, sent)).toMatchObject({ forwarded: 2, duplicate: 1, discarded: 4 });
    await journey.stopWorkers();
  });
});

describe('a mailbox that practices share', () => {
  const [anker, brug] = [practice('anker'), practice('brug')];
  const toAnker = mailOf(medlab({ bsn: ELS, labNumber: '26320011', to: anker.zorgmail }), anker.zorgmail);
  const late = mailOf(medlab({ bsn: ELS, labNumber: '26320012', to: anker.zorgmail }), anker.zorgmail);
  const toBrug = mailOf(medlab({ bsn: SJOERD, labNumber: '26320013', to: brug.zorgmail }), brug.zorgmail);
  const replay = async (raw: Buffer) => {
    const mailbox = await findMailbox(journey.courier.ledger, 'anker');
    const source = { mailboxId: mailbox?.id ?? null, mails: [{ raw, internalDate: systemClock.now() }] };
    const replayed = await replayMails(journey.courier, source, 'sanne');
    return {
      settle: () => settleReplayed(journey.courier, replayed, 20_000),
      mail: async () => (await mailOutcomes(journey.courier.ledger, replayed.mailIds))[0],
      id: replayed.mailIds[0] ?? '',
    };
  };
  const has = async (id: string) => (await openMail(journey.courier, id)).kind;

  it('keeps its keys when one of them is shredded; that one’s mails go, the other’s stay, and what is read later is not kept', async () => {
    await addMailboxTo(journey.courier, await journey.practice('brug'), newAccount('anker', 'anker'), 'sanne');
    const [one, other] = [await replay(toAnker), await replay(toBrug)];
    expect([await one.settle(), await other.settle()]).toEqual([true, true]);
    const unread = await replay(late);
    await disableForwarding(journey.courier, await journey.practice('anker'), 'sanne');
    const answer = await shredPractice(journey.courier.ledger, await journey.practice('anker'), act);
    expect(answer).toMatchObject({ keys: 1, mailboxes: [], shared: ['anker'], discarded: 0 });
    expect([await has(one.id), await has(other.id), await has(unread.id)]).toEqual(['erased', 'mail', 'mail']);

    // Also with the practice's key still in this process's memory, as a worker that heard nothing has it.
    expect(await unread.settle()).toBe(true);
    expect(await unread.mail()).toMatchObject({ outcome: 'discarded', reports: [{ reason: 'practice.shredded' }] });
    expect(await has(unread.id)).toBe('erased');
    expect(await journey.sql('select 1 from report where mail_id = $1 and content is not null', [unread.id])).toEqual(
      [],
    );
  });

  it('is shredded by itself once none of them forwards: its mails and password go, the reports are the practices’ own', async () => {
    const mailbox = await findMailbox(journey.courier.ledger, 'anker');
    if (mailbox === null) throw new Error('the mailbox is there');
    const cut = await replay(fixture('rejected/truncated.edi'));
    await cut.settle();
    expect(await cut.mail()).toMatchObject({ outcome: 'quarantined' });
    const reports = async () => (await kept())[0]?.reports;
    const before = await reports();
    await expect(shredMailbox(journey.courier.ledger, mailbox, act)).rejects.toMatchObject({
      code: 'practice.still-forwarding',
      fields: { agb: brug.agb },
    });
    await disableForwarding(journey.courier, await journey.practice('brug'), 'sanne');
    expect(await shredMailbox(journey.courier.ledger, mailbox, act)).toMatchObject({
      keys: 1,
      mailboxes: ['anker'],
      discarded: 1,
    });
    expect(await cut.mail()).toMatchObject({ outcome: 'discarded', reports: [{ reason: 'ledger.shredded' }] });
    expect(await has(cut.id)).toBe('erased');
    expect(await reports()).toBe(before);
    expect(await mailboxesOf(journey.courier.ledger, (await journey.practice('anker')).id)).toEqual([]);
    expect((await accounting(journey)).difference).toBe(0);
  });
});

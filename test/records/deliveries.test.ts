import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { DELIVERY_STATES, type DeliveryState, isAtRest } from '../../src/ledger/ledger.ts';
import { changeIntegration, enableIntegration } from '../../src/practice/practice.ts';
import {
  claimDeliveries,
  claimDelivery,
  clearUncertain,
  nextOfPatient,
  openDeliveriesOf,
  overdueDeliveries,
  type Postponement,
  postponeDelivery,
  renewLease,
  type Settlement,
  settleDelivery,
} from '../../src/records/records.ts';
import { type DeliveryId, newId } from '../../src/shared/ids.ts';
import { untilBlocked, useLedgers } from '../ledger/ledgers.ts';
import { SHADOW, type WatchedPlace, watchedPlace } from '../practice/places.ts';
import {
  boardAfter,
  copiedMails,
  deliveryIn,
  deliveryRow,
  digest,
  expireLease,
  makeOverdue,
  newReport,
  readAs,
} from './rows.ts';

const ledgers = useLedgers();
let place: WatchedPlace;
beforeAll(async () => {
  place = await watchedPlace(ledgers.worker);
});

const LATER: Postponement = { delayMs: 0, isUncertain: false, isParked: false, isAttemptSpent: false, reason: null };
const FORWARDED: Settlement = { state: 'forwarded', reason: null, detail: null, withheldCount: 2, receipt: { a: 1 } };
const STATES = Object.keys(DELIVERY_STATES) as DeliveryState[];

const claim = (id: string, leaseToken: string = randomUUID()) => claimDelivery(ledgers.worker, id, leaseToken);
const postpone = (id: string, leaseToken: string, how: Partial<Postponement> = {}) =>
  postponeDelivery(ledgers.worker, id, leaseToken, { ...LATER, ...how });
const settle = (id: string, leaseToken: string, how: Partial<Settlement> = {}) =>
  settleDelivery(ledgers.worker, id, leaseToken, { ...FORWARDED, ...how });
const row = (id: string) => deliveryRow(ledgers.owner, id);
const ready = (changes: Parameters<typeof deliveryIn>[3] = {}) => deliveryIn(ledgers, place, 'ready', changes);

describe('claiming a delivery', () => {
  it('takes one that is ready, with all that is needed to deliver it', async () => {
    const report = await ready();
    expect(await claim(report.deliveryId)).toMatchObject({
      kind: 'claimed',
      delivery: {
        id: report.deliveryId,
        target: 'patient-card',
        reportId: report.id,
        mailId: report.mailId,
        mailboxId: place.mailboxId,
        practiceId: place.practice.id,
        source: 'mailbox',
        patientKey: report.patientKey,
        contentDigest: report.contentDigest,
        content: report.content,
        version: report.version,
        overrideCard: null,
        attempts: 0,
      },
    });
    expect(await row(report.deliveryId)).toMatchObject({ state: 'sending' });
  });

  it('gives the second who asks nothing', async () => {
    const { deliveryId } = await ready();
    await claim(deliveryId);
    expect(await claim(deliveryId)).toEqual({ kind: 'nothing' });
  });

  it('whose first claim ran out leaves it uncertain: the card may have it already', async () => {
    const { deliveryId } = await ready();
    const first = randomUUID();
    await claim(deliveryId, first);
    await expireLease(ledgers.owner, 'delivery', deliveryId);
    expect(await claim(deliveryId)).toMatchObject({ kind: 'claimed' });
    expect(await row(deliveryId)).toMatchObject({ state: 'uncertain' });
    expect(await settle(deliveryId, first)).toBe(false);
    await postpone(deliveryId, first, { isAttemptSpent: true });
    expect(await row(deliveryId)).toMatchObject({ state: 'uncertain', attempts: 0 });
  });

  it('leaves alone one that is parked, or is not there', async () => {
    const { deliveryId } = await ready();
    await ledgers.owner.query('update delivery set is_parked = true where id = $1', [deliveryId]);
    expect(await claim(deliveryId)).toEqual({ kind: 'nothing' });
    expect(await claim(randomUUID())).toEqual({ kind: 'nothing' });
  });

  it.each(STATES.filter(isAtRest))('finds nothing to do on one that rests as %s', async (state) => {
    const { deliveryId } = await deliveryIn(ledgers, place, state);
    expect(await claim(deliveryId)).toEqual({ kind: 'nothing' });
    expect(await row(deliveryId)).toMatchObject({ state, lease_token: null });
  });
});

describe('a claim', () => {
  it('that is renewed lasts, also where its time had just passed, until another has it', async () => {
    const { deliveryId } = await ready();
    const [first, second] = [randomUUID(), randomUUID()];
    await claim(deliveryId, first);
    await expireLease(ledgers.owner, 'delivery', deliveryId);
    expect(await renewLease(ledgers.worker, deliveryId, first)).toBe(true);
    expect(await claim(deliveryId, second)).toEqual({ kind: 'nothing' });
    await expireLease(ledgers.owner, 'delivery', deliveryId);
    await claim(deliveryId, second);
    expect(await renewLease(ledgers.worker, deliveryId, first)).toBe(false);
  });

  it('of a job that has a successor is not given; of the latest job it is', async () => {
    const { deliveryId } = await ready();
    await makeOverdue(ledgers.owner, 'delivery', deliveryId);
    await overdueDeliveries(ledgers.worker, 10_000);
    const asJob = (generation: number) => claimDelivery(ledgers.worker, deliveryId, randomUUID(), generation);
    expect(await asJob(1)).toEqual({ kind: 'nothing' });
    expect(await asJob(2)).toMatchObject({ kind: 'claimed' });
  });

  it('that is uncertain is a plain one again once the card was asked, for the worker that has it', async () => {
    const { deliveryId } = await deliveryIn(ledgers, place, 'uncertain');
    const leaseToken = randomUUID();
    expect(await claim(deliveryId, leaseToken)).toMatchObject({ kind: 'claimed', delivery: { isUncertain: true } });
    await clearUncertain(ledgers.worker, deliveryId, randomUUID());
    expect(await row(deliveryId)).toMatchObject({ state: 'uncertain' });
    await clearUncertain(ledgers.worker, deliveryId, leaseToken);
    expect(await row(deliveryId)).toMatchObject({ state: 'sending', lease_token: leaseToken });
  });
});

describe('one patient at a time', () => {
  it('also of many that are claimed together while another claims: only what meets the other waits', async () => {
    const [ours, theirs] = [digest(), digest()];
    const elsewhere = await ready({ patientKey: theirs });
    const reports = [
      await ready({ patientKey: ours }),
      await ready({ patientKey: theirs }),
      await ready({ patientKey: ours }),
    ];
    const wishes = reports.map(({ deliveryId }) => ({ id: deliveryId, leaseToken: randomUUID(), generation: null }));
    let together: ReturnType<typeof claimDeliveries> = Promise.resolve([]);
    await ledgers.worker.transaction(async (tx) => {
      expect(await claimDelivery(tx, elsewhere.deliveryId, randomUUID())).toMatchObject({ kind: 'claimed' });
      together = claimDeliveries(ledgers.worker, wishes);
      await untilBlocked(ledgers.owner);
    });
    expect((await together).map(({ kind }) => kind)).toEqual(['claimed', 'busy', 'busy']);
  });

  it('keeps a second delivery of the patient waiting until the first is done', async () => {
    const patientKey = digest();
    const [first, second] = [await ready({ patientKey }), await ready({ patientKey })];
    const leaseToken = randomUUID();
    expect(await claim(first.deliveryId, leaseToken)).toMatchObject({ kind: 'claimed' });
    expect(await claim(second.deliveryId)).toEqual({ kind: 'busy' });
    expect(await row(second.deliveryId)).toMatchObject({ state: 'ready', attempts: 0, lease_token: null });
    await settle(first.deliveryId, leaseToken);
    expect(await claim(second.deliveryId)).toMatchObject({ kind: 'claimed' });
  });

  it('keeps it waiting while the fate of the first is uncertain, also when nobody works on that now', async () => {
    const patientKey = digest();
    const [first, second] = [await ready({ patientKey }), await ready({ patientKey })];
    const leaseToken = randomUUID();
    await claim(first.deliveryId, leaseToken);
    await postpone(first.deliveryId, leaseToken, { isUncertain: true });
    expect(await claim(second.deliveryId)).toEqual({ kind: 'busy' });
  });

  it('keeps no other patient waiting, nor what has no patient', async () => {
    const reports = [
      await ready(),
      await ready(),
      await ready({ patientKey: null }),
      await ready({ patientKey: null }),
    ];
    const answers = await Promise.all(reports.map((report) => claim(report.deliveryId)));
    expect(answers.map((answer) => answer.kind)).toEqual(['claimed', 'claimed', 'claimed', 'claimed']);
  });

  it('lets the board be written while another report of the patient goes to the card', async () => {
    const patientKey = digest();
    const [first, second] = [await ready({ patientKey }), await ready({ patientKey })];
    const boardId = newId<DeliveryId>();
    expect(await boardAfter(ledgers.worker, first.deliveryId, boardId)).toBe(boardId);
    await ledgers.owner.query("update delivery set state = 'ready', settled_at = null where id = $1", [
      first.deliveryId,
    ]);
    expect(await boardAfter(ledgers.worker, first.deliveryId, newId<DeliveryId>())).toBeNull();
    expect(await claim(second.deliveryId)).toMatchObject({ kind: 'claimed' });
    expect(await claim(boardId)).toMatchObject({ kind: 'claimed', delivery: { target: 'board', reportId: first.id } });
  });

  it('holds for claims at the very same moment: of several, exactly one is claimed', async () => {
    for (let round = 0; round < 40; round += 1) {
      const patientKey = digest();
      const reports = [await ready({ patientKey }), await ready({ patientKey }), await ready({ patientKey })];
      // Each twice: a job may be there twice as well.
      const ids = [...reports, ...reports].map((report) => report.deliveryId);
      const answers = await Promise.all(ids.map((id) => claim(id)));
      const kinds = answers.map((answer) => answer.kind);
      expect(kinds.filter((kind) => kind === 'claimed')).toHaveLength(1);
      const states = await Promise.all(reports.map(async (report) => (await row(report.deliveryId))?.state));
      expect(states.sort()).toEqual(['ready', 'ready', 'sending']);
    }
  });

  it('finds the next of a patient: the oldest that was never tried', async () => {
    const patientKey = digest();
    const tried = await ready({ patientKey });
    const leaseToken = randomUUID();
    await claim(tried.deliveryId, leaseToken);
    await postpone(tried.deliveryId, leaseToken, { isAttemptSpent: true, reason: 'card.unavailable' });
    const [older] = [await ready({ patientKey }), await ready({ patientKey })];
    expect(await nextOfPatient(ledgers.worker, 'patient-card', patientKey)).toBe(older.deliveryId);
    expect(await nextOfPatient(ledgers.worker, 'board', patientKey)).toBeNull();
    expect(await nextOfPatient(ledgers.worker, 'patient-card', digest())).toBeNull();
  });
});

describe('postponing', () => {
  it('gives the claim back, with the attempt where one was spent', async () => {
    const { deliveryId } = await ready();
    const leaseToken = randomUUID();
    await claim(deliveryId, leaseToken);
    await postpone(deliveryId, leaseToken, { isAttemptSpent: true, reason: 'card.unavailable' });
    expect(await row(deliveryId)).toMatchObject({
      state: 'ready',
      attempts: 1,
      lease_token: null,
      reason: 'card.unavailable',
    });
    expect(await claim(deliveryId)).toMatchObject({ kind: 'claimed', delivery: { attempts: 1 } });
  });

  it('keeps what is uncertain uncertain, until the card was asked', async () => {
    const { deliveryId } = await ready();
    const leaseToken = randomUUID();
    await claim(deliveryId, leaseToken);
    await postpone(deliveryId, leaseToken, { isUncertain: true });
    expect(await row(deliveryId)).toMatchObject({ state: 'uncertain' });
    const next = randomUUID();
    await claim(deliveryId, next);
    await postpone(deliveryId, next, { isUncertain: false });
    expect(await row(deliveryId)).toMatchObject({ state: 'uncertain', lease_token: null });
  });

  it('under another claim changes nothing', async () => {
    const { deliveryId } = await ready();
    const leaseToken = randomUUID();
    await claim(deliveryId, leaseToken);
    await postpone(deliveryId, randomUUID(), { isAttemptSpent: true });
    expect(await row(deliveryId)).toMatchObject({ state: 'sending', lease_token: leaseToken, attempts: 0 });
  });

  it('is not looked at again before its time', async () => {
    const { deliveryId } = await ready();
    const leaseToken = randomUUID();
    await claim(deliveryId, leaseToken);
    await postpone(deliveryId, leaseToken, { delayMs: 3_600_000 });
    const { rows } = await ledgers.owner.query<{ seconds: number }>(
      'select extract(epoch from next_check_at - now())::float8 as seconds from delivery where id = $1',
      [deliveryId],
    );
    expect(rows[0]?.seconds).toBeGreaterThan(3_600);
    expect(rows[0]?.seconds).toBeLessThan(3_661);
  });
});

describe('a paused practice', () => {
  const change = (where: WatchedPlace, state: 'paused' | 'enabled') =>
    ledgers.worker.transaction((tx) =>
      state === 'enabled'
        ? enableIntegration(tx, where.practice, SHADOW, 'a person')
        : changeIntegration(tx, where.practice, 'forwarding', state, 'a person'),
    );

  async function claimedOf(where: WatchedPlace) {
    const { deliveryId } = await deliveryIn(ledgers, where, 'ready');
    const leaseToken = randomUUID();
    await claim(deliveryId, leaseToken);
    return { deliveryId, leaseToken };
  }

  it('parks what comes up, and has it looked at as soon as it goes on', async () => {
    const where = await watchedPlace(ledgers.worker);
    const { deliveryId, leaseToken } = await claimedOf(where);
    await change(where, 'paused');
    await postpone(deliveryId, leaseToken, { isParked: true });
    expect(await row(deliveryId)).toMatchObject({ state: 'ready', is_parked: true });
    expect(await claim(deliveryId)).toEqual({ kind: 'nothing' });
    await change(where, 'enabled');
    expect(await row(deliveryId)).toMatchObject({ is_parked: false });
    const overdue = await overdueDeliveries(ledgers.worker, 10_000);
    expect(overdue).toContainEqual({ id: deliveryId, generation: 2 });
  });

  it('that went on before the parking was recorded leaves nothing parked for ever', async () => {
    const where = await watchedPlace(ledgers.worker);
    const { deliveryId, leaseToken } = await claimedOf(where);
    await change(where, 'paused');
    await change(where, 'enabled');
    await postpone(deliveryId, leaseToken, { isParked: true });
    expect(await row(deliveryId)).toMatchObject({ state: 'ready', is_parked: false });
  });

  it('that goes on while the parking is being recorded leaves nothing parked for ever', async () => {
    const where = await watchedPlace(ledgers.worker);
    const { deliveryId, leaseToken } = await claimedOf(where);
    await change(where, 'paused');
    let parked: Promise<void> = Promise.resolve();
    await ledgers.worker.transaction(async (tx) => {
      await enableIntegration(tx, where.practice, SHADOW, 'a person');
      parked = postpone(deliveryId, leaseToken, { isParked: true });
      await untilBlocked(ledgers.owner);
    });
    await parked;
    expect(await row(deliveryId)).toMatchObject({ state: 'ready', is_parked: false });
  });
});

describe('settling', () => {
  it.each([
    'forwarded',
    'no-card',
    'shadowed',
    'held',
  ] as const)('brings a claimed one to rest as %s', async (state) => {
    const report = await ready();
    const leaseToken = randomUUID();
    await claim(report.deliveryId, leaseToken);
    expect(
      await settle(report.deliveryId, leaseToken, { state, reason: state === 'held' ? 'card.several' : null }),
    ).toBe(true);
    const { rows } = await ledgers.owner.query(
      `select d.state, d.receipt, d.lease_until, r.withheld_count, d.settled_at is not null as settled
       from delivery d join report r on r.id = d.report_id where d.id = $1`,
      [report.deliveryId],
    );
    expect(rows).toEqual([{ state, receipt: { a: 1 }, lease_until: null, withheld_count: 2, settled: true }]);
  });

  it('under another claim is refused, and changes nothing', async () => {
    const { deliveryId } = await ready();
    await claim(deliveryId);
    expect(await settle(deliveryId, randomUUID())).toBe(false);
    expect(await row(deliveryId)).toMatchObject({ state: 'sending' });
  });

  it('a second time is refused: the first word stands', async () => {
    const { deliveryId } = await ready();
    const leaseToken = randomUUID();
    await claim(deliveryId, leaseToken);
    await settle(deliveryId, leaseToken, { state: 'held', reason: 'card.several' });
    expect(await settle(deliveryId, leaseToken)).toBe(false);
    expect(await row(deliveryId)).toMatchObject({ state: 'held', reason: 'card.several' });
  });

  // As if the claim were still there: a rest is left by nobody but the functions that the table of states names.
  it.each(STATES.filter(isAtRest))('and postponing never leave the rest %s', async (state) => {
    const { deliveryId } = await deliveryIn(ledgers, place, state);
    const leaseToken = randomUUID();
    await ledgers.owner.query('update delivery set lease_token = $2, lease_until = now() where id = $1', [
      deliveryId,
      leaseToken,
    ]);
    await postpone(deliveryId, leaseToken, { isUncertain: true });
    expect(await settle(deliveryId, leaseToken, { state: 'no-card' })).toBe(false);
    expect(await row(deliveryId)).toMatchObject({ state });
  });
});

describe('the sweeper', () => {
  const overdueIds = async () => (await overdueDeliveries(ledgers.worker, 10_000)).map((each) => each.id);

  it('adds an open delivery that nobody looks after with the next generation, and then leaves it a minute', async () => {
    const { deliveryId } = await ready();
    expect(await overdueIds()).not.toContain(deliveryId);
    await makeOverdue(ledgers.owner, 'delivery', deliveryId);
    expect(await overdueDeliveries(ledgers.worker, 10_000)).toContainEqual({ id: deliveryId, generation: 2 });
    expect(await overdueIds()).not.toContain(deliveryId);
  });

  it('never takes one that is being worked on or is parked', async () => {
    const [claimed, parked, lapsed] = [await ready(), await ready(), await ready()];
    await claim(claimed.deliveryId);
    await claim(lapsed.deliveryId);
    await expireLease(ledgers.owner, 'delivery', lapsed.deliveryId);
    await ledgers.owner.query('update delivery set is_parked = true where id = $1', [parked.deliveryId]);
    for (const each of [claimed, parked, lapsed]) await makeOverdue(ledgers.owner, 'delivery', each.deliveryId);
    const ids = await overdueIds();
    expect(ids).toContain(lapsed.deliveryId);
    expect(ids).not.toContain(claimed.deliveryId);
    expect(ids).not.toContain(parked.deliveryId);
  });

  it.each(STATES.filter(isAtRest))('never takes one that rests as %s', async (state) => {
    const { deliveryId } = await deliveryIn(ledgers, place, state);
    await makeOverdue(ledgers.owner, 'delivery', deliveryId);
    expect(await overdueIds()).not.toContain(deliveryId);
  });

  it('in two workers takes each delivery once', async () => {
    const reports = [];
    for (let count = 0; count < 10; count += 1) reports.push(await ready());
    for (const each of reports) await makeOverdue(ledgers.owner, 'delivery', each.deliveryId);
    const swept = await Promise.all([overdueIds(), overdueIds(), overdueIds()]);
    expect(swept.flat().sort()).toEqual(reports.map((each) => each.deliveryId).sort());
  });

  it('takes no more than it was asked for, the longest overdue first', async () => {
    const [younger, older] = [await ready(), await ready()];
    await makeOverdue(ledgers.owner, 'delivery', younger.deliveryId);
    await ledgers.owner.query("update delivery set next_check_at = now() - interval '1 hour' where id = $1", [
      older.deliveryId,
    ]);
    expect((await overdueDeliveries(ledgers.worker, 1)).map((each) => each.id)).toEqual([older.deliveryId]);
    expect(await overdueIds()).toEqual([younger.deliveryId]);
  });
});

describe('the open deliveries of mails', () => {
  it('are those that are not at rest and not parked', async () => {
    const mails = await copiedMails(ledgers.worker, place);
    const [mailId] = mails.mailIds;
    if (mailId === undefined) throw new Error('one mail was copied');
    const reports = [1, 2, 3].map((reportOrdinal) => newReport(mailId, place.practice.id, { reportOrdinal }));
    await readAs(ledgers.worker, mails, reports);
    const [open, parked, done] = reports.map((report) => report.deliveryId);
    await ledgers.owner.query('update delivery set is_parked = true where id = $1', [parked ?? '']);
    await ledgers.owner.query("update delivery set state = 'no-card' where id = $1", [done ?? '']);
    expect(await openDeliveriesOf(ledgers.worker, mails.mailIds)).toEqual([open]);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { openAlarms } from '../../src/alarms/alarms.ts';
import { alarmHolds } from '../../src/pipeline/hold-alarms.ts';
import { discardHold, discardRegistration } from '../../src/pipeline/pipeline.ts';
import { heldItemById, releaseHeld } from '../../src/records/records.ts';
import { systemClock } from '../../src/shared/clock.ts';
import type { LogFields, Logger } from '../../src/shared/logger.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { type WatchedPlace, watchedPlace } from '../practice/places.ts';
import { registrationIn } from '../records/registration-rows.ts';
import { deliveryIn } from '../records/rows.ts';

const ledgers = useLedgers();
let place: WatchedPlace;
beforeEach(async () => {
  await ledgers.owner.query('truncate alarm, delivery, report, mail, registration cascade');
  place = await watchedPlace(ledgers.worker);
});

// A Tuesday at three in the afternoon, in a week without holidays.
const HELD_AT = '2026-11-24T15:00:00+01:00';

async function held(reason = 'card.several', settledAt = HELD_AT): Promise<string> {
  const { deliveryId } = await deliveryIn(ledgers, place, 'held', { state: 'held', reason });
  await ledgers.owner.query('update delivery set settled_at = $2 where id = $1', [deliveryId, settledAt]);
  return deliveryId;
}

interface Said extends LogFields {
  readonly level: string;
}

/** What a sweep at this moment says. */
async function sweepAt(moment: string): Promise<readonly Said[]> {
  const said: Said[] = [];
  const say = (level: string) => (_: string, fields?: LogFields) => void said.push({ level, ...fields });
  const logger: Logger = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
  await alarmHolds({ ledger: ledgers.worker, logger, clock: { ...systemClock, now: () => new Date(moment) } });
  return said;
}

const open = async () => (await openAlarms(ledgers.worker)).map(({ kind }) => kind);

describe('a hold that nobody attends to', () => {
  it('alarms its owner after 2 working days and Customer Care after 5, each once', async () => {
    const id = await held();
    expect(await sweepAt('2026-11-26T14:59:00+01:00')).toEqual([]);
    const about = { deliveryId: id, practiceId: place.practice.id, reason: 'card.several', owner: 'practice' };
    expect(await sweepAt('2026-11-26T15:00:00+01:00')).toEqual([{ level: 'warn', code: 'hold.owner', ...about }]);
    expect(await sweepAt('2026-11-26T15:00:15+01:00')).toEqual([]);
    // A weekend lies between.
    expect(await sweepAt('2026-12-01T14:59:00+01:00')).toEqual([]);
    expect(await sweepAt('2026-12-01T15:00:00+01:00')).toEqual([
      { level: 'error', code: 'hold.customer-care', ...about },
    ]);
    expect(await sweepAt('2027-03-01T12:00:00+01:00')).toEqual([]);
    expect(await open()).toEqual(['hold.customer-care', 'hold.owner']);
  });

  it('does not grow older in a weekend or over Christmas', async () => {
    await held('card.several', '2026-12-24T12:00:00+01:00');
    expect(await sweepAt('2026-12-29T11:59:00+01:00')).toEqual([]);
    expect(await sweepAt('2026-12-29T12:00:00+01:00')).toHaveLength(1);
  });

  it('names who can solve it: the laboratory, or us where the reason is not known any more', async () => {
    await held('lab.no-lab-number');
    await held('of.another-version');
    const owners = (await sweepAt('2026-11-27T15:00:00+01:00')).map(({ owner }) => owner);
    expect(owners.sort()).toEqual(['laboratory', 'us']);
  });

  it('ends its alarms when it is decided on, each with one line', async () => {
    const id = await held();
    await sweepAt('2026-12-10T12:00:00+01:00');
    await discardHold({ ledger: ledgers.worker }, id, { by: 'sanne', reason: 'gebeld', overrideCard: null });
    const about = { level: 'info', deliveryId: id, practiceId: place.practice.id };
    expect(await sweepAt('2026-12-10T12:00:15+01:00')).toEqual([
      { ...about, code: 'hold.owner' },
      { ...about, code: 'hold.customer-care' },
    ]);
    expect(await sweepAt('2026-12-10T12:00:30+01:00')).toEqual([]);
    expect(await open()).toEqual([]);
  });

  it('begins anew when it was released and is held again', async () => {
    const id = await held();
    await sweepAt('2026-12-10T12:00:00+01:00');
    await ledgers.worker.transaction(async (tx) => {
      const item = await heldItemById(tx, id);
      if (item === null) throw new Error('it is held');
      await releaseHeld(tx, item, { batchId: null, override: null });
    });
    await ledgers.owner.query(
      `update delivery set state = 'held', reason = 'card.several', settled_at = '2026-12-10T12:00:05+01:00' where id = $1`,
      [id],
    );
    expect((await sweepAt('2026-12-10T12:00:15+01:00')).map(({ level }) => level)).toEqual(['info', 'info']);
    expect(await sweepAt('2026-12-14T12:00:06+01:00')).toMatchObject([{ level: 'warn', code: 'hold.owner' }]);
  });

  it('speaks for those that joined it: they have no alarm of their own', async () => {
    const id = await held();
    const joined = await deliveryIn(ledgers, place, 'held', {
      state: 'held',
      reason: 'card.several',
      originalId: id as never,
      content: null,
    });
    await ledgers.owner.query('update delivery set settled_at = $2 where id = $1', [joined.deliveryId, HELD_AT]);
    expect(await sweepAt('2026-11-27T15:00:00+01:00')).toMatchObject([{ deliveryId: id }]);
  });

  it('is a registration too, held or come back, and is called by its own id when it begins and ends', async () => {
    const held = await registrationIn(ledgers.owner, place.practice, 'held', { reason: 'registration.switched-off' });
    const bounced = await registrationIn(ledgers.owner, place.practice, 'bounced', { mails: ['bounced'] });
    await registrationIn(ledgers.owner, place.practice, 'delivered');
    await ledgers.owner.query('update registration set settled_at = $1', [HELD_AT]);
    const practiceId = place.practice.id;
    expect(await sweepAt('2026-11-26T14:59:00+01:00')).toEqual([]);
    const about = { level: 'warn', code: 'hold.owner', practiceId };
    expect(await sweepAt('2026-11-26T15:00:00+01:00')).toEqual([
      { ...about, registrationId: held.id, reason: 'registration.switched-off', owner: 'practice' },
      { ...about, registrationId: bounced.id, reason: 'bounced', owner: 'us' },
    ]);
    expect(await sweepAt('2026-12-01T15:00:00+01:00')).toMatchObject([
      { level: 'error', code: 'hold.customer-care', registrationId: held.id },
      { level: 'error', code: 'hold.customer-care', registrationId: bounced.id },
    ]);
    for (const { id } of [held, bounced])
      await discardRegistration({ ledger: ledgers.worker }, id, { by: 'sanne', reason: 'gebeld' });
    const ended = await sweepAt('2026-12-01T15:00:15+01:00');
    expect(ended.map(({ level, code, registrationId }) => [level, code, registrationId]).sort()).toEqual(
      [held.id, bounced.id]
        .flatMap((id) => ['hold.customer-care', 'hold.owner'].map((code) => ['info', code, id]))
        .sort(),
    );
    expect(await open()).toEqual([]);
  });
});

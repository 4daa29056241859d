import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { DELIVERY_STATES, type DeliveryState } from '../../src/ledger/ledger.ts';
import { changeIntegration, closeEpochs, openEpoch } from '../../src/practice/practice.ts';
import {
  accountingOf,
  claimDelivery,
  discardDisabled,
  mailOutcomes,
  postponeDelivery,
  reportContent,
  settleDelivery,
} from '../../src/records/records.ts';
import { untilBlocked, useLedgers } from '../ledger/ledgers.ts';
import { type WatchedPlace, watchedPlace } from '../practice/places.ts';
import { copiedMails, deliveryIn, deliveryRow } from './rows.ts';

const ledgers = useLedgers();
const STATES = Object.keys(DELIVERY_STATES) as DeliveryState[];

/** Disables, and lets so many days pass. */
async function disable(place: WatchedPlace, days: number): Promise<void> {
  await ledgers.worker.transaction(async (tx) => {
    await changeIntegration(tx, place.practice, 'forwarding', 'disabled', 'a person');
    await closeEpochs(tx, place.mailboxId, null, 'a person');
  });
  const ago = "now() - make_interval(days => $2) - interval '1 minute'";
  await ledgers.owner.query(`update integration set disabled_at = ${ago} where practice_id = $1`, [
    place.practice.id,
    days,
  ]);
  await ledgers.owner.query(`update epoch set closed_at = ${ago} where mailbox_id = $1`, [place.mailboxId, days]);
}

const accounting = async (place: WatchedPlace) =>
  (await accountingOf(ledgers.worker)).find((each) => each.mailboxId === place.mailboxId);

describe('what a disabled practice leaves behind', () => {
  it('stays for seven days, and is then discarded, erased and audited', async () => {
    const place = await watchedPlace(ledgers.worker);
    const [one, other] = [await deliveryIn(ledgers, place, 'ready'), await deliveryIn(ledgers, place, 'ready')];
    await ledgers.owner.query('update delivery set is_parked = true where id = $1', [one.deliveryId]);
    await disable(place, 6);
    expect(await discardDisabled(ledgers.worker)).toBe(0);
    await ledgers.owner.query(
      "update integration set disabled_at = disabled_at - interval '1 day' where practice_id = $1",
      [place.practice.id],
    );
    expect(await discardDisabled(ledgers.worker)).toBe(2);
    for (const report of [one, other]) {
      expect(await deliveryRow(ledgers.owner, report.deliveryId)).toMatchObject({
        state: 'discarded',
        reason: 'practice.disabled',
        is_parked: false,
      });
      expect(await reportContent(ledgers.worker, report.id)).toBeNull();
    }
    const { rows } = await ledgers.owner.query(
      "select event, reason from audit where practice_id = $1 and event like 'report.%'",
      [place.practice.id],
    );
    expect(rows).toEqual(Array.from({ length: 2 }, () => ({ event: 'report.discarded', reason: 'practice.disabled' })));
    expect(await discardDisabled(ledgers.worker)).toBe(0);
  });

  // Not what is uncertain either: it may be on the card, which is asked first.
  it.each(STATES.filter((state) => state !== 'ready'))('is not a delivery that is %s', async (state) => {
    const place = await watchedPlace(ledgers.worker);
    const report = await deliveryIn(ledgers, place, state);
    await disable(place, 8);
    await discardDisabled(ledgers.worker);
    expect(await deliveryRow(ledgers.owner, report.deliveryId)).toMatchObject({ state, reason: null });
    expect(await reportContent(ledgers.worker, report.id)).toEqual(report.content);
  });

  it('is not what a worker has in hand, nor anything of a practice that goes on or is paused', async () => {
    const [disabled, enabled, paused] = [
      await watchedPlace(ledgers.worker),
      await watchedPlace(ledgers.worker),
      await watchedPlace(ledgers.worker),
    ];
    const claimed = await deliveryIn(ledgers, disabled, 'uncertain');
    await claimDelivery(ledgers.worker, claimed.deliveryId, randomUUID());
    const others = [await deliveryIn(ledgers, enabled, 'ready'), await deliveryIn(ledgers, paused, 'ready')];
    await disable(disabled, 8);
    await ledgers.worker.transaction((tx) =>
      changeIntegration(tx, paused.practice, 'forwarding', 'paused', 'a person'),
    );
    expect(await discardDisabled(ledgers.worker)).toBe(0);
    expect(await deliveryRow(ledgers.owner, claimed.deliveryId)).toMatchObject({ state: 'uncertain' });
    for (const { deliveryId } of others)
      expect(await deliveryRow(ledgers.owner, deliveryId)).toMatchObject({ state: 'ready' });
  });

  it('stays discarded when a worker that was thought dead comes back with it', async () => {
    const place = await watchedPlace(ledgers.worker);
    const report = await deliveryIn(ledgers, place, 'ready');
    const leaseToken = randomUUID();
    await ledgers.owner.query('update delivery set lease_token = $2, lease_until = now() where id = $1', [
      report.deliveryId,
      leaseToken,
    ]);
    await disable(place, 8);
    expect(await discardDisabled(ledgers.worker)).toBe(1);
    await postponeDelivery(ledgers.worker, report.deliveryId, leaseToken, {
      delayMs: 0,
      isUncertain: false,
      isParked: false,
      isAttemptSpent: false,
      reason: null,
    });
    const forwarded = { state: 'forwarded', reason: null, detail: null, withheldCount: 0, receipt: null } as const;
    expect(await settleDelivery(ledgers.worker, report.deliveryId, leaseToken, forwarded)).toBe(false);
    expect(await deliveryRow(ledgers.owner, report.deliveryId)).toMatchObject({
      state: 'discarded',
      lease_token: null,
    });
  });
});

describe('uids that a closed epoch still had to copy', () => {
  it('are discarded after seven days, so that the accounting closes', async () => {
    const place = await watchedPlace(ledgers.worker);
    const { mailIds } = await copiedMails(ledgers.worker, place, 2);
    await ledgers.owner.query('update epoch set uid_next = uid_next + 3 where id = $1', [place.epochId]);
    await disable(place, 6);
    await discardDisabled(ledgers.worker);
    expect(await accounting(place)).toMatchObject({ assigned: 5, waiting: 5, discarded: 0, difference: 0 });
    await ledgers.owner.query("update epoch set closed_at = closed_at - interval '1 day' where id = $1", [
      place.epochId,
    ]);
    await discardDisabled(ledgers.worker);
    await discardDisabled(ledgers.worker);
    expect(await accounting(place)).toMatchObject({ assigned: 5, waiting: 2, discarded: 3, difference: 0 });
    expect(await mailOutcomes(ledgers.worker, mailIds)).toMatchObject([{ outcome: 'waiting' }, { outcome: 'waiting' }]);
  });

  it('are discarded also when the practice was enabled again: its new epoch does not copy them', async () => {
    const place = await watchedPlace(ledgers.worker);
    await ledgers.owner.query('update epoch set uid_next = uid_next + 2 where id = $1', [place.epochId]);
    await disable(place, 8);
    await ledgers.worker.transaction((tx) =>
      openEpoch(
        tx,
        {
          mailboxId: place.mailboxId,
          uidValidity: 1,
          uidNext: 9,
          listed: [{ uid: 8, internalDate: new Date('2026-11-22T08:00:00Z') }],
        },
        'a person',
      ),
    );
    await discardDisabled(ledgers.worker);
    expect(await accounting(place)).toMatchObject({ assigned: 3, waiting: 1, discarded: 2, difference: 0 });
  });

  it('are discarded once by two workers that sweep at the same moment', async () => {
    const place = await watchedPlace(ledgers.worker);
    await ledgers.owner.query('update epoch set uid_next = uid_next + 200 where id = $1', [place.epochId]);
    await disable(place, 8);
    let second: Promise<number> = Promise.resolve(-1);
    await ledgers.worker.transaction(async (tx) => {
      await discardDisabled({ transaction: (work) => work(tx) });
      second = discardDisabled(ledgers.worker);
      await untilBlocked(ledgers.owner);
    });
    expect(await second).toBe(0);
    expect(await accounting(place)).toMatchObject({ assigned: 200, waiting: 0, discarded: 200, difference: 0 });
  });
});

/** What a person's decision does to the rows, beyond the change of state (holds.test.ts). */

import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  claimDelivery,
  discardHeld,
  type HeldItem,
  heldItemById,
  heldOfSender,
  mailContent,
  releaseHeld,
  reportContent,
  wishDiscard,
} from '../../src/records/records.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { type WatchedPlace, watchedPlace } from '../practice/places.ts';
import { deliveryIn, deliveryRow } from './rows.ts';

const ledgers = useLedgers();
let place: WatchedPlace;
beforeAll(async () => {
  place = await watchedPlace(ledgers.worker);
});

const HELD = { state: 'held', reason: 'card.several' } as const;
const PLAIN = { batchId: null, override: null };
const row = (id: string) => deliveryRow(ledgers.owner, id);

async function itemOf(id: string): Promise<HeldItem> {
  const item = await ledgers.worker.transaction((tx) => heldItemById(tx, id));
  if (item === null) throw new Error('it is held');
  return item;
}

async function joinedHold() {
  const original = await deliveryIn(ledgers, place, 'held', HELD);
  const joined = { ...HELD, originalId: original.deliveryId, content: null };
  return { original, joined: [await deliveryIn(ledgers, place, 'held', joined)] };
}

/** Puts a delivery into the past, as one that goes to a board. */
async function age(id: string, target: 'patient-card' | 'board'): Promise<void> {
  await ledgers.owner.query(
    `update delivery set target = $2, attempts = 30, created_at = '2026-01-01T00:00:00Z' where id = $1`,
    [id, target],
  );
}

describe('a release', () => {
  it('gives a delivery all its attempts back, and leaves the age of one to a card as it is', async () => {
    const { deliveryId } = await deliveryIn(ledgers, place, 'held', { ...HELD, reason: 'card.attempts-exhausted' });
    await age(deliveryId, 'patient-card');
    await releaseHeld(ledgers.worker, await itemOf(deliveryId), PLAIN);
    expect(await row(deliveryId)).toMatchObject({ state: 'ready', attempts: 0 });
    expect(await claimDelivery(ledgers.worker, deliveryId, randomUUID())).toMatchObject({
      delivery: { ageMs: expect.closeTo(systemClock.now().getTime() - Date.UTC(2026, 0, 1), -5), acknowledged: [] },
    });
  });

  it('has the waiting for a board begin anew', async () => {
    const { deliveryId } = await deliveryIn(ledgers, place, 'held', { ...HELD, reason: 'board.not-propagated' });
    await age(deliveryId, 'board');
    await releaseHeld(ledgers.worker, await itemOf(deliveryId), PLAIN);
    const { count } = await ledgers.owner.query(
      `select 1 from delivery where id = $1 and created_at > now() - interval '1 minute'`,
      [deliveryId],
    );
    expect(count).toBe(1);
  });

  it('remembers what was decided, for the next decision', async () => {
    const { deliveryId } = await deliveryIn(ledgers, place, 'held', HELD);
    const code = 'card.several';
    const override = { by: 'sanne', reason: 'gebeld', card: 'card-7', code, acknowledged: [code] };
    await releaseHeld(ledgers.worker, await itemOf(deliveryId), { batchId: null, override });
    await ledgers.owner.query(`update delivery set state = 'held', settled_at = now() where id = $1`, [deliveryId]);
    expect(await itemOf(deliveryId)).toMatchObject({ override });
    await releaseHeld(ledgers.worker, await itemOf(deliveryId), PLAIN);
    expect(await claimDelivery(ledgers.worker, deliveryId, randomUUID())).toMatchObject({
      delivery: { overrideCard: null, acknowledged: [] },
    });
  });

  it('forgets that a first person wanted it discarded', async () => {
    const { deliveryId } = await deliveryIn(ledgers, place, 'held', HELD);
    const wish = { by: 'sanne', reason: 'oud', at: '2026-11-24T15:00:00.000Z' };
    await wishDiscard(ledgers.worker, await itemOf(deliveryId), wish);
    expect(await itemOf(deliveryId)).toMatchObject({ discardWish: wish });
    await releaseHeld(ledgers.worker, await itemOf(deliveryId), PLAIN);
    await ledgers.owner.query(`update delivery set state = 'held', settled_at = now() where id = $1`, [deliveryId]);
    expect(await itemOf(deliveryId)).toMatchObject({ discardWish: null });
  });

  it('erases the bytes of what joined it, which is a duplicate now, and keeps its own', async () => {
    const { original, joined } = await joinedHold();
    await releaseHeld(ledgers.worker, await itemOf(original.deliveryId), PLAIN);
    for (const { mailId } of joined) expect(await mailContent(ledgers.worker, mailId)).toMatchObject({ content: null });
    expect((await mailContent(ledgers.worker, original.mailId))?.content).not.toBeNull();
  });
});

describe('a discard', () => {
  it('answers everything that it discarded, and erases the bytes of each', async () => {
    const { original, joined } = await joinedHold();
    const all = [original, ...joined];
    const discarded = await discardHeld(ledgers.worker, await itemOf(original.deliveryId));
    expect([...discarded].sort()).toEqual(all.map(({ deliveryId }) => deliveryId).sort());
    for (const { mailId } of all) expect(await mailContent(ledgers.worker, mailId)).toMatchObject({ content: null });
  });

  it('of a board leaves the content, which is the card’s', async () => {
    const { deliveryId, id } = await deliveryIn(ledgers, place, 'held', { ...HELD, reason: 'board.refused' });
    await age(deliveryId, 'board');
    expect(await discardHeld(ledgers.worker, await itemOf(deliveryId))).toEqual([deliveryId]);
    expect(await reportContent(ledgers.worker, id)).not.toBeNull();
  });

  it('of what was released meanwhile discards nothing', async () => {
    const { deliveryId } = await deliveryIn(ledgers, place, 'held', HELD);
    const item = await itemOf(deliveryId);
    await releaseHeld(ledgers.worker, item, PLAIN);
    expect(await discardHeld(ledgers.worker, item)).toEqual([]);
    expect(await row(deliveryId)).toMatchObject({ state: 'ready' });
  });
});

describe('what is held for a laboratory that nobody knows', () => {
  const unknown = { state: 'held', reason: 'lab.unknown-sender', sender: '500077001' } as const;

  it('is found by its sender at every practice, without what joined it, other reasons and other senders', async () => {
    const first = await deliveryIn(ledgers, place, 'held', unknown);
    const elsewhere = await deliveryIn(ledgers, await watchedPlace(ledgers.worker), 'held', unknown);
    await deliveryIn(ledgers, place, 'held', { ...unknown, originalId: first.deliveryId, content: null });
    await deliveryIn(ledgers, place, 'held', { ...unknown, reason: 'card.several' });
    await deliveryIn(ledgers, place, 'held', { ...unknown, sender: '500077002' });
    const found = await ledgers.worker.transaction((tx) => heldOfSender(tx, '500077001'));
    expect(found.map((item) => item.deliveryId).sort()).toEqual([first.deliveryId, elsewhere.deliveryId].sort());
  });

  it('is left to the person who decides on it at this moment', async () => {
    const { deliveryId } = await deliveryIn(ledgers, place, 'held', { ...unknown, sender: '500077003' });
    await ledgers.owner.transaction(async (tx) => {
      await heldItemById(tx, deliveryId);
      expect(await ledgers.worker.transaction((other) => heldOfSender(other, '500077003'))).toEqual([]);
    });
  });
});

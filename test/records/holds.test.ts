import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  claimBatch,
  claimDelivery,
  discardHeld,
  eraseMails,
  type HeldItem,
  heldItemById,
  heldItems,
  insertBatch,
  insertReports,
  joinedTo,
  mailContent,
  mailOutcomes,
  releaseHeld,
  reportContent,
  settleDelivery,
} from '../../src/records/records.ts';
import { type BatchId, newId } from '../../src/shared/ids.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { type WatchedPlace, watchedPlace } from '../practice/places.ts';
import { copiedMails, deliveryIn, deliveryRow, newReport, readAs } from './rows.ts';

const ledgers = useLedgers();
let place: WatchedPlace;
beforeAll(async () => {
  place = await watchedPlace(ledgers.worker);
});

const HELD = { state: 'held', reason: 'card.several' } as const;
const row = (id: string) => deliveryRow(ledgers.owner, id);

async function itemOf(id: string): Promise<HeldItem> {
  const item = await ledgers.worker.transaction((tx) => heldItemById(tx, id));
  if (item === null) throw new Error('it is held');
  return item;
}

/** A hold with two that joined it. */
async function joinedHold() {
  const original = await deliveryIn(ledgers, place, 'held', HELD);
  const joined = { ...HELD, originalId: original.deliveryId, content: null };
  return {
    original,
    joined: [await deliveryIn(ledgers, place, 'held', joined), await deliveryIn(ledgers, place, 'held', joined)],
  };
}

describe('what waits for a person', () => {
  it('is listed with ids and codes, oldest first, of one practice or of all', async () => {
    const other = await watchedPlace(ledgers.worker);
    const mine = await deliveryIn(ledgers, place, 'held', HELD);
    const theirs = await deliveryIn(ledgers, other, 'quarantined', { reason: 'edifact.syntax', detail: 'BEP 14/3' });
    expect(await heldItems(ledgers.worker, other.practice.id)).toMatchObject([
      {
        deliveryId: theirs.deliveryId,
        state: 'quarantined',
        reason: 'edifact.syntax',
        detail: 'BEP 14/3',
        practiceAgb: other.practice.agb,
        originalId: null,
      },
    ]);
    const all = (await heldItems(ledgers.worker, null)).map((item) => item.deliveryId);
    expect(all.indexOf(mine.deliveryId)).toBeLessThan(all.indexOf(theirs.deliveryId));
    expect(all).toContain(mine.deliveryId);
  });

  it.each([
    'ready',
    'sending',
    'uncertain',
    'forwarded',
    'no-card',
    'shadowed',
    'duplicate',
    'discarded',
  ] as const)('is not one that is %s', async (state) => {
    const { deliveryId } = await deliveryIn(ledgers, place, state);
    expect(await ledgers.worker.transaction((tx) => heldItemById(tx, deliveryId))).toBeNull();
  });

  it('is not a text that is no id', async () => {
    expect(await ledgers.worker.transaction((tx) => heldItemById(tx, 'nonsense'))).toBeNull();
  });
});

describe('releasing a held report', () => {
  it('makes it ready, in a new generation, and what joined it becomes its duplicate', async () => {
    const { original, joined } = await joinedHold();
    const joinedIds = joined.map((report) => report.deliveryId);
    expect([...(await joinedTo(ledgers.worker, original.deliveryId))].sort()).toEqual([...joinedIds].sort());
    const item = await itemOf(original.deliveryId);
    const generation = await ledgers.worker.transaction((tx) =>
      releaseHeld(tx, item, { batchId: null, override: null }),
    );
    expect(generation).toBe(2);
    expect(await row(original.deliveryId)).toMatchObject({ state: 'ready', reason: null, generation: 2 });
    for (const id of joinedIds)
      expect(await row(id)).toMatchObject({ state: 'duplicate', original_id: original.deliveryId });
    expect(await claimDelivery(ledgers.worker, original.deliveryId, randomUUID())).toMatchObject({
      kind: 'claimed',
      delivery: { content: original.content, overrideCard: null },
    });
  });

  it('with an override carries the card that a person named', async () => {
    const { deliveryId } = await deliveryIn(ledgers, place, 'held', HELD);
    const override = { reason: 'confirmed by telephone', by: 'a person', card: 'card-7' };
    await releaseHeld(ledgers.worker, await itemOf(deliveryId), { batchId: null, override });
    expect(await claimDelivery(ledgers.worker, deliveryId, randomUUID())).toMatchObject({
      kind: 'claimed',
      delivery: { overrideCard: 'card-7' },
    });
  });

  it('twice does it once', async () => {
    const { deliveryId } = await deliveryIn(ledgers, place, 'held', HELD);
    const item = await itemOf(deliveryId);
    const how = { batchId: null, override: null };
    expect(await releaseHeld(ledgers.worker, item, how)).toBe(2);
    const leaseToken = randomUUID();
    await claimDelivery(ledgers.worker, deliveryId, leaseToken);
    expect(await releaseHeld(ledgers.worker, item, how)).toBe(0);
    expect(await row(deliveryId)).toMatchObject({ state: 'sending', generation: 2 });
  });

  it('shuts the door for a second person until the first decided', async () => {
    const { deliveryId } = await deliveryIn(ledgers, place, 'held', HELD);
    const decide = () =>
      ledgers.worker.transaction(async (tx) => {
        const item = await heldItemById(tx, deliveryId);
        return item === null ? 'gone' : await releaseHeld(tx, item, { batchId: null, override: null });
      });
    expect((await Promise.all([decide(), decide(), decide()])).sort()).toEqual([2, 'gone', 'gone']);
  });
});

describe('releasing a payload that was not understood', () => {
  const QUARANTINED = {
    kind: 'payload',
    reportOrdinal: 0,
    state: 'quarantined',
    reason: 'edifact.syntax',
    content: null,
    practiceId: null,
  } as const;

  it('has its mail read again, in the batch that was made for it', async () => {
    const payload = await deliveryIn(ledgers, place, 'quarantined', QUARANTINED);
    const batchId = newId<BatchId>();
    const item = await itemOf(payload.deliveryId);
    await ledgers.worker.transaction(async (tx) => {
      await insertBatch(tx, batchId, place.mailboxId);
      await releaseHeld(tx, item, { batchId, override: null });
    });
    expect(await row(payload.deliveryId)).toBeUndefined();
    expect(await mailOutcomes(ledgers.worker, [payload.mailId])).toMatchObject([{ outcome: 'waiting', reports: [] }]);
    expect(await claimBatch(ledgers.worker, batchId, randomUUID())).toMatchObject([
      { id: payload.mailId, readAttempts: 1 },
    ]);
  });

  it('leaves the other reports of the mail as they are, also when they are read again', async () => {
    const mails = await copiedMails(ledgers.worker, place);
    const [mailId] = mails.mailIds;
    if (mailId === undefined) throw new Error('one mail was copied');
    const sibling = newReport(mailId, place.practice.id);
    const payload = newReport(mailId, null, { ...QUARANTINED, payloadOrdinal: 2 });
    await readAs(ledgers.worker, mails, [sibling, payload]);
    const leaseToken = randomUUID();
    await claimDelivery(ledgers.worker, sibling.deliveryId, leaseToken);
    await settleDelivery(ledgers.worker, sibling.deliveryId, leaseToken, {
      state: 'forwarded',
      reason: null,
      detail: null,
      withheldCount: 0,
      receipt: null,
    });
    const batchId = newId<BatchId>();
    const item = await itemOf(payload.deliveryId);
    await ledgers.worker.transaction(async (tx) => {
      await insertBatch(tx, batchId, place.mailboxId);
      await releaseHeld(tx, item, { batchId, override: null });
    });
    const again = newReport(mailId, place.practice.id);
    const understood = newReport(mailId, place.practice.id, { payloadOrdinal: 2 });
    expect(await insertReports(ledgers.worker, [again, understood])).toEqual([understood.deliveryId]);
    expect(await row(sibling.deliveryId)).toMatchObject({ state: 'forwarded' });
  });

  it('of a mail without bytes is refused: nothing could be read, and the mail would be accounted for nowhere', async () => {
    const payload = await deliveryIn(ledgers, place, 'quarantined', { ...QUARANTINED, reason: 'mail.too-large' });
    await ledgers.owner.query('update mail set content = null where id = $1', [payload.mailId]);
    const item = await itemOf(payload.deliveryId);
    const batchId = newId<BatchId>();
    const released = ledgers.worker.transaction(async (tx) => {
      await insertBatch(tx, batchId, place.mailboxId);
      return releaseHeld(tx, item, { batchId, override: null });
    });
    await expect(released).rejects.toMatchObject({ code: 'records.nothing-to-read' });
    expect(await mailOutcomes(ledgers.worker, [payload.mailId])).toMatchObject([{ outcome: 'quarantined' }]);
  });
});

describe('discarding', () => {
  it('takes what joined with it, and erases the content', async () => {
    const { original, joined } = await joinedHold();
    await discardHeld(ledgers.worker, await itemOf(original.deliveryId));
    for (const { deliveryId } of [original, ...joined])
      expect(await row(deliveryId)).toMatchObject({ state: 'discarded' });
    expect(await reportContent(ledgers.worker, original.id)).toBeNull();
    await eraseMails(ledgers.worker, 10_000);
    expect(await mailContent(ledgers.worker, original.mailId)).toMatchObject({ content: null });
  });

  it('what was released meanwhile changes nothing of its state', async () => {
    const { deliveryId } = await deliveryIn(ledgers, place, 'held', HELD);
    const item = await itemOf(deliveryId);
    await releaseHeld(ledgers.worker, item, { batchId: null, override: null });
    await discardHeld(ledgers.worker, item);
    expect(await row(deliveryId)).toMatchObject({ state: 'ready' });
    expect(await reportContent(ledgers.worker, item.reportId)).not.toBeNull();
  });
});

describe('erasing the bytes of mails', () => {
  const isErased = async (mailId: string) => (await mailContent(ledgers.worker, mailId))?.content === null;

  it.each(['no-card', 'duplicate', 'discarded'] as const)('takes those whose only report is %s', async (state) => {
    const { mailId } = await deliveryIn(ledgers, place, state);
    await eraseMails(ledgers.worker, 10_000);
    expect(await isErased(mailId)).toBe(true);
  });

  it.each([
    'ready',
    'sending',
    'uncertain',
    'held',
    'quarantined',
    'forwarded',
    'shadowed',
  ] as const)('leaves those with a report that is %s, whatever became of its siblings', async (state) => {
    const { mailId } = await deliveryIn(ledgers, place, state);
    const sibling = newReport(mailId, place.practice.id, { reportOrdinal: 2, state: 'duplicate' });
    await insertReports(ledgers.worker, [sibling]);
    await eraseMails(ledgers.worker, 10_000);
    expect(await isErased(mailId)).toBe(false);
  });

  it('leaves a mail that nobody accounts for: its bytes are all that is left of it', async () => {
    const mails = await copiedMails(ledgers.worker, place);
    await readAs(ledgers.worker, mails, []);
    await eraseMails(ledgers.worker, 10_000);
    expect(await isErased(mails.mailIds[0] ?? '')).toBe(false);
  });

  it('leaves a mail that waits to be read', async () => {
    const mails = await copiedMails(ledgers.worker, place);
    await eraseMails(ledgers.worker, 10_000);
    expect(await isErased(mails.mailIds[0] ?? '')).toBe(false);
  });

  it('takes no more at once than it was asked for', async () => {
    await deliveryIn(ledgers, place, 'no-card');
    await deliveryIn(ledgers, place, 'no-card');
    expect(await eraseMails(ledgers.worker, 1)).toBe(1);
    expect(await eraseMails(ledgers.worker, 10)).toBe(1);
  });
});

import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { DeliveryState } from '../../src/ledger/ledger.ts';
import {
  claimDelivery,
  claimMails,
  discardHeld,
  eraseMail,
  type HeldItem,
  heldItemById,
  heldItems,
  insertBatch,
  insertReports,
  joinedTo,
  mailContent,
  mailOutcomes,
  type NewReport,
  releaseHeld,
  reportContent,
  settleDelivery,
} from '../../src/records/records.ts';
import { type BatchId, type MailId, newId } from '../../src/shared/ids.ts';
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
    const override = {
      by: 'a person',
      reason: 'confirmed by telephone',
      card: 'card-7',
      code: 'card.several',
      acknowledged: ['card.several'],
    };
    await releaseHeld(ledgers.worker, await itemOf(deliveryId), { batchId: null, override });
    expect(await claimDelivery(ledgers.worker, deliveryId, randomUUID())).toMatchObject({
      kind: 'claimed',
      delivery: { overrideCard: 'card-7', acknowledged: ['card.several'], attempts: 0 },
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
    expect((await claimMails(ledgers.worker, [batchId], randomUUID(), 1_000_000)).mails).toMatchObject([
      { id: payload.mailId, readAttempts: 1 },
    ]);
  });

  it('begins at the second claim, which is in a thread, where it was poisonous', async () => {
    const reason = 'mail.poisonous';
    const payload = await deliveryIn(ledgers, place, 'quarantined', { ...QUARANTINED, reason });
    const batchId = newId<BatchId>();
    const item = await itemOf(payload.deliveryId);
    await ledgers.worker.transaction(async (tx) => {
      await insertBatch(tx, batchId, place.mailboxId);
      await releaseHeld(tx, item, { batchId, override: null });
    });
    expect((await claimMails(ledgers.worker, [batchId], randomUUID(), 1_000_000)).mails).toMatchObject([
      { id: payload.mailId, readAttempts: 2 },
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
    expect(await ledgers.worker.transaction((tx) => insertReports(tx, [again, understood]))).toEqual([
      understood.deliveryId,
    ]);
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

describe('erasing the bytes of a mail', () => {
  const isErased = async (mailId: MailId) => {
    await eraseMail(ledgers.worker, mailId);
    return (await mailContent(ledgers.worker, mailId))?.content === null;
  };

  async function besides(state: DeliveryState, changes: Partial<NewReport>): Promise<MailId> {
    const { mailId } = await deliveryIn(ledgers, place, state);
    await ledgers.worker.transaction((tx) =>
      insertReports(tx, [newReport(mailId, place.practice.id, { reportOrdinal: 2, ...changes })]),
    );
    return mailId;
  }

  it.each(['no-card', 'duplicate', 'discarded'] as const)('takes those whose only report is %s', async (state) => {
    expect(await isErased((await deliveryIn(ledgers, place, state)).mailId)).toBe(true);
  });

  it.each([
    'ready',
    'sending',
    'uncertain',
    'held',
    'quarantined',
    'forwarded',
    'shadowed',
  ] as const)('leaves those with a report that is %s beside one that is done with', async (state) => {
    expect(await isErased(await besides(state, { state: 'duplicate' }))).toBe(false);
  });

  it('takes those of a patient who is not followed, also beside a report that goes on: that has its content', async () => {
    expect(await isErased(await besides('no-card', { state: 'ready' }))).toBe(true);
    expect(await isErased(await besides('no-card', { state: 'held', reason: 'card.several' }))).toBe(true);
  });

  it('leaves them while a payload beside was not understood or has no practice: only the bytes say what it is', async () => {
    const payload = { kind: 'payload', state: 'quarantined', payloadOrdinal: 2, content: null } as const;
    expect(await isErased(await besides('no-card', payload))).toBe(false);
    const ownerless = { state: 'held', reason: 'practice.unknown-recipient', practiceId: null, content: null } as const;
    expect(await isErased(await besides('no-card', ownerless))).toBe(false);
  });

  it('leaves a mail that nobody accounts for: its bytes are all that is left of it', async () => {
    const mails = await copiedMails(ledgers.worker, place);
    await readAs(ledgers.worker, mails, []);
    expect(await isErased(mails.mailIds[0] ?? newId<MailId>())).toBe(false);
  });

  it('leaves a mail that waits to be read', async () => {
    const mails = await copiedMails(ledgers.worker, place);
    expect(await isErased(mails.mailIds[0] ?? newId<MailId>())).toBe(false);
  });
});

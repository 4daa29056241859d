import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ALIVE_SECONDS,
  claimMailboxes,
  closeEpochs,
  fairShare,
  handOver,
  heldMailboxes,
  openEpoch,
  recordPolled,
  registerWorker,
  surveyMailboxes,
} from '../../src/practice/practice.ts';
import { type MailboxId, newId, type WorkerId } from '../../src/shared/ids.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { watchedPlace } from './places.ts';

const ledgers = useLedgers();

async function registered(mailboxesMax: number | null = null): Promise<WorkerId> {
  const id = newId<WorkerId>();
  await registerWorker(ledgers.worker, id, mailboxesMax);
  return id;
}

const survey = (worker: WorkerId) => surveyMailboxes(ledgers.worker, worker, ALIVE_SECONDS);

describe('a share', () => {
  it('is the same for all who can take it, and what the small ones cannot take is the others’', () => {
    expect(fairShare(6_000, [10_000, 10_000], 10_000)).toBe(3_000);
    expect(fairShare(5, [1, 4, 0], 4)).toBe(4);
    expect(fairShare(5, [1, 4, 0], 1)).toBe(1);
    expect(fairShare(7, [10, 10, 10], 10)).toBe(3);
    expect(fairShare(0, [10], 10)).toBe(0);
  });

  it('leaves none over that anybody could take, and is above nobody’s capacity', () => {
    const capacities = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200 }), capacities, (watched, all) => {
        const shares = all.map((own) => fairShare(watched, all, own));
        const sum = shares.reduce((one, other) => one + other, 0);
        expect(sum).toBeGreaterThanOrEqual(
          Math.min(
            watched,
            all.reduce((one, other) => one + other, 0),
          ),
        );
        for (const [index, share] of shares.entries()) expect(share).toBeLessThanOrEqual(all[index] ?? 0);
      }),
    );
  });
});

describe('a survey', () => {
  it('counts what is watched, free and one’s own, and names who else can take some', async () => {
    const worker = await registered(7);
    const before = await survey(worker);
    await watchedPlace(ledgers.worker);
    const place = await watchedPlace(ledgers.worker);
    expect(await survey(worker)).toMatchObject({ watched: before.watched + 2, free: before.free + 2, own: 0 });
    await claimMailboxes(ledgers.worker, worker, 1_000);
    expect(await survey(worker)).toMatchObject({ free: 0, own: before.watched + 2 });
    expect((await survey(worker)).capacities).toContain(7);
    await ledgers.owner.query("update worker set alive_until = now() + interval '10 seconds' where id = $1", [worker]);
    expect((await survey(worker)).capacities).not.toContain(7);
    await handOver(ledgers.worker, worker, [place.mailboxId]);
    expect(await survey(worker)).toMatchObject({ free: 1, own: before.watched + 1 });
    await ledgers.owner.query('delete from worker where id = $1', [worker]);
  });

  it('has the same mark while nothing is different, and another one for every change that concerns the worker', async () => {
    const place = await watchedPlace(ledgers.worker);
    const worker = await registered();
    const marks = [(await survey(worker)).mark];
    const changed = async () => {
      const { mark } = await survey(worker);
      expect((await survey(worker)).mark).toBe(mark);
      expect(marks).not.toContain(mark);
      marks.push(mark);
    };
    await claimMailboxes(ledgers.worker, worker, 1_000);
    await changed();
    await ledgers.worker.transaction((tx) =>
      openEpochAnew(tx, place.mailboxId, [{ uid: 3, internalDate: new Date('2026-11-20T08:00:00Z') }]),
    );
    await changed();
    expect((await heldMailboxes(ledgers.worker, worker)).find(({ id }) => id === place.mailboxId)).toMatchObject({
      hasAssigned: true,
      ownerEpoch: 1,
    });
    await ledgers.owner.query("update mail set state = 'copied' where mailbox_id = $1", [place.mailboxId]);
    await changed();
    await ledgers.owner.query('update mailbox set owner_epoch = owner_epoch + 1 where id = $1', [place.mailboxId]);
    await changed();
    await ledgers.owner.query('delete from worker where id = $1', [worker]);
  });
});

async function openEpochAnew(
  tx: Parameters<typeof openEpoch>[0],
  mailboxId: MailboxId,
  listed: { readonly uid: number; readonly internalDate: Date }[],
) {
  await closeEpochs(tx, mailboxId, null, 'a person');
  await openEpoch(tx, { mailboxId, uidValidity: 1, uidNext: 9, listed }, 'a person');
}

describe('a mailbox that was looked at', () => {
  it('was so at the earliest moment that it can have been, and never earlier than was known', async () => {
    const place = await watchedPlace(ledgers.worker);
    const worker = await registered();
    await claimMailboxes(ledgers.worker, worker, 1_000);
    const ages = async () =>
      (
        await ledgers.owner.query<{ age: number }>(
          'select extract(epoch from now() - last_polled_at)::float8 as age from mailbox where id = $1',
          [place.mailboxId],
        )
      ).rows[0]?.age;
    await recordPolled(ledgers.worker, worker, [place.mailboxId], 10);
    expect(await ages()).toBeGreaterThanOrEqual(10);
    await recordPolled(ledgers.worker, worker, [place.mailboxId], 60);
    expect(await ages()).toBeLessThan(50);
    await recordPolled(ledgers.worker, newId<WorkerId>(), [place.mailboxId], 0);
    expect(await ages()).toBeGreaterThanOrEqual(10);
    await ledgers.owner.query('delete from worker where id = $1', [worker]);
  });
});

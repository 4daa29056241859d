import { describe, expect, it } from 'vitest';
import {
  changeIntegration,
  claimEpochRange,
  claimEpochRanges,
  claimMailboxes,
  closeEpochs,
  dropMailboxes,
  enableIntegration,
  mailboxesToDrop,
  openEpoch,
  openEpochOf,
  registerWorker,
  renewWorker,
  retireWorker,
} from '../../src/practice/practice.ts';
import { type MailboxId, newId, type WorkerId } from '../../src/shared/ids.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { mailboxIn, practiceIn, SHADOW, type WatchedPlace, watchedPlace } from './places.ts';

const ledgers = useLedgers();

async function registered(): Promise<WorkerId> {
  const id = newId<WorkerId>();
  await registerWorker(ledgers.worker, id);
  return id;
}

const claim = (workerId: WorkerId, most = 1_000, held: readonly MailboxId[] = []) =>
  claimMailboxes(ledgers.worker, workerId, most, held);

/** Claims what is free, and says in which epoch of ownership this one mailbox came; null: it did not. */
async function claimOne(workerId: WorkerId, place: WatchedPlace): Promise<number | null> {
  return (await claim(workerId)).find((mailbox) => mailbox.id === place.mailboxId)?.ownerEpoch ?? null;
}

/** What time does to a worker that does not renew. */
async function expire(workerId: WorkerId): Promise<void> {
  await ledgers.owner.query("update worker set alive_until = now() - interval '1 second' where id = $1", [workerId]);
}

const commit = (place: WatchedPlace, workerId: WorkerId, epoch: number, fromCursor: number, toCursor: number) =>
  ledgers.worker.transaction((tx) =>
    claimEpochRange(
      tx,
      { mailboxId: place.mailboxId, workerId, epoch },
      { epochId: place.epochId, fromCursor, toCursor, uidNext: toCursor + 1 },
    ),
  );

describe('mailboxes', () => {
  it('are shared out among workers that ask at the same moment, each to one', async () => {
    const places = [];
    for (let count = 0; count < 24; count += 1) places.push(await watchedPlace(ledgers.worker));
    for (let round = 0; round < 25; round += 1) {
      const workers = await Promise.all(Array.from({ length: 8 }, registered));
      const claimed = await Promise.all(workers.map((worker) => claim(worker, 6)));
      const ids = claimed.flat().map((mailbox) => mailbox.id);
      expect(ids).toHaveLength(new Set(ids).size);
      const rest = await claim(await registered());
      expect([...ids, ...rest.map((mailbox) => mailbox.id)].sort()).toEqual(
        places.map((each) => each.mailboxId).sort(),
      );
      await Promise.all(workers.map((worker) => retireWorker(ledgers.worker, worker)));
    }
  });

  it('are taken no more than was asked for', async () => {
    await watchedPlace(ledgers.worker);
    await watchedPlace(ledgers.worker);
    const worker = await registered();
    expect(await claim(worker, 1)).toHaveLength(1);
    expect(await claim(worker, 0)).toHaveLength(0);
    await retireWorker(ledgers.worker, worker);
  });

  it('are not watched without an open epoch, nor without forwarding', async () => {
    const practice = await practiceIn(ledgers.worker);
    const mailboxId = await mailboxIn(ledgers.worker, [practice]);
    const worker = await registered();
    const isClaimed = async () => (await claim(worker)).some((mailbox) => mailbox.id === mailboxId);
    await ledgers.worker.transaction((tx) =>
      openEpoch(tx, { mailboxId, uidValidity: 1, uidNext: 1, listed: [] }, 'a person'),
    );
    expect(await isClaimed()).toBe(false);
    await ledgers.worker.transaction((tx) => enableIntegration(tx, practice, SHADOW, 'a person'));
    await ledgers.worker.transaction((tx) => closeEpochs(tx, mailboxId, null, 'a person'));
    expect(await isClaimed()).toBe(false);
    await retireWorker(ledgers.worker, worker);
  });

  it('of a paused practice go on being watched', async () => {
    const place = await watchedPlace(ledgers.worker);
    await ledgers.worker.transaction((tx) => changeIntegration(tx, place.practice, 'forwarding', 'paused', 'a person'));
    expect(await claimOne(await registered(), place)).toBe(1);
  });
});

describe('an owner', () => {
  it('keeps its mailbox while it is alive, and loses it only once its time has passed', async () => {
    const place = await watchedPlace(ledgers.worker);
    const [first, second] = [await registered(), await registered()];
    expect(await claimOne(first, place)).toBe(1);
    expect(await claimOne(second, place)).toBeNull();
    await expire(first);
    expect(await claimOne(second, place)).toBe(2);
    expect(await claimOne(first, place)).toBeNull();
  });

  it('takes again, in a new epoch, what is its own in the ledger only, and leaves alone what it reads', async () => {
    const [read, lost] = [await watchedPlace(ledgers.worker), await watchedPlace(ledgers.worker)];
    const worker = await registered();
    await claim(worker);
    const again = await claim(worker, 1_000, [read.mailboxId]);
    expect(again).toContainEqual({ id: lost.mailboxId, ownerEpoch: 2 });
    expect(again.map((mailbox) => mailbox.id)).not.toContain(read.mailboxId);
  });

  it('counts as alive for 30 seconds from each renewal', async () => {
    const worker = await registered();
    const left = 'select extract(epoch from alive_until - now())::float8 as seconds from worker where id = $1';
    await ledgers.owner.query("update worker set alive_until = now() + interval '1 second' where id = $1", [worker]);
    expect(await renewWorker(ledgers.worker, worker)).toBe(true);
    const { rows } = await ledgers.owner.query<{ seconds: number }>(left, [worker]);
    expect(rows[0]?.seconds).toBeGreaterThan(25);
    expect(rows[0]?.seconds).toBeLessThanOrEqual(30);
  });

  it('whose time has passed cannot renew: another may own its mailboxes', async () => {
    const worker = await registered();
    await expire(worker);
    expect(await renewWorker(ledgers.worker, worker)).toBe(false);
    expect(await renewWorker(ledgers.worker, newId<WorkerId>())).toBe(false);
  });

  it('that stops cleanly gives everything back at once', async () => {
    const place = await watchedPlace(ledgers.worker);
    const [first, second] = [await registered(), await registered()];
    await claimOne(first, place);
    await retireWorker(ledgers.worker, first);
    expect(await claimOne(second, place)).toBe(2);
    expect(await renewWorker(ledgers.worker, first)).toBe(false);
  });

  it('that drops a mailbox leaves it to others, and cannot drop that of another', async () => {
    const place = await watchedPlace(ledgers.worker);
    const [first, second] = [await registered(), await registered()];
    await claimOne(first, place);
    await dropMailboxes(ledgers.worker, second, [place.mailboxId]);
    expect(await claimOne(second, place)).toBeNull();
    await dropMailboxes(ledgers.worker, first, [place.mailboxId]);
    expect(await claimOne(second, place)).toBe(2);
  });

  it('is told to drop what was disabled or taken over, and nothing else', async () => {
    const [kept, disabled, taken] = [
      await watchedPlace(ledgers.worker),
      await watchedPlace(ledgers.worker),
      await watchedPlace(ledgers.worker),
    ];
    const worker = await registered();
    await claim(worker);
    const held = [kept.mailboxId, disabled.mailboxId, taken.mailboxId];
    expect(await mailboxesToDrop(ledgers.worker, worker, held)).toEqual([]);
    await ledgers.worker.transaction((tx) =>
      changeIntegration(tx, disabled.practice, 'forwarding', 'disabled', 'a person'),
    );
    await ledgers.owner.query('update mailbox set owner_id = $2 where id = $1', [taken.mailboxId, await registered()]);
    expect([...(await mailboxesToDrop(ledgers.worker, worker, held))].sort()).toEqual(
      [disabled.mailboxId, taken.mailboxId].sort(),
    );
  });
});

describe('a copy', () => {
  it('moves the cursor for the owner, from where the owner knew it to be', async () => {
    const place = await watchedPlace(ledgers.worker);
    const worker = await registered();
    const epoch = (await claimOne(worker, place)) ?? 0;
    expect(await commit(place, worker, epoch, 0, 5)).toBe(true);
    expect(await commit(place, worker, epoch, 0, 7)).toBe(false);
    expect(await openEpochOf(ledgers.worker, place.mailboxId)).toMatchObject({ cursorUid: 5, uidNext: 6 });
  });

  it('of a former owner changes nothing, even where the same worker took it back', async () => {
    const place = await watchedPlace(ledgers.worker);
    const [first, second] = [await registered(), await registered()];
    const old = (await claimOne(first, place)) ?? 0;
    await expire(first);
    const now = (await claimOne(second, place)) ?? 0;
    expect(await commit(place, first, old, 0, 5)).toBe(false);
    expect(await commit(place, first, now, 0, 5)).toBe(false);
    expect(await commit(place, second, old, 0, 5)).toBe(false);
    expect(await openEpochOf(ledgers.worker, place.mailboxId)).toMatchObject({ cursorUid: 0, uidNext: 1 });
    expect(await commit(place, second, now, 0, 5)).toBe(true);
  });

  it('into a closed epoch changes nothing', async () => {
    const place = await watchedPlace(ledgers.worker);
    const worker = await registered();
    const epoch = (await claimOne(worker, place)) ?? 0;
    await ledgers.worker.transaction((tx) => closeEpochs(tx, place.mailboxId, 9, 'a person'));
    expect(await commit(place, worker, epoch, 0, 5)).toBe(false);
  });

  it('moves the cursor for the owner alone where a former one asks at the same moment, in whichever order', async () => {
    for (const isFormerFirst of [true, false]) {
      const place = await watchedPlace(ledgers.worker);
      const worker = await registered();
      const epoch = (await claimOne(worker, place)) ?? 0;
      const claimOf = (ownerEpoch: number, toCursor: number) => ({
        owner: { mailboxId: place.mailboxId, workerId: worker, epoch: ownerEpoch },
        range: { epochId: place.epochId, fromCursor: 0, toCursor, uidNext: 10 },
      });
      const [former, now] = [claimOf(epoch - 1, 7), claimOf(epoch, 5)];
      const answers = await ledgers.worker.transaction((tx) =>
        claimEpochRanges(tx, isFormerFirst ? [former, now] : [now, former]),
      );
      expect(answers).toEqual(isFormerFirst ? [false, true] : [true, false]);
      expect(await openEpochOf(ledgers.worker, place.mailboxId)).toMatchObject({ cursorUid: 5 });
    }
  });

  it('never brings the end of the mailbox back: a smaller uidNext is not believed', async () => {
    const place = await watchedPlace(ledgers.worker);
    const worker = await registered();
    const epoch = (await claimOne(worker, place)) ?? 0;
    await commit(place, worker, epoch, 0, 9);
    const range = { epochId: place.epochId, fromCursor: 9, toCursor: 9, uidNext: 3 };
    const owner = { mailboxId: place.mailboxId, workerId: worker, epoch };
    expect(await ledgers.worker.transaction((tx) => claimEpochRange(tx, owner, range))).toBe(true);
    expect(await openEpochOf(ledgers.worker, place.mailboxId)).toMatchObject({ cursorUid: 9, uidNext: 10 });
  });
});

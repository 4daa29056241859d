import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { openEpoch } from '../../src/practice/practice.ts';
import {
  areAtRest,
  claimMails,
  insertBatch,
  insertCopied,
  insertReplayed,
  insertReports,
  leaveMails,
  mailContent,
  mailOutcomes,
  markRenumbered,
  markVanished,
  overdueBatches,
  releaseMails,
  renewMails,
  setAssignedCopied,
  settleMail,
  waitingAssigned,
} from '../../src/records/records.ts';
import { type BatchId, type MailId, newId } from '../../src/shared/ids.ts';
import { untilBlocked, useLedgers } from '../ledger/ledgers.ts';
import { mailboxIn, practiceIn, type WatchedPlace, watchedPlace } from '../practice/places.ts';
import { copiedMails, copiedRow, digest, expireLease, makeOverdue, newReport, readAs, takeUids } from './rows.ts';

const ledgers = useLedgers();
let place: WatchedPlace;
beforeAll(async () => {
  place = await watchedPlace(ledgers.worker);
});

const NOT_LAB = { verdict: 'not-lab', reason: null } as const;
const LAB = { verdict: null, reason: null } as const;

const claim = (batchId: string, leaseToken: string = randomUUID()) =>
  claimMails(ledgers.worker, [batchId], leaseToken, 1_000_000).then(({ mails }) => mails);
const idsOf = (mails: readonly { readonly id: MailId }[]) => mails.map((mail) => mail.id);

async function mailRow(id: MailId) {
  const text = `select state, verdict, uid, day, content, erased_at is not null as erased, lease_token, read_attempts as attempts
    from mail where id = $1`;
  return (await ledgers.owner.query<Record<string, unknown>>(text, [id])).rows[0];
}

describe('a copied mail', () => {
  it('is kept with everything that a reader needs', async () => {
    const { batchId, mailIds } = await copiedMails(ledgers.worker, place, 3);
    const mails = await claim(batchId);
    expect(idsOf(mails)).toEqual(mailIds);
    expect(mails[0]).toMatchObject({
      mailboxId: place.mailboxId,
      internalDate: new Date('2026-11-22T08:00:00Z'),
      readAttempts: 1,
      content: expect.any(Buffer),
    });
  });

  it('has its uid once: a second copy of it is refused as a whole', async () => {
    const batchId = newId<BatchId>();
    const [first, second] = await ledgers.worker.transaction(async (tx) => {
      const uid = await takeUids(tx, place, 2);
      await insertBatch(tx, batchId, place.mailboxId);
      await insertCopied(tx, [{ place: { ...place, batchId }, rows: [copiedRow(uid)] }]);
      return [uid, uid + 1];
    });
    const again = insertCopied(ledgers.worker, [
      { place: { ...place, batchId }, rows: [copiedRow(second), copiedRow(first)] },
    ]);
    await expect(again).rejects.toMatchObject({ code: 'ledger.refused', fields: { sqlState: '23505' } });
    expect((await ledgers.owner.query('select 1 from mail where read_batch_id = $1', [batchId])).count).toBe(1);
    await insertCopied(ledgers.worker, [{ place: { ...place, batchId }, rows: [copiedRow(second)] }]);
  });

  it('may have no content: it was too large to copy', async () => {
    const batchId = newId<BatchId>();
    await ledgers.worker.transaction(async (tx) => {
      const uid = await takeUids(tx, place, 1);
      await insertBatch(tx, batchId, place.mailboxId);
      await insertCopied(tx, [
        { place: { ...place, batchId }, rows: [copiedRow(uid, { content: null, digest: null, bytes: 2_000_000_000 })] },
      ]);
      await insertCopied(tx, [{ place: { ...place, batchId }, rows: [] }]);
    });
    expect(await claim(batchId)).toMatchObject([{ content: null, bytes: 2_000_000_000 }]);
  });
});

describe('mails that are replayed', () => {
  it('wait to be read like others, and stand outside the accounting of the mailbox', async () => {
    const batchId = newId<BatchId>();
    const id = newId<MailId>();
    const row = { ...copiedRow(1), id, digest: digest(), content: Buffer.from('sealed') };
    await ledgers.worker.transaction(async (tx) => {
      await insertBatch(tx, batchId, null);
      await insertReplayed(tx, { batchId, mailboxId: null }, [row]);
    });
    expect(await claim(batchId)).toMatchObject([{ id, mailboxId: null, content: Buffer.from('sealed') }]);
    expect(idsOf(await mailOutcomes(ledgers.worker, null))).not.toContain(id);
    expect(await mailOutcomes(ledgers.worker, [id])).toMatchObject([
      { id, mailbox: null, uid: null, outcome: 'waiting' },
    ]);
  });
});

describe('mails that were assigned by their date', () => {
  async function assignedPlace() {
    const mailboxId = await mailboxIn(ledgers.worker, [await practiceIn(ledgers.worker)]);
    const listed = [4, 2, 9].map((uid) => ({ uid, internalDate: new Date('2026-10-01T08:00:00Z') }));
    const epoch = await ledgers.worker.transaction((tx) =>
      openEpoch(tx, { mailboxId, uidValidity: 1, uidNext: 10, listed }, 'a person'),
    );
    return { mailboxId, epochId: epoch.id };
  }

  it('wait in the order of their uids, and are filled where they stand, with the date that the mail turned out to have', async () => {
    const { mailboxId, epochId } = await assignedPlace();
    const waiting = await waitingAssigned(ledgers.worker, epochId, 2);
    expect(waiting.map((mail) => mail.uid)).toEqual([2, 4]);
    const batchId = newId<BatchId>();
    await ledgers.worker.transaction(async (tx) => {
      await insertBatch(tx, batchId, mailboxId);
      const rows = waiting.map((mail) => copiedRow(mail.uid, { id: mail.id }));
      await setAssignedCopied(tx, [{ place: { mailboxId, epochId, batchId }, rows }]);
    });
    expect((await waitingAssigned(ledgers.worker, epochId, 9)).map((mail) => mail.uid)).toEqual([9]);
    expect(idsOf(await claim(batchId)).sort()).toEqual(idsOf(waiting).sort());
    expect(await mailRow(waiting[0]?.id ?? newId())).toMatchObject({ day: '2026-11-22' });
  });

  it('are never filled twice', async () => {
    const { mailboxId, epochId } = await assignedPlace();
    const [mail] = await waitingAssigned(ledgers.worker, epochId, 1);
    if (mail === undefined) throw new Error('three wait');
    const [first, second] = [newId<BatchId>(), newId<BatchId>()];
    for (const [batchId, text] of [
      [first, 'first'],
      [second, 'second'],
    ] as const) {
      await insertBatch(ledgers.worker, batchId, mailboxId);
      const rows = [copiedRow(2, { id: mail.id, content: Buffer.from(text) })];
      await setAssignedCopied(ledgers.worker, [{ place: { mailboxId, epochId, batchId }, rows }]);
    }
    expect(await mailRow(mail.id)).toMatchObject({ content: Buffer.from('first') });
    expect(await claim(second)).toEqual([]);
  });

  it('that are gone are vanished on the day that this was noticed; what was copied is not', async () => {
    const { mailboxId, epochId } = await assignedPlace();
    const [gone, copied] = await waitingAssigned(ledgers.worker, epochId, 2);
    if (gone === undefined || copied === undefined) throw new Error('three wait');
    const batchId = newId<BatchId>();
    await insertBatch(ledgers.worker, batchId, mailboxId);
    const rows = [copiedRow(copied.uid, { id: copied.id })];
    await setAssignedCopied(ledgers.worker, [{ place: { mailboxId, epochId, batchId }, rows }]);
    await markVanished(ledgers.worker, { mailboxId, epochId }, [gone, copied], '2026-11-23');
    expect(await mailRow(gone.id)).toMatchObject({ state: 'read', verdict: 'vanished', day: '2026-11-23' });
    expect(await mailRow(copied.id)).toMatchObject({ state: 'copied', verdict: null, day: '2026-11-22' });
  });

  it('and those never seen are all vanished when the server renumbers the mailbox', async () => {
    const { mailboxId, epochId } = await assignedPlace();
    await ledgers.owner.query('update epoch set uid_next = 13 where id = $1', [epochId]);
    expect(await markRenumbered(ledgers.worker, epochId, '2026-11-23')).toBe(6);
    expect(await markRenumbered(ledgers.worker, epochId, '2026-11-23')).toBe(0);
    expect(await waitingAssigned(ledgers.worker, epochId, 9)).toEqual([]);
    const { rows } = await ledgers.owner.query(
      'select verdict, count(*) as n from mail where mailbox_id = $1 group by verdict',
      [mailboxId],
    );
    expect(rows).toEqual([{ verdict: 'vanished', n: 6 }]);
  });
});

describe('claiming a batch', () => {
  it('gives the second who asks nothing', async () => {
    const { batchId, mailIds } = await copiedMails(ledgers.worker, place, 2);
    expect(idsOf(await claim(batchId))).toEqual(mailIds);
    expect(await claim(batchId)).toEqual([]);
  });

  it('says whether anything else of it waits: what is read by itself, or what another reads now', async () => {
    const ask = (batchId: string, largest: number) => claimMails(ledgers.worker, [batchId], randomUUID(), largest);
    const { batchId, mailIds } = await copiedMails(ledgers.worker, place, 2);
    expect(await ask(batchId, 1_000_000)).toMatchObject({ mails: mailIds.map((id) => ({ id })), areAll: true });
    const large = await copiedMails(ledgers.worker, place, 2);
    expect(await ask(large.batchId, 0)).toMatchObject({ mails: [{ id: large.mailIds[0] }], areAll: false });
    expect(await ask(large.batchId, 0)).toMatchObject({ mails: [{ id: large.mailIds[1] }], areAll: false });
    expect(await ask(large.batchId, 0)).toEqual({ mails: [], areAll: false });
  });

  it('at the same moment gives every mail to one', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { batchId, mailIds } = await copiedMails(ledgers.worker, place, 5);
      const claimed = await Promise.all([claim(batchId), claim(batchId), claim(batchId)]);
      expect(claimed.flatMap(idsOf).sort()).toEqual([...mailIds].sort());
    }
  });

  it('whose time ran out is claimed again, and the attempt is counted', async () => {
    const { batchId, mailIds } = await copiedMails(ledgers.worker, place, 2);
    const [lapsed] = mailIds;
    await claim(batchId);
    await expireLease(ledgers.owner, 'mail', lapsed ?? '');
    expect(await claim(batchId)).toMatchObject([{ id: lapsed, readAttempts: 2 }]);
  });

  it('takes large mails, and those whose reading did not end before, one by one after all others', async () => {
    const batchId = newId<BatchId>();
    const [lapsed, large, small, unknown] = await ledgers.worker.transaction(async (tx) => {
      const first = await takeUids(tx, place, 4);
      const sizes = [100, 1_000_001, 1_000_000, 5_000_000];
      const rows = sizes.map((bytes, index) =>
        copiedRow(first + index, { bytes, ...(index === 3 ? { content: null, digest: null } : {}) }),
      );
      await insertBatch(tx, batchId, place.mailboxId);
      await insertCopied(tx, [{ place: { mailboxId: place.mailboxId, epochId: place.epochId, batchId }, rows }]);
      return rows.map((row) => row.id);
    });
    await ledgers.owner.query('update mail set read_attempts = 1 where id = $1', [lapsed ?? '']);
    const claimed: (readonly MailId[])[] = [];
    for (let turn = 0; turn < 5; turn += 1) claimed.push(idsOf(await claim(batchId)));
    expect(claimed).toEqual([[small], [large], [unknown], [lapsed], []]);
  });

  it('whose reading was ended is let go: claimed again at once, and the attempt counts', async () => {
    const { batchId, mailIds } = await copiedMails(ledgers.worker, place);
    const leaseToken = randomUUID();
    await claim(batchId, leaseToken);
    await leaveMails(ledgers.worker, randomUUID());
    expect(await claim(batchId)).toEqual([]);
    await leaveMails(ledgers.worker, leaseToken);
    expect(await claim(batchId)).toMatchObject([{ id: mailIds[0], readAttempts: 2 }]);
  });

  it('keeps the mails of a reader who is still at work, and only theirs', async () => {
    const { batchId, mailIds } = await copiedMails(ledgers.worker, place);
    const [id = newId<MailId>()] = mailIds;
    const leaseToken = randomUUID();
    await claim(batchId, leaseToken);
    await expireLease(ledgers.owner, 'mail', id);
    await renewMails(ledgers.worker, leaseToken);
    expect(await claim(batchId)).toEqual([]);
    await expireLease(ledgers.owner, 'mail', id);
    await renewMails(ledgers.worker, randomUUID());
    expect(await claim(batchId)).toMatchObject([{ id }]);
  });

  it('that passed to another while it was read to its end costs no attempt either, and stays the other’s', async () => {
    const { batchId, mailIds } = await copiedMails(ledgers.worker, place);
    const [id = newId<MailId>()] = mailIds;
    const [first, second] = [randomUUID(), randomUUID()];
    await claim(batchId, first);
    await expireLease(ledgers.owner, 'mail', id);
    expect(await claim(batchId, second)).toMatchObject([{ id, readAttempts: 2 }]);
    await releaseMails(ledgers.worker, first, [id]);
    expect(await claim(batchId)).toEqual([]);
    await expireLease(ledgers.owner, 'mail', id);
    expect(await claim(batchId)).toMatchObject([{ id, readAttempts: 2 }]);
  });

  it('that is given back costs no attempt', async () => {
    const { batchId } = await copiedMails(ledgers.worker, place);
    const leaseToken = randomUUID();
    await claim(batchId, leaseToken);
    await releaseMails(ledgers.worker, randomUUID());
    expect(await claim(batchId)).toEqual([]);
    await releaseMails(ledgers.worker, leaseToken);
    expect(await claim(batchId)).toMatchObject([{ readAttempts: 1 }]);
  });
});

describe('settling a mail', () => {
  it('is for the worker that claimed it: the word of another changes nothing', async () => {
    const { batchId, mailIds } = await copiedMails(ledgers.worker, place);
    const [id = newId<MailId>()] = mailIds;
    const [first, second] = [randomUUID(), randomUUID()];
    await claim(batchId, first);
    expect(await settleMail(ledgers.worker, id, second, NOT_LAB)).toBe(false);
    await expireLease(ledgers.owner, 'mail', id);
    await claim(batchId, second);
    expect(await settleMail(ledgers.worker, id, first, NOT_LAB)).toBe(false);
    expect(await mailRow(id)).toMatchObject({ state: 'copied', verdict: null, content: expect.any(Buffer) });
    expect(await settleMail(ledgers.worker, id, second, LAB)).toBe(true);
    expect(await settleMail(ledgers.worker, id, second, NOT_LAB)).toBe(false);
  });

  it('as no laboratory mail erases its bytes in the same statement', async () => {
    const { batchId, mailIds } = await copiedMails(ledgers.worker, place);
    const [id = newId<MailId>()] = mailIds;
    const leaseToken = randomUUID();
    await claim(batchId, leaseToken);
    await settleMail(ledgers.worker, id, leaseToken, NOT_LAB);
    expect(await mailRow(id)).toMatchObject({ state: 'read', verdict: 'not-lab', content: null, erased: true });
    expect(await mailContent(ledgers.worker, id)).toMatchObject({ id, content: null });
  });

  it('as no laboratory mail, read again beside a report of before, keeps the bytes that this one needs', async () => {
    const mails = await copiedMails(ledgers.worker, place);
    const [id = newId<MailId>()] = mails.mailIds;
    const held = newReport(id, null, { state: 'held', reason: 'practice.unknown-recipient', content: null });
    await readAs(ledgers.worker, mails, [held]);
    await ledgers.owner.query("update mail set state = 'copied' where id = $1", [id]);
    const leaseToken = randomUUID();
    await claim(mails.batchId, leaseToken);
    expect(await settleMail(ledgers.worker, id, leaseToken, NOT_LAB)).toBe(true);
    expect(await mailRow(id)).toMatchObject({ state: 'read', erased: false, content: expect.any(Buffer) });
    expect(await mailOutcomes(ledgers.worker, [id])).toMatchObject([{ outcome: 'held' }]);
  });

  it('as a laboratory mail keeps them', async () => {
    const { batchId, mailIds } = await copiedMails(ledgers.worker, place);
    const [id = newId<MailId>()] = mailIds;
    const leaseToken = randomUUID();
    await claim(batchId, leaseToken);
    await settleMail(ledgers.worker, id, leaseToken, LAB);
    expect(await mailRow(id)).toMatchObject({ state: 'read', erased: false, content: expect.any(Buffer) });
  });
});

describe('the sweeper', () => {
  const overdueIds = async () => (await overdueBatches(ledgers.worker, 10_000)).map((each) => each.id);

  it('adds a batch that nobody reads with the next generation, and then leaves it for a while', async () => {
    const { batchId } = await copiedMails(ledgers.worker, place, 3);
    expect(await overdueIds()).not.toContain(batchId);
    await makeOverdue(ledgers.owner, 'read_batch', batchId);
    expect(await overdueBatches(ledgers.worker, 10_000)).toContainEqual({ id: batchId, generation: 2 });
    expect(await overdueIds()).not.toContain(batchId);
  });

  it('never takes a batch that is being read, or was read', async () => {
    const [claimed, read, lapsed] = [
      await copiedMails(ledgers.worker, place),
      await copiedMails(ledgers.worker, place),
      await copiedMails(ledgers.worker, place),
    ];
    await claim(claimed.batchId);
    await readAs(ledgers.worker, read, []);
    await claim(lapsed.batchId);
    await expireLease(ledgers.owner, 'mail', lapsed.mailIds[0] ?? '');
    for (const { batchId } of [claimed, read, lapsed]) await makeOverdue(ledgers.owner, 'read_batch', batchId);
    const ids = await overdueIds();
    expect(ids).toContain(lapsed.batchId);
    expect(ids).not.toContain(claimed.batchId);
    expect(ids).not.toContain(read.batchId);
  });

  it('in two workers adds a batch once', async () => {
    const { batchId } = await copiedMails(ledgers.worker, place);
    await makeOverdue(ledgers.owner, 'read_batch', batchId);
    let second: Promise<{ id: BatchId }[]> = Promise.resolve([]);
    const first = await ledgers.worker.transaction(async (tx) => {
      const taken = await overdueBatches(tx, 10_000);
      second = overdueBatches(ledgers.worker, 10_000).then((batches) => [...batches]);
      await untilBlocked(ledgers.owner);
      return taken;
    });
    expect(first).toEqual([{ id: batchId, generation: 2 }]);
    expect(await second).toEqual([]);
  });
});

describe('whether mails are at rest', () => {
  it('is so once they were read and nothing of them is on its way', async () => {
    const mails = await copiedMails(ledgers.worker, place);
    expect(await areAtRest(ledgers.worker, mails.mailIds)).toBe(false);
    const report = newReport(mails.mailIds[0] ?? newId<MailId>(), place.practice.id);
    await readAs(ledgers.worker, mails, [report]);
    expect(await areAtRest(ledgers.worker, mails.mailIds)).toBe(false);
    await ledgers.owner.query("update delivery set state = 'held' where id = $1", [report.deliveryId]);
    expect(await areAtRest(ledgers.worker, mails.mailIds)).toBe(true);
    await ledgers.worker.transaction((tx) =>
      insertReports(tx, [newReport(report.mailId, place.practice.id, { reportOrdinal: 2 })]),
    );
    expect(await areAtRest(ledgers.worker, mails.mailIds)).toBe(false);
  });
});

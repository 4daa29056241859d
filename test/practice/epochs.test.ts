import { describe, expect, it } from 'vitest';
import type { Sql } from '../../src/ledger/ledger.ts';
import { assignOlder, closeEpochs, openEpoch, openEpochOf, unfinishedEpochs } from '../../src/practice/practice.ts';
import { accountingOf, discardDisabled } from '../../src/records/records.ts';
import type { MailboxId } from '../../src/shared/ids.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { mailboxIn, practiceIn } from './places.ts';

const ledgers = useLedgers();

const freshMailbox = async () => mailboxIn(ledgers.worker, [await practiceIn(ledgers.worker)]);
const inTransaction = <Answer>(work: (tx: Sql) => Promise<Answer>) => ledgers.worker.transaction(work);
const open = (mailboxId: MailboxId, changes: Partial<Parameters<typeof openEpoch>[1]> = {}) =>
  inTransaction((tx) => openEpoch(tx, { mailboxId, uidValidity: 7, uidNext: 100, listed: [], ...changes }, 'a person'));
const accounting = async (mailboxId: MailboxId) =>
  (await accountingOf(ledgers.worker)).find((each) => each.mailboxId === mailboxId);

/** The greatest uid there is (RFC 9051 §2.3.1.1: 32 bits, not zero). */
const UID_MAX = 4_294_967_295;

describe('an epoch', () => {
  it('opens at this moment’s uidNext: what is older is not ours', async () => {
    const mailboxId = await freshMailbox();
    const epoch = await open(mailboxId);
    expect(epoch).toMatchObject({ mailboxId, uidValidity: 7, startUid: 100, cursorUid: 99, uidNext: 100 });
    expect(await openEpochOf(ledgers.worker, mailboxId)).toEqual(epoch);
    expect(await accounting(mailboxId)).toMatchObject({ assigned: 0, waiting: 0, difference: 0 });
  });

  it('assigns the older mails that are listed, on the Amsterdam day of their date, and counts them as waiting', async () => {
    const mailboxId = await freshMailbox();
    const listed = [
      { uid: 97, internalDate: new Date('2026-11-21T22:59:59Z') },
      { uid: 99, internalDate: new Date('2026-11-21T23:00:00Z') },
    ];
    const epoch = await open(mailboxId, { listed });
    const { rows } = await ledgers.owner.query('select uid, day, state from mail where epoch_id = $1 order by uid', [
      epoch.id,
    ]);
    expect(rows).toEqual([
      { uid: 97, day: '2026-11-21', state: 'assigned' },
      { uid: 99, day: '2026-11-22', state: 'assigned' },
    ]);
    expect(await accounting(mailboxId)).toMatchObject({ assigned: 2, waiting: 2, difference: 0 });
  });

  it('is the only open one of its mailbox', async () => {
    const mailboxId = await freshMailbox();
    await open(mailboxId);
    await expect(open(mailboxId)).rejects.toMatchObject({
      code: 'ledger.refused',
      fields: { constraint: 'epoch_open' },
    });
  });

  it('is audited when it opens and when it closes, in the same transaction', async () => {
    const mailboxId = await freshMailbox();
    await open(mailboxId);
    await inTransaction((tx) => closeEpochs(tx, mailboxId, 105, 'another'));
    await inTransaction((tx) => closeEpochs(tx, mailboxId, 105, 'another'));
    const { rows } = await ledgers.owner.query(
      "select event, actor from audit where object_id = $1 and event like 'mailbox.epoch%' order by id",
      [mailboxId],
    );
    expect(rows).toEqual([
      { event: 'mailbox.epoch-opened', actor: 'a person' },
      { event: 'mailbox.epoch-closed', actor: 'another' },
    ]);
  });

  it.each([
    { uidNext: 105, assigned: 5, when: 'the server said more' },
    { uidNext: 90, assigned: 0, when: 'the server said less' },
    { uidNext: null, assigned: 0, when: 'the server could not be asked' },
  ])('that closes stops assigning at uidNext: $when', async ({ uidNext, assigned }) => {
    const mailboxId = await freshMailbox();
    await open(mailboxId);
    await inTransaction((tx) => closeEpochs(tx, mailboxId, uidNext, 'a person'));
    expect(await openEpochOf(ledgers.worker, mailboxId)).toBeNull();
    expect(await accounting(mailboxId)).toMatchObject({ assigned, waiting: assigned, difference: 0 });
  });

  it('keeps its rows when the next one opens, and both are counted', async () => {
    const mailboxId = await freshMailbox();
    await open(mailboxId, { listed: [{ uid: 9, internalDate: new Date('2026-11-22T08:00:00Z') }] });
    await inTransaction((tx) => closeEpochs(tx, mailboxId, 103, 'worker'));
    // The same uid again: under another uidValidity it is another mail.
    await open(mailboxId, {
      uidValidity: 8,
      uidNext: 10,
      listed: [{ uid: 9, internalDate: new Date('2026-11-22T08:00:00Z') }],
    });
    expect(await accounting(mailboxId)).toMatchObject({ assigned: 5, waiting: 5, difference: 0 });
  });

  it('takes uids and a uidValidity up to the last of 32 bits', async () => {
    const mailboxId = await freshMailbox();
    const epoch = await open(mailboxId, { uidValidity: UID_MAX, uidNext: UID_MAX - 1 });
    await inTransaction((tx) => closeEpochs(tx, mailboxId, UID_MAX, 'a person'));
    expect(epoch).toMatchObject({ uidValidity: UID_MAX, uidNext: UID_MAX - 1 });
    expect(await accounting(mailboxId)).toMatchObject({ assigned: 1, waiting: 1, difference: 0 });
  });

  it.each([
    { what: 'a cursor past the last uid', change: 'cursor_uid = uid_next' },
    { what: 'a cursor before its start', change: 'cursor_uid = start_uid - 2' },
    { what: 'a uidNext before its start', change: 'uid_next = start_uid - 1' },
    { what: 'a uidValidity of zero', change: 'uid_validity = 0' },
  ])('cannot have $what, whoever writes it', async ({ change }) => {
    const epoch = await open(await freshMailbox());
    const written = ledgers.owner.query(`update epoch set ${change} where id = $1`, [epoch.id]);
    await expect(written).rejects.toMatchObject({ fields: { sqlState: '23514' } });
  });
});

const at = (uid: number) => ({ uid, internalDate: new Date('2026-11-22T08:00:00Z') });

describe('what a closed epoch had not copied', () => {
  /** Uids 5 (listed) and 100 to 102 (announced), none of them copied. */
  async function closedWithUncopied() {
    const mailboxId = await freshMailbox();
    const epoch = await open(mailboxId, { listed: [at(5)] });
    await inTransaction((tx) => closeEpochs(tx, mailboxId, 103, 'a person'));
    return { mailboxId, epoch };
  }

  const assignedIn = async (epochId: string) =>
    (
      await ledgers.owner.query<{ uid: number; state: string }>(
        'select uid, state from mail where epoch_id = $1 order by uid',
        [epochId],
      )
    ).rows.map(({ uid, state }) => `${uid} ${state}`);

  it('is found until another epoch takes it over, and is then counted there and nowhere else', async () => {
    const { mailboxId, epoch } = await closedWithUncopied();
    const found = await inTransaction((tx) => unfinishedEpochs(tx, mailboxId));
    expect(found).toEqual([{ id: epoch.id, uidValidity: 7, uidNext: 103 }]);
    // 5 and 101 are listed as well: one row each.
    const next = await open(mailboxId, { uidNext: 110, listed: [at(5), at(101), at(104)], takesOver: [epoch.id] });
    expect(await assignedIn(epoch.id)).toEqual([]);
    expect(await assignedIn(next.id)).toEqual([5, 100, 101, 102, 104].map((uid) => `${uid} assigned`));
    expect(await accounting(mailboxId)).toMatchObject({ assigned: 5, waiting: 5, difference: 0 });
    expect(await inTransaction((tx) => unfinishedEpochs(tx, mailboxId))).toEqual([]);
  });

  it('is not discarded after 7 days once it was taken over, also when both happen at the same moment', async () => {
    for (const _ of [1, 2, 3]) {
      const { mailboxId, epoch } = await closedWithUncopied();
      await ledgers.owner.query(`update epoch set closed_at = now() - interval '8 days' where id = $1`, [epoch.id]);
      const takeOver = inTransaction(async (tx) => {
        const takesOver = (await unfinishedEpochs(tx, mailboxId)).map(({ id }) => id);
        await openEpoch(tx, { mailboxId, uidValidity: 7, uidNext: 110, listed: [], takesOver }, 'a person');
        return takesOver.length;
      });
      const [taken] = await Promise.all([takeOver, discardDisabled(ledgers.worker), discardDisabled(ledgers.worker)]);
      const books = await accounting(mailboxId);
      expect(books).toMatchObject({ assigned: 4, difference: 0 });
      expect((books?.waiting ?? 0) + (books?.discarded ?? 0)).toBe(4);
      expect(books?.waiting).toBe(taken === 1 ? 4 - (books?.discarded ?? 0) : 0);
    }
  });
});

describe('older mails for an epoch that is open', () => {
  it('are assigned once: not those above its start, nor those that have a row under the same numbering', async () => {
    const mailboxId = await freshMailbox();
    await open(mailboxId, { listed: [at(3)] });
    await inTransaction((tx) => closeEpochs(tx, mailboxId, null, 'a person'));
    const epoch = await open(mailboxId, { listed: [at(4)] });
    const assign = () => inTransaction((tx) => assignOlder(tx, epoch, [3, 4, 5, 100].map(at), 'a person'));
    expect(await assign()).toBe(1);
    expect(await assign()).toBe(0);
    expect(await accounting(mailboxId)).toMatchObject({ assigned: 3, waiting: 3, difference: 0 });
    const { rows } = await ledgers.owner.query(
      "select fields from audit where object_id = $1 and event = 'mailbox.older-assigned'",
      [mailboxId],
    );
    expect(rows).toEqual([{ fields: { assigned: 1 } }]);
  });

  it('are assigned again where they were discarded because forwarding was disabled', async () => {
    const mailboxId = await freshMailbox();
    const first = await open(mailboxId, { listed: [at(3)] });
    await inTransaction((tx) => closeEpochs(tx, mailboxId, null, 'a person'));
    await ledgers.owner.query(`update epoch set closed_at = now() - interval '8 days' where id = $1`, [first.id]);
    await discardDisabled(ledgers.worker);
    const epoch = await open(mailboxId);
    expect(await inTransaction((tx) => assignOlder(tx, epoch, [at(3)], 'a person'))).toBe(1);
    expect(await accounting(mailboxId)).toMatchObject({ assigned: 2, waiting: 1, discarded: 1, difference: 0 });
  });

  it('of another numbering are other mails', async () => {
    const mailboxId = await freshMailbox();
    await open(mailboxId, { listed: [at(3)] });
    await inTransaction((tx) => closeEpochs(tx, mailboxId, null, 'a person'));
    const epoch = await open(mailboxId, { uidValidity: 8 });
    expect(await inTransaction((tx) => assignOlder(tx, epoch, [at(3)], 'a person'))).toBe(1);
  });
});

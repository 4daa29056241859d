import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closeEpochs, openEpoch } from '../../src/practice/practice.ts';
import {
  type Accounting,
  accountingOf,
  claimDelivery,
  claimMails,
  discardHeld,
  eraseMail,
  heldItemById,
  insertBatch,
  insertReports,
  markRenumbered,
  markVanished,
  type NewReport,
  postponeDelivery,
  releaseHeld,
  settleDelivery,
  settleMail,
  totalOf,
  waitingAssigned,
} from '../../src/records/records.ts';
import { type BatchId, type DeliveryId, type MailId, newId } from '../../src/shared/ids.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { type WatchedPlace, watchedPlace } from '../practice/places.ts';
import { copiedMails, deliveryIn, newReport, readAs, takeUids } from './rows.ts';

const ledgers = useLedgers();

async function accounting(place: WatchedPlace): Promise<Accounting> {
  const found = (await accountingOf(ledgers.worker)).find((each) => each.mailboxId === place.mailboxId);
  if (found === undefined) throw new Error('the mailbox has an epoch');
  return found;
}

const REST = [
  'forwarded',
  'noCard',
  'shadowed',
  'duplicate',
  'notLab',
  'receipt',
  'held',
  'quarantined',
  'discarded',
  'vanished',
] as const;
const atRest = (books: Accounting) => REST.reduce((sum, field) => sum + books[field], 0);

/** One mailbox on which the steps of the journey happen in any order, as workers, people and servers make them. */
class Journey {
  place: WatchedPlace;
  readonly batches: BatchId[] = [];
  readonly deliveries: DeliveryId[] = [];
  uidValidity = 1;
  assigned = 0;
  /** Of those, the ones that the server spoke of and nobody looked at yet. */
  announced = 0;

  constructor(place: WatchedPlace) {
    this.place = place;
  }

  async copy(count: number): Promise<void> {
    this.batches.push((await copiedMails(ledgers.worker, this.place, count)).batchId);
    this.taken(count);
  }

  /** The server says that more came; nothing was copied yet. */
  async announce(count: number): Promise<void> {
    await ledgers.owner.query('update epoch set uid_next = uid_next + $2 where id = $1', [this.place.epochId, count]);
    this.assigned += count;
    this.announced += count;
  }

  async vanish(count: number): Promise<void> {
    await ledgers.worker.transaction(async (tx) => {
      const first = await takeUids(tx, this.place, count);
      const gone = Array.from({ length: count }, (_, index) => ({ id: newId<MailId>(), uid: first + index }));
      await markVanished(tx, this.place, gone, '2026-11-22');
    });
    this.taken(count);
  }

  private taken(count: number): void {
    this.assigned += Math.max(0, count - this.announced);
    this.announced = Math.max(0, this.announced - count);
  }

  async read(starts: readonly (NewReport['state'] | 'not-lab')[], isGivenUp: boolean): Promise<void> {
    const batchId = this.batches.shift();
    if (batchId === undefined) return;
    const leaseToken = randomUUID();
    const { mails } = await claimMails(ledgers.worker, [batchId], leaseToken, 1_000_000);
    const work = ledgers.worker.transaction(async (tx) => {
      for (const [index, { id }] of mails.entries()) {
        // One mail in the order of the starts has that report, and every third one has a sibling.
        const states = [
          starts[index % starts.length],
          ...(index % 3 === 2 ? [starts[(index + 1) % starts.length]] : []),
        ];
        const reports = states
          .filter((state) => state !== undefined && state !== 'not-lab')
          .map((state, at) => newReport(id, this.place.practice.id, { state, reportOrdinal: at + 1 }));
        const verdict = reports.length === 0 ? 'not-lab' : null;
        if (!(await settleMail(tx, id, leaseToken, { verdict, reason: null }))) continue;
        this.deliveries.push(...(await insertReports(tx, reports)));
      }
      if (isGivenUp) throw new Error('given up');
    });
    await work.catch((thrown: Error) => {
      if (thrown.message !== 'given up') throw thrown;
      this.batches.push(batchId);
    });
    if (isGivenUp) await ledgers.owner.query('update mail set lease_until = now() where read_batch_id = $1', [batchId]);
  }

  async deliver(end: 'forwarded' | 'no-card' | 'shadowed' | 'held' | 'later' | 'crash'): Promise<void> {
    const id = this.deliveries.shift();
    if (id === undefined) return;
    this.deliveries.push(id);
    const leaseToken = randomUUID();
    if ((await claimDelivery(ledgers.worker, id, leaseToken)).kind !== 'claimed') return;
    if (end === 'crash') {
      await ledgers.owner.query("update delivery set lease_until = now() - interval '1 second' where id = $1", [id]);
    } else if (end === 'later') {
      const how = { delayMs: 0, isUncertain: false, isParked: true, isAttemptSpent: true, reason: null };
      await postponeDelivery(ledgers.worker, id, leaseToken, how);
    } else {
      const settlement = { state: end, reason: 'card.several', detail: null, withheldCount: 0, receipt: null };
      await settleDelivery(ledgers.worker, id, leaseToken, settlement);
    }
  }

  async decide(decision: 'release' | 'read-again' | 'discard'): Promise<void> {
    await ledgers.worker.transaction(async (tx) => {
      for (const id of this.deliveries) {
        const item = await heldItemById(tx, id);
        if (item === null) continue;
        if (decision === 'discard') {
          await discardHeld(tx, item);
          return;
        }
        const batchId = decision === 'release' ? null : newId<BatchId>();
        if (batchId !== null) {
          await insertBatch(tx, batchId, this.place.mailboxId);
          this.batches.push(batchId);
        }
        await releaseHeld(tx, item, { batchId, override: null });
        return;
      }
    });
  }

  async erase(): Promise<void> {
    const { rows } = await ledgers.owner.query<{ id: MailId }>('select id from mail where mailbox_id = $1', [
      this.place.mailboxId,
    ]);
    for (const { id } of rows) await eraseMail(ledgers.worker, id);
  }

  /** A new uidValidity: what was not copied is lost to us, and the mailbox is listed again. */
  async renumber(listed: number): Promise<void> {
    this.uidValidity += 1;
    const { mailboxId, epochId } = this.place;
    const epoch = await ledgers.worker.transaction(async (tx) => {
      await markRenumbered(tx, epochId, '2026-11-22');
      await closeEpochs(tx, mailboxId, null, 'worker');
      const mails = Array.from({ length: listed }, (_, index) => ({
        uid: index + 1,
        internalDate: new Date('2026-11-22T08:00:00Z'),
      }));
      const start = { mailboxId, uidValidity: this.uidValidity, uidNext: listed + 1, listed: mails };
      return openEpoch(tx, start, 'worker');
    });
    expect(await waitingAssigned(ledgers.worker, epoch.id, 100)).toHaveLength(listed);
    this.place = { ...this.place, epochId: epoch.id };
    this.assigned += listed;
    this.announced = 0;
  }
}

type Step = (journey: Journey) => Promise<void>;

const count = fc.integer({ min: 1, max: 4 });
const start = fc.constantFrom<NewReport['state'] | 'not-lab'>(
  'ready',
  'ready',
  'duplicate',
  'held',
  'quarantined',
  'discarded',
  'not-lab',
);
const end = fc.constantFrom('forwarded', 'no-card', 'shadowed', 'held', 'later', 'crash' as const);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: count.map(
      (n): Step =>
        (journey) =>
          journey.copy(n),
    ),
  },
  {
    weight: 1,
    arbitrary: count.map(
      (n): Step =>
        (journey) =>
          journey.announce(n),
    ),
  },
  {
    weight: 1,
    arbitrary: count.map(
      (n): Step =>
        (journey) =>
          journey.vanish(n),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.array(start, { minLength: 1, maxLength: 4 }), fc.integer({ min: 0, max: 4 })).map(
      ([starts, luck]): Step =>
        (journey) =>
          journey.read(starts, luck === 0),
    ),
  },
  {
    weight: 5,
    arbitrary: end.map(
      (how): Step =>
        (journey) =>
          journey.deliver(how),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('release', 'read-again', 'discard' as const).map(
      (how): Step =>
        (j) =>
          j.decide(how),
    ),
  },
  { weight: 1, arbitrary: fc.constant<Step>((journey) => journey.erase()) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 0, max: 3 }).map(
      (n): Step =>
        (journey) =>
          journey.renumber(n),
    ),
  },
);

describe('the accounting', () => {
  /** Walks through sequences of steps, checking the books after each; answers which states were met on the way. */
  async function walk(parameters: { readonly numRuns: number; readonly seed?: number }): Promise<ReadonlySet<string>> {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
        const journey = new Journey(await watchedPlace(ledgers.worker));
        for (const next of steps) {
          await next(journey);
          const books = await accounting(journey.place);
          expect(books.difference).toBe(0);
          expect(books.assigned).toBe(journey.assigned);
          expect(books.waiting + atRest(books)).toBe(books.assigned);
          expect(books.seen).toBe(books.assigned - books.vanished);
          for (const field of [...REST, 'waiting'] as const) if (books[field] > 0) seen.add(field);
        }
      }),
      parameters,
    );
    return seen;
  }

  it('closes after every step, in whatever order steps happen', async () => {
    await walk({ numRuns: 30 });
  }, 60_000);

  // A seed of its own: thirty sequences of chance may well miss a state.
  it('closes in every state that a mail can come to', async () => {
    const seen = await walk({ numRuns: 30, seed: 20_261_122 });
    // Steps that never bring a mail into a state would prove nothing about it. A receipt is not made by a step yet.
    expect([...seen].sort()).toEqual([...REST.filter((field) => field !== 'receipt'), 'waiting'].sort());
  }, 60_000);

  it('shows a mail that was deleted by hand as a difference', async () => {
    const place = await watchedPlace(ledgers.worker);
    const { mailIds } = await copiedMails(ledgers.worker, place, 3);
    expect(await accounting(place)).toMatchObject({ assigned: 3, waiting: 3, difference: 0 });
    await ledgers.owner.query('delete from mail where id = $1', [mailIds[1] ?? '']);
    expect(await accounting(place)).toMatchObject({ assigned: 3, waiting: 2, difference: 1 });
  });

  it('shows a report that was deleted by hand as a difference: its mail was read, and nothing became of it', async () => {
    const place = await watchedPlace(ledgers.worker);
    const report = await deliveryIn(ledgers, place, 'forwarded');
    expect(await accounting(place)).toMatchObject({ assigned: 1, forwarded: 1, difference: 0 });
    await ledgers.owner.query('delete from report where id = $1', [report.id]);
    expect(await accounting(place)).toMatchObject({ assigned: 1, forwarded: 0, difference: 1 });
  });

  it('shows a cursor that was moved by hand over a uid without a row as a difference', async () => {
    const place = await watchedPlace(ledgers.worker);
    await copiedMails(ledgers.worker, place);
    await ledgers.owner.query('update epoch set cursor_uid = cursor_uid + 1, uid_next = uid_next + 1 where id = $1', [
      place.epochId,
    ]);
    expect(await accounting(place)).toMatchObject({ assigned: 2, waiting: 1, difference: 1 });
  });

  it('counts a mail once, however many reports it has', async () => {
    const place = await watchedPlace(ledgers.worker);
    const mails = await copiedMails(ledgers.worker, place);
    const [mailId = newId<MailId>()] = mails.mailIds;
    const reports = [1, 2, 3].map((reportOrdinal) => newReport(mailId, place.practice.id, { reportOrdinal }));
    await readAs(ledgers.worker, mails, reports);
    expect(await accounting(place)).toMatchObject({ assigned: 1, waiting: 1, difference: 0 });
  });

  it('sums over mailboxes, and a mailbox without an epoch is not there', async () => {
    const books = await accountingOf(ledgers.worker);
    const total = totalOf(books);
    expect(total.assigned).toBe(books.reduce((sum, each) => sum + each.assigned, 0));
    expect(total.assigned).toBe(total.waiting + atRest(total) + total.difference);
    expect(totalOf([])).toMatchObject({ assigned: 0, difference: 0 });
    const place = await watchedPlace(ledgers.worker);
    await ledgers.owner.query('delete from epoch where id = $1', [place.epochId]);
    expect((await accountingOf(ledgers.worker)).map((each) => each.mailboxId)).not.toContain(place.mailboxId);
  });
});

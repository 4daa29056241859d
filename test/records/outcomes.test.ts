import { beforeAll, describe, expect, it } from 'vitest';
import { DELIVERY_STATES, type DeliveryState, type MailOutcome, OUTCOMES } from '../../src/ledger/ledger.ts';
import {
  claimMails,
  insertReports,
  mailContent,
  mailOutcomes,
  reportContent,
  settleMail,
} from '../../src/records/records.ts';
import { type DeliveryId, type MailId, newId } from '../../src/shared/ids.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { type WatchedPlace, watchedPlace } from '../practice/places.ts';
import { boardAfter, copiedMails, deliveryIn, newReport } from './rows.ts';

const ledgers = useLedgers();
let place: WatchedPlace;
beforeAll(async () => {
  place = await watchedPlace(ledgers.worker);
});

const STATES = Object.keys(DELIVERY_STATES) as DeliveryState[];
const PAIRS = STATES.flatMap((one) => STATES.map((other) => ({ one, other })));
const ON_THE_WAY: readonly DeliveryState[] = ['ready', 'sending', 'uncertain'];
const countsAs = (state: DeliveryState): MailOutcome =>
  ON_THE_WAY.includes(state) ? 'waiting' : (state as Exclude<DeliveryState, 'ready' | 'sending' | 'uncertain'>);

async function outcomeOf(mailId: MailId): Promise<MailOutcome | undefined> {
  return (await mailOutcomes(ledgers.worker, [mailId]))[0]?.outcome;
}

describe('what a mail counts as', () => {
  it.each(
    PAIRS,
  )('with one report $one and one $other is the first of the two in the order of outcomes', async (pair) => {
    const { mailId } = await deliveryIn(ledgers, place, pair.one);
    const sibling = newReport(mailId, place.practice.id, { reportOrdinal: 2 });
    await ledgers.worker.transaction((tx) => insertReports(tx, [sibling]));
    await ledgers.owner.query('update delivery set state = $2 where id = $1', [sibling.deliveryId, pair.other]);
    const expected = OUTCOMES.find((outcome) => [countsAs(pair.one), countsAs(pair.other)].includes(outcome));
    expect(await outcomeOf(mailId)).toBe(expected);
  });

  it('is waiting until it was read', async () => {
    const { batchId, mailIds } = await copiedMails(ledgers.worker, place);
    const [mailId = newId<MailId>()] = mailIds;
    expect(await outcomeOf(mailId)).toBe('waiting');
    await claimMails(ledgers.worker, [batchId], newId(), 1_000_000);
    expect(await outcomeOf(mailId)).toBe('waiting');
  });

  it.each([
    'not-lab',
    'receipt',
    'duplicate',
    'discarded',
    'vanished',
  ])('is its verdict %s where it has no report', async (verdict) => {
    const { mailIds } = await copiedMails(ledgers.worker, place);
    const [mailId = newId<MailId>()] = mailIds;
    await ledgers.owner.query("update mail set state = 'read', verdict = $2 where id = $1", [mailId, verdict]);
    expect(await outcomeOf(mailId)).toBe(verdict);
  });

  it('is nothing that is counted where it was read, but neither a verdict nor a report is there', async () => {
    const { batchId, mailIds } = await copiedMails(ledgers.worker, place);
    const [mailId = newId<MailId>()] = mailIds;
    const leaseToken = newId();
    await claimMails(ledgers.worker, [batchId], leaseToken, 1_000_000);
    await settleMail(ledgers.worker, mailId, leaseToken, { verdict: null, reason: null });
    expect(await outcomeOf(mailId)).toBe('unaccounted');
  });

  it('is not changed by the board: that is settled after the card', async () => {
    const { mailId, deliveryId } = await deliveryIn(ledgers, place, 'ready');
    const boardId = newId<DeliveryId>();
    await boardAfter(ledgers.worker, deliveryId, boardId);
    expect(await outcomeOf(mailId)).toBe('forwarded');
    await ledgers.owner.query("update delivery set state = 'held', reason = 'board.refused' where id = $1", [boardId]);
    expect(await mailOutcomes(ledgers.worker, [mailId])).toMatchObject([
      {
        outcome: 'forwarded',
        mailbox: expect.any(String),
        reports: [
          { deliveryId, target: 'patient-card', state: 'forwarded', practiceAgb: place.practice.agb },
          { deliveryId: boardId, target: 'board', state: 'held', reason: 'board.refused' },
        ],
      },
    ]);
  });
});

describe('looking up what is not there', () => {
  it('answers nothing', async () => {
    expect(await mailOutcomes(ledgers.worker, [newId<MailId>()])).toEqual([]);
    expect(await mailOutcomes(ledgers.worker, [])).toEqual([]);
    expect(await mailContent(ledgers.worker, 'nonsense')).toBeNull();
    expect(await reportContent(ledgers.worker, newId())).toBeNull();
  });
});

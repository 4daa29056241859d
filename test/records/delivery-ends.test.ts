/** One statement records the end of many deliveries with all that belongs to it: each part of it for those alone that ended. */

import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  claimDelivery,
  type NewReport,
  type SettledRow,
  settleDeliveries,
  type UncodedRow,
  uncodedTotals,
} from '../../src/records/records.ts';
import { type DeliveryId, newId } from '../../src/shared/ids.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { type WatchedPlace, watchedPlace } from '../practice/places.ts';
import { copiedMails, deliveryIn, deliveryRow, digest, expireLease, newReport, readAs } from './rows.ts';

const ledgers = useLedgers();
let place: WatchedPlace;
beforeAll(async () => {
  place = await watchedPlace(ledgers.worker);
});
beforeEach(() => ledgers.owner.query('delete from uncoded'));

const UNCODED: UncodedRow = { laboratory: 'sandbox-noord', code: 'GEW', why: 'unknown-code', count: 1 };

async function claimed({ deliveryId }: NewReport): Promise<string> {
  const leaseToken = randomUUID();
  const answer = await claimDelivery(ledgers.worker, deliveryId, leaseToken);
  if (answer.kind !== 'claimed') throw new Error(answer.kind);
  return leaseToken;
}

/** As forwarded, with everything that can go along. */
function endOf({ deliveryId }: NewReport, leaseToken: string, changes: Partial<SettledRow> = {}): SettledRow {
  return {
    id: deliveryId,
    leaseToken,
    state: 'forwarded',
    reason: null,
    detail: null,
    withheldCount: 0,
    receipt: null,
    isStranger: false,
    boardId: newId<DeliveryId>(),
    uncoded: [UNCODED],
    entries: [
      { event: 'report.looked-up', actor: 'worker', objectKind: 'delivery', objectId: deliveryId },
      { event: 'report.forwarded', actor: 'worker', objectKind: 'delivery', objectId: deliveryId },
    ],
    ...changes,
  };
}

const strangerOf = (report: NewReport, leaseToken: string) =>
  endOf(report, leaseToken, { state: 'no-card', isStranger: true, boardId: null, uncoded: [], entries: [] });

const settle = (...rows: readonly SettledRow[]) => settleDeliveries(ledgers.worker, rows);
const hasContent = async ({ id }: NewReport) =>
  (await ledgers.owner.query('select 1 from report where id = $1 and content is not null and erased_at is null', [id]))
    .count === 1;
const hasBytes = async (mailId: string) =>
  (await ledgers.owner.query('select 1 from mail where id = $1 and content is not null', [mailId])).count === 1;
const auditedOf = async ({ deliveryId }: NewReport) =>
  (
    await ledgers.owner.query<{ event: string }>('select event from audit where object_id = $1 order by id', [
      deliveryId,
    ])
  ).rows.map(({ event }) => event);
const boardsOf = async ({ id }: NewReport) =>
  (
    await ledgers.owner.query<{ id: string }>(`select id from delivery where report_id = $1 and target = 'board'`, [id])
  ).rows.map((row) => row.id);

/** A mail with these reports, each claimed; siblings may be put into other states. */
async function mailWith(...changes: readonly Partial<NewReport>[]): Promise<readonly NewReport[]> {
  const mails = await copiedMails(ledgers.worker, place);
  const [mailId] = mails.mailIds;
  if (mailId === undefined) throw new Error('no mail');
  const reports = changes.map((change, index) =>
    newReport(mailId, place.practice.id, { reportOrdinal: index + 1, ...change }),
  );
  await readAs(ledgers.worker, mails, reports);
  return reports;
}

describe('deliveries that end in one statement', () => {
  it('each have their board, their audit rows in order, and what is counted', async () => {
    const [one, other] = [await deliveryIn(ledgers, place, 'ready'), await deliveryIn(ledgers, place, 'ready')];
    const rows = [
      endOf(one, await claimed(one)),
      endOf(other, await claimed(other), { boardId: null, withheldCount: 3 }),
    ];
    const settled = await settle(...rows);
    expect(settled.get(one.deliveryId)).toMatchObject({ at: expect.any(Date), boardId: rows[0]?.boardId, next: null });
    expect(settled.get(other.deliveryId)).toMatchObject({ boardId: null, next: null });
    for (const report of [one, other]) {
      expect(await deliveryRow(ledgers.owner, report.deliveryId)).toMatchObject({
        state: 'forwarded',
        lease_token: null,
      });
      expect(await auditedOf(report)).toEqual(['report.looked-up', 'report.forwarded']);
      expect(await hasContent(report)).toBe(true);
    }
    expect([await boardsOf(one), await boardsOf(other)]).toEqual([[rows[0]?.boardId], []]);
    expect(await uncodedTotals(ledgers.worker, null)).toMatchObject([{ code: 'GEW', count: 2 }]);
    const withheld = 'select withheld_count as count from report where id = $1';
    expect((await ledgers.owner.query(withheld, [other.id])).rows).toEqual([{ count: 3 }]);
  });

  it('are not those whose claim had passed to another: of them nothing is recorded, counted or erased', async () => {
    const [ours, theirs] = [await deliveryIn(ledgers, place, 'ready'), await deliveryIn(ledgers, place, 'ready')];
    const [token, late] = [await claimed(ours), await claimed(theirs)];
    await expireLease(ledgers.owner, 'delivery', theirs.deliveryId);
    await claimed(theirs);
    const settled = await settle(endOf(theirs, late, { isStranger: true }), endOf(ours, token));
    expect([...settled.keys()]).toEqual([ours.deliveryId]);
    expect(await deliveryRow(ledgers.owner, theirs.deliveryId)).toMatchObject({ state: 'uncertain' });
    expect([await auditedOf(theirs), await boardsOf(theirs)]).toEqual([[], []]);
    expect([await hasContent(theirs), await hasBytes(theirs.mailId)]).toEqual([true, true]);
    expect(await uncodedTotals(ledgers.worker, null)).toMatchObject([{ code: 'GEW', count: 1 }]);
  });

  it('end with all that belongs to it or not at all: where an audit row is refused the claim stands', async () => {
    const report = await deliveryIn(ledgers, place, 'ready');
    const leaseToken = await claimed(report);
    const entry = {
      event: 'report.looked-up',
      actor: 'worker',
      objectKind: 'delivery',
      objectId: report.deliveryId,
    } as const;
    const refused = settle(endOf(report, leaseToken, { entries: [{ ...entry, outcome: 'unheard-of' as 'success' }] }));
    await expect(refused).rejects.toMatchObject({ code: 'ledger.refused' });
    expect(await deliveryRow(ledgers.owner, report.deliveryId)).toMatchObject({
      state: 'sending',
      lease_token: leaseToken,
    });
    expect([await auditedOf(report), await boardsOf(report)]).toEqual([[], []]);
    expect(await uncodedTotals(ledgers.worker, null)).toEqual([]);
  });

  it('say what waits for the same patient and target: the oldest that was never tried', async () => {
    const patientKey = digest();
    const [first, second] = [
      await deliveryIn(ledgers, place, 'ready', { patientKey }),
      await deliveryIn(ledgers, place, 'ready', { patientKey }),
    ];
    await deliveryIn(ledgers, place, 'ready', { patientKey });
    await deliveryIn(ledgers, place, 'ready');
    const settled = await settle(endOf(first, await claimed(first)));
    expect(settled.get(first.deliveryId)?.next).toBe(second.deliveryId);
  });
});

describe('the end of a report whose patient is not followed', () => {
  it('takes its content and the bytes of its mail, also of several in one mail, and leaves a sibling its content', async () => {
    const [one, other, forwarded] = await mailWith({}, {}, {});
    if (one === undefined || other === undefined || forwarded === undefined) throw new Error('three reports');
    const tokens = [await claimed(one), await claimed(other)] as const;
    await settle(strangerOf(one, tokens[0]), strangerOf(other, tokens[1]));
    expect([await hasContent(one), await hasContent(other), await hasContent(forwarded)]).toEqual([false, false, true]);
    expect(await hasBytes(one.mailId)).toBe(false);
  });

  it('leaves the bytes where only they say what another payload is', async () => {
    const [one] = await mailWith({}, { kind: 'payload', state: 'quarantined', reason: 'edifact.truncated' });
    if (one === undefined) throw new Error('a report');
    await settle(strangerOf(one, await claimed(one)));
    expect([await hasContent(one), await hasBytes(one.mailId)]).toEqual([false, true]);
  });

  it('takes its content also where another delivery of the same report ends in that statement', async () => {
    const [one] = await mailWith({});
    if (one === undefined) throw new Error('a report');
    const boardId = newId<DeliveryId>();
    await settle(endOf(one, await claimed(one), { boardId }));
    await ledgers.owner.query("update delivery set state = 'ready', settled_at = null where id = $1", [one.deliveryId]);
    const board = { ...one, deliveryId: boardId };
    const tokens = [await claimed(one), await claimed(board)] as const;
    const ofBoard = endOf(board, tokens[1], { boardId: null, withheldCount: 2 });
    expect((await settle(ofBoard, strangerOf(one, tokens[0]))).size).toBe(2);
    expect([await hasContent(one), await hasBytes(one.mailId)]).toEqual([false, false]);
  });
});

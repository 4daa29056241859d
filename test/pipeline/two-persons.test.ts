import { beforeAll, describe, expect, it } from 'vitest';
import { discardHold } from '../../src/pipeline/pipeline.ts';
import { heldItemById, reportContent } from '../../src/records/records.ts';
import { useLedgers } from '../ledger/ledgers.ts';
import { type WatchedPlace, watchedPlace } from '../practice/places.ts';
import { deliveryIn, deliveryRow } from '../records/rows.ts';

const ledgers = useLedgers();
let place: WatchedPlace;
beforeAll(async () => {
  place = await watchedPlace(ledgers.worker);
});

async function heldFor(days: number, state: 'held' | 'quarantined' = 'held') {
  const report = await deliveryIn(ledgers, place, state, { state, reason: 'card.several' });
  await daysPass(report, days);
  return report;
}

type Report = Awaited<ReturnType<typeof deliveryIn>>;
async function daysPass({ deliveryId, mailId }: Report, days: number): Promise<void> {
  const past = 'now() - make_interval(days => $2)';
  await ledgers.owner.query(`update delivery set settled_at = ${past} where id = $1`, [deliveryId, days]);
  await ledgers.owner.query(`update mail set copied_at = ${past} where id = $1`, [mailId, days]);
}

const discard = (id: string, by: string, reason = 'gebeld') =>
  discardHold({ ledger: ledgers.worker }, id, { by, reason, overrideCard: null });
const audited = async (id: string) =>
  (
    await ledgers.owner.query(
      `select event, actor, reason, fields ->> 'askedBy' as "askedBy" from audit where object_id = $1 and actor <> 'worker' order by id`,
      [id],
    )
  ).rows;
const stateOf = async (id: string) => (await deliveryRow(ledgers.owner, id))?.state;

describe('a discard after 90 days', () => {
  it('is asked by one person and done when another confirms it; both are audited', async () => {
    const { deliveryId, id } = await heldFor(91);
    expect(await discard(deliveryId, 'sanne', 'laboratorium bestaat niet meer')).toEqual({ kind: 'asked' });
    expect(await stateOf(deliveryId)).toBe('held');
    expect(await reportContent(ledgers.worker, id)).not.toBeNull();
    const item = await ledgers.worker.transaction((tx) => heldItemById(tx, deliveryId));
    expect(item?.discardWish).toMatchObject({ by: 'sanne', reason: 'laboratorium bestaat niet meer' });

    expect(await discard(deliveryId, 'pieter')).toEqual({ kind: 'discarded' });
    expect(await stateOf(deliveryId)).toBe('discarded');
    expect(await reportContent(ledgers.worker, id)).toBeNull();
    expect(await audited(deliveryId)).toEqual([
      {
        event: 'report.discard-asked',
        actor: 'sanne',
        reason: 'laboratorium bestaat niet meer',
        askedBy: null,
      },
      { event: 'report.discarded', actor: 'pieter', reason: 'gebeld', askedBy: 'sanne' },
    ]);
  });

  it.each(['sanne', 'Sanne ', 'SANNE'])('is refused to the same person twice, also as %j', async (again) => {
    const { deliveryId } = await heldFor(91, 'quarantined');
    await discard(deliveryId, 'sanne');
    await expect(discard(deliveryId, again)).rejects.toMatchObject({
      code: 'decision.same-person',
      kind: 'permanent',
      fields: { id: deliveryId },
    });
    expect(await stateOf(deliveryId)).toBe('quarantined');
    expect(await audited(deliveryId)).toHaveLength(1);
  });

  it('takes one of two who ask at the same moment for the second', async () => {
    const { deliveryId } = await heldFor(91);
    const answers = await Promise.all([discard(deliveryId, 'sanne'), discard(deliveryId, 'pieter')]);
    expect(answers.map(({ kind }) => kind).sort()).toEqual(['asked', 'discarded']);
  });

  it('needs two also where a release had the hold begin anew', async () => {
    const report = await heldFor(91);
    await ledgers.owner.query('update delivery set settled_at = now() where id = $1', [report.deliveryId]);
    expect(await discard(report.deliveryId, 'sanne')).toEqual({ kind: 'asked' });
  });

  it('of one that joined the hold is about the hold', async () => {
    const original = await heldFor(91);
    const joined = await deliveryIn(ledgers, place, 'held', {
      state: 'held',
      reason: 'card.several',
      originalId: original.deliveryId,
      content: null,
    });
    expect(await discard(joined.deliveryId, 'sanne')).toEqual({ kind: 'asked' });
    expect(await discard(original.deliveryId, 'pieter')).toEqual({ kind: 'discarded' });
    expect([await stateOf(joined.deliveryId), await stateOf(original.deliveryId)]).toEqual(['discarded', 'discarded']);
  });
});

describe('a reason', () => {
  it.each([
    'van 999990019',
    'BSN:9999.90.019.',
    '999990019',
  ])('that may name a patient is refused: %s', async (reason) => {
    const { deliveryId } = await heldFor(1);
    await expect(discard(deliveryId, 'sanne', reason)).rejects.toMatchObject({
      code: 'decision.reason-bsn',
      message: 'decision.reason-bsn',
    });
    await expect(discard(deliveryId, reason)).rejects.toMatchObject({ code: 'decision.reason-bsn' });
    expect(await stateOf(deliveryId)).toBe('held');
    expect(await audited(deliveryId)).toEqual([]);
  });
});

describe('a discard before 90 days', () => {
  it('needs one person', async () => {
    const { deliveryId } = await heldFor(89);
    expect(await discard(deliveryId, 'sanne')).toEqual({ kind: 'discarded' });
    expect(await audited(deliveryId)).toMatchObject([{ event: 'report.discarded', actor: 'sanne', askedBy: null }]);
  });
});

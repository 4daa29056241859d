import { beforeEach, describe, expect, it } from 'vitest';
import { type AlarmObject, openAlarms, settleAlarms } from '../../src/alarms/alarms.ts';
import { useLedgers } from '../ledger/ledgers.ts';

const ledgers = useLedgers();
beforeEach(async () => {
  await ledgers.owner.query('truncate alarm');
});

const PRACTICE = '00000000-0000-7000-8000-000000000001';
const object = (objectId: string, practiceId: string | null = null): AlarmObject => ({ objectId, practiceId });
const settle = (kind: string, ...objects: readonly AlarmObject[]) =>
  ledgers.worker.transaction((tx) => settleAlarms(tx, kind, 'warn', async () => objects));
const open = async () => (await openAlarms(ledgers.worker)).map(({ kind, objectId }) => `${kind} ${objectId}`);

describe('an alarm', () => {
  it('opens once, stays while its object is among those of its kind, and closes once', async () => {
    const a = object('a', PRACTICE);
    expect(await settle('hold.owner', a)).toEqual({ opened: [a], closed: [] });
    expect(await settle('hold.owner', a)).toEqual({ opened: [], closed: [] });
    const b = object('b');
    expect(await settle('hold.owner', a, b)).toEqual({ opened: [b], closed: [] });
    expect(await settle('hold.owner', b)).toEqual({ opened: [], closed: [a] });
    expect(await settle('hold.owner')).toEqual({ opened: [], closed: [b] });
    expect(await settle('hold.owner')).toEqual({ opened: [], closed: [] });
  });

  it('opens anew after it was closed, as another row', async () => {
    for (const objects of [[object('a')], [], [object('a')]]) await settle('hold.owner', ...objects);
    expect(await open()).toEqual(['hold.owner a']);
    expect((await ledgers.owner.query('select 1 from alarm')).count).toBe(2);
  });

  it('is of one kind: another kind of the same object is another alarm', async () => {
    await settle('hold.owner', object('a'));
    await settle('hold.customer-care', object('a'));
    await settle('hold.owner');
    expect(await open()).toEqual(['hold.customer-care a']);
  });

  it('is opened by one of many that look at the same moment', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => settle('hold.owner', object('a'), object('b'))));
    expect(answers.flatMap(({ opened }) => opened)).toHaveLength(2);
    expect(await open()).toHaveLength(2);
  });

  it('is left alone while another worker settles the same kind', async () => {
    await settle('hold.owner', object('a'));
    await ledgers.owner.transaction(async (tx) => {
      await settleAlarms(tx, 'hold.owner', 'warn', async () => [object('a')]);
      expect(await settle('hold.owner')).toEqual({ opened: [], closed: [] });
      expect(await settle('hold.customer-care', object('a'))).toMatchObject({ opened: [object('a')] });
    });
    expect(await open()).toHaveLength(2);
  });

  it('is listed with the gravest first, and then the oldest', async () => {
    await settle('hold.owner', object('young'), object('old', PRACTICE));
    await ledgers.owner.query(`update alarm set opened_at = now() - interval '1 day' where object_id = 'old'`);
    await ledgers.worker.transaction((tx) => settleAlarms(tx, 'x.grave', 'error', async () => [object('grave')]));
    expect(await openAlarms(ledgers.worker)).toMatchObject([
      { kind: 'x.grave', level: 'error', objectId: 'grave', practiceId: null },
      { kind: 'hold.owner', level: 'warn', objectId: 'old', practiceId: PRACTICE },
      { objectId: 'young' },
    ]);
  });
});

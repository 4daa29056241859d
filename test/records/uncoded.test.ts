import { beforeEach, describe, expect, it } from 'vitest';
import { addUncoded, type UncodedRow, uncodedTotals } from '../../src/records/records.ts';
import { useLedgers } from '../ledger/ledgers.ts';

const ledgers = useLedgers();
const rows = (...codes: readonly string[]): readonly UncodedRow[] =>
  codes.map((code) => ({ laboratory: 'sandbox-noord', code, why: 'unknown-code', count: 1 }));
const add = (sent: readonly UncodedRow[]) => ledgers.worker.transaction((tx) => addUncoded(tx, sent));

beforeEach(() => ledgers.owner.query('delete from uncoded'));

describe('the counts of results without a code', () => {
  it('add up per laboratory, code and reason, the most frequent first', async () => {
    await add([
      { laboratory: 'sandbox-noord', code: 'GEW', why: 'unknown-code', count: 1 },
      { laboratory: 'sandbox-noord', code: null, why: 'unknown-code', count: 2 },
      { laboratory: '500099777', code: 'HBACB', why: 'other-unit', count: 1 },
    ]);
    await add([{ laboratory: 'sandbox-noord', code: 'GEW', why: 'unknown-code', count: 4 }]);
    expect(await uncodedTotals(ledgers.worker, null)).toMatchObject([
      { laboratory: '500099777', code: 'HBACB', why: 'other-unit', count: 1 },
      { laboratory: 'sandbox-noord', code: 'GEW', why: 'unknown-code', count: 5 },
      { laboratory: 'sandbox-noord', code: null, why: 'unknown-code', count: 2 },
    ]);
    expect(await uncodedTotals(ledgers.worker, '500099777')).toHaveLength(1);
    expect(await uncodedTotals(ledgers.worker, 'nobody')).toEqual([]);
  });

  it('are as nothing happened where the transaction is rolled back', async () => {
    const failing = ledgers.worker.transaction(async (tx) => {
      await addUncoded(tx, rows('GEW'));
      throw new Error('the step fails after it');
    });
    await expect(failing).rejects.toThrow();
    expect(await uncodedTotals(ledgers.worker, null)).toEqual([]);
  });

  it('of many reports at once neither wait for each other for ever nor lose one', async () => {
    const codes = ['A', 'B', 'C', 'D', 'E'];
    const orders = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? codes : codes.toReversed()));
    await Promise.all(orders.map((order) => add(rows(...order))));
    const totals = await uncodedTotals(ledgers.worker, null);
    expect(totals.map(({ code, count }) => `${code} ${count}`)).toEqual(codes.map((code) => `${code} 20`));
  });

  it('take nothing that has not the shape of a code, whoever asks', async () => {
    await expect(add(rows('van de Berg'))).rejects.toMatchObject({ code: 'ledger.refused' });
  });
});

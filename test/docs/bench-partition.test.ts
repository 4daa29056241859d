/** The benchmark that docs/past-one-machine.md quotes: both sides do the same work, and its document says what it measured. */

import { describe, expect, it } from 'vitest';
import { comparePartitions } from '../bench/partition.ts';
import { lowestId, monthsUntil } from '../bench/partition-copy.ts';

const FEW = { mails: 2_000, rounds: 1, batches: 1, lookUps: 2, beside: 20, jobs: 200 };

describe('the ledger beside its partitioned copy', () => {
  it('does every step on both, and finds the same books, the same due content and the same oldest month', async () => {
    // Throws where the two differ.
    const result = await comparePartitions(FEW, () => {});
    expect(result.steps.map(({ step }) => step)).toEqual([
      'copy',
      'read',
      'deliver',
      'sweep',
      'look-up',
      'accounting',
      'prune',
      'vacuum after it',
      'remove a month',
      'vacuum after that',
    ]);
    for (const { cost, times } of result.steps) {
      expect(cost.plain).toHaveLength(cost.months.length);
      expect(times.ms.min).toBeGreaterThan(0);
    }
    expect(result.mails).toBeGreaterThan(1_990);
    const rows = [...Object.values(result.bytesPerRow.plain), ...Object.values(result.bytesPerRow.months)];
    expect(rows).toHaveLength(10);
    for (const { table, indexes } of rows) expect(Math.min(table, indexes)).toBeGreaterThan(0);
    for (const bytes of Object.values(result.beside.tableBytes)) expect(bytes).toBeGreaterThan(0);
    expect(result.redisBytesPerJob).toBeGreaterThan(100);
  }, 300_000);

  it('has months that follow on one another, in the order of the ids that are made in them', () => {
    const now = new Date('2026-11-27T12:00:00Z');
    const months = monthsUntil(now, 14);
    months.forEach(({ to }, index) => {
      if (index < 13) expect(months[index + 1]?.from).toEqual(to);
    });
    expect(lowestId(new Date('2022-02-22T19:22:22Z'))).toBe('017f22e2-79b0-0000-0000-000000000000');
    expect(months.at(-1)?.from.getTime()).toBeLessThan(now.getTime());
    expect(months.at(-1)?.to.getTime()).toBeGreaterThan(now.getTime());
  });
});

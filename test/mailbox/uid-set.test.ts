import fc from 'fast-check';
import { expect, it } from 'vitest';
import { uidSet } from '../../src/mailbox/uid-set.ts';

it('writes neighbours as ranges and the rest one by one', () => {
  expect(uidSet([1, 2, 3, 7, 9, 10])).toBe('1:3,7,9:10');
  expect(uidSet([4_294_967_295])).toBe('4294967295');
  expect(uidSet([])).toBe('');
});

it('names each uid exactly once', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 300 })), (uids) => {
      const ascending = uids.sort((one, other) => one - other);
      expect(read(uidSet(ascending))).toEqual(ascending);
    }),
  );
});

function read(text: string): number[] {
  return text
    .split(',')
    .filter(Boolean)
    .flatMap((range) => {
      const [from = 0, to = from] = range.split(':').map(Number);
      return Array.from({ length: to - from + 1 }, (_, i) => from + i);
    });
}

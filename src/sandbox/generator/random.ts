/**
 * Chance that can be repeated: the same seed gives the same numbers, on every machine.
 *
 * Mulberry32 on 32-bit integers, and a sum of even draws for the bell curve: both are exact arithmetic, where a logarithm
 * or cosine may differ in its last bit from one engine to the next. Good enough for traffic, for nothing secret.
 */

import { Failure } from '../../shared/failure.ts';

export interface Random {
  /** Even over [0, 1). */
  next(): number;
  /** A whole number, both ends included. */
  int(low: number, high: number): number;
  isLucky(share: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** As `pick`, by the weight of each. */
  pickWeighted<T>(items: readonly (readonly [item: T, weight: number])[]): T;
  /** About a bell curve; never further than six deviations away. */
  bell(mean: number, deviation: number): number;
}

/** Only the lower 32 bits of the seed count. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const pick = <T>(items: readonly T[]): T => present(items[Math.floor(next() * items.length)]);
  return {
    next,
    pick,
    int: (low, high) => low + Math.floor(next() * (high - low + 1)),
    isLucky: (share) => next() < share,
    pickWeighted: (items) => pickWeighted(items, next()),
    bell: (mean, deviation) => mean + deviation * (Array.from({ length: 12 }, next).reduce((a, b) => a + b, 0) - 6),
  };
}

/** A seed of its own for each purpose, so that more draws for one leave the others as they were. */
export function derivedSeed(seed: number, purpose: number): number {
  return (Math.imul(seed >>> 0, 0x9e3779b1) ^ Math.imul(purpose, 0x85ebca6b)) >>> 0;
}

function pickWeighted<T>(items: readonly (readonly [item: T, weight: number])[], draw: number): T {
  const total = items.reduce((sum, [, weight]) => sum + weight, 0);
  let left = draw * total;
  for (const [item, weight] of items) {
    left -= weight;
    if (left < 0) return item;
  }
  return present(items.at(-1))[0];
}

function present<T>(item: T | undefined): T {
  if (item === undefined) throw new Failure('sandbox.nothing-to-pick', { kind: 'defect' });
  return item;
}

import { expect, it } from 'vitest';
import { newPollPace } from '../../src/mailbox/poll-pace.ts';

const SHORTEST = 30_000;
const LONGEST = 120_000;

const pace = (random = 1) => newPollPace(SHORTEST, LONGEST, () => random);

it('is short on a new connection, and grows while looks that nobody asked for find nothing', () => {
  const { connected, visited, nextMs } = pace();
  const waits = Array.from({ length: 4 }, () => {
    const waitMs = nextMs();
    visited('nothing', false);
    return waitMs;
  });
  expect(waits).toEqual([30_000, 120_000, 120_000, 120_000]);
  connected();
  expect(nextMs()).toBe(SHORTEST);
});

it('is short after mail came, announced or not, until a look finds nothing more', () => {
  const { visited, nextMs } = pace();
  for (const heard of ['hint', 'nothing', 'woken'] as const) {
    visited('nothing', false);
    visited(heard, true);
    expect(nextMs()).toBe(SHORTEST);
  }
  visited('nothing', false);
  expect(nextMs()).toBe(LONGEST);
});

it('does not grow by hints that meant nothing new: only silence that was true proves anything', () => {
  const { visited, nextMs } = pace();
  visited('hint', false);
  visited('hint', false);
  expect(nextMs()).toBe(SHORTEST);
});

it('never grows where the server does not listen, and shrinks where it stops', () => {
  const { visited, nextMs } = pace();
  visited('deaf', false);
  expect(nextMs()).toBe(SHORTEST);
  visited('nothing', false);
  visited('deaf', false);
  expect(nextMs()).toBe(SHORTEST);
});

it('believes no silence after two finds in a row that were not announced, over reconnects too, until a hint told of mail', () => {
  const { connected, visited, nextMs } = pace();
  visited('nothing', true);
  // Found because we looked anyhow: the server said nothing, and was not asked to.
  visited('woken', true);
  visited('nothing', true);
  connected();
  for (let look = 0; look < 50; look += 1) visited('nothing', false);
  expect(nextMs()).toBe(SHORTEST);
  visited('hint', false);
  visited('nothing', false);
  expect(nextMs()).toBe(SHORTEST);
  visited('hint', true);
  visited('nothing', false);
  expect(nextMs()).toBe(LONGEST);
});

it('forgives one: a hint can meet a server that was falling asleep', () => {
  const { visited, nextMs } = pace();
  visited('nothing', true);
  visited('nothing', false);
  expect(nextMs()).toBe(LONGEST);
});

it('never grows where the longest is no longer than the shortest, and comes up to a fifth sooner', () => {
  const same = newPollPace(SHORTEST, 1_000, () => 0);
  same.visited('nothing', false);
  expect(same.nextMs()).toBe(0.8 * SHORTEST);
});

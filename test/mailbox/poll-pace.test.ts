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
  expect(waits).toEqual([30_000, 60_000, 120_000, 120_000]);
  connected();
  expect(nextMs()).toBe(SHORTEST);
});

it('is short after mail came, announced or not, and stays so for four looks: mail seldom comes alone', () => {
  const { visited, nextMs } = pace();
  visited('nothing', false);
  visited('hint', true);
  for (let look = 0; look < 4; look += 1) {
    visited('nothing', false);
    expect(nextMs()).toBe(SHORTEST);
  }
  visited('nothing', false);
  expect(nextMs()).toBe(2 * SHORTEST);
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

it('stays short for twenty looks where one found mail that was not announced, over reconnects too', () => {
  const { connected, visited, nextMs } = pace();
  visited('nothing', true);
  connected();
  for (let look = 0; look < 20; look += 1) visited('nothing', false);
  expect(nextMs()).toBe(SHORTEST);
  visited('nothing', false);
  expect(nextMs()).toBe(2 * SHORTEST);
});

it('never grows where the longest is no longer than the shortest, and comes up to a fifth sooner', () => {
  const same = newPollPace(SHORTEST, 1_000, () => 0);
  same.visited('nothing', false);
  expect(same.nextMs()).toBe(0.8 * SHORTEST);
});

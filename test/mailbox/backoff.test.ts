import { expect, it } from 'vitest';
import { newBackoff } from '../../src/mailbox/backoff.ts';
import { mailboxFailure } from '../../src/mailbox/failures.ts';

const MINUTE_MS = 60_000;
const unreachable = { failure: mailboxFailure('unreachable'), livedMs: null, hasVisited: false };
const refused = { failure: mailboxFailure('login-refused'), livedMs: null, hasVisited: false };

function waits(count: number, next: () => number): number[] {
  return Array.from({ length: count }, next);
}

it('doubles from a second to five minutes while nothing works', () => {
  const backoff = newBackoff(() => 1);
  const seen = waits(11, () => backoff.next(unreachable));
  expect(seen.slice(0, 4)).toEqual([1_000, 2_000, 4_000, 8_000]);
  expect(seen.at(-1)).toBe(5 * MINUTE_MS);
});

it('spreads by up to a half, downwards', () => {
  expect(newBackoff(() => 0).next(unreachable)).toBe(500);
  expect(newBackoff(() => 0.5).next(unreachable)).toBe(750);
});

it('leaves a refused login alone for five minutes at least, then longer, up to an hour', () => {
  const backoff = newBackoff(() => 0);
  expect(waits(6, () => backoff.next(refused) / MINUTE_MS)).toEqual([5, 10, 20, 40, 60, 60]);
  expect(newBackoff(() => 1).next(refused)).toBeGreaterThan(5 * MINUTE_MS);
});

it('does not forget refused logins over an outage in between, but does over a login that succeeds', () => {
  const backoff = newBackoff(() => 0);
  waits(3, () => backoff.next(refused));
  backoff.next(unreachable);
  expect(backoff.next(refused)).toBe(40 * MINUTE_MS);
  backoff.next({ ...unreachable, livedMs: 10 });
  expect(backoff.next(refused)).toBe(5 * MINUTE_MS);
});

it('grows for a server that takes us and drops us at once', () => {
  const backoff = newBackoff(() => 1);
  const dropped = { failure: mailboxFailure('disconnected'), livedMs: 20, hasVisited: false };
  expect(waits(4, () => backoff.next(dropped))).toEqual([1_000, 2_000, 4_000, 8_000]);
});

it('logs in twice a minute at most on a server that drops us after every visit', () => {
  const backoff = newBackoff(() => 1);
  const dropped = { failure: mailboxFailure('disconnected'), livedMs: 200, hasVisited: true };
  expect(waits(12, () => backoff.next(dropped)).at(-1)).toBe(30_000);
});

it('starts anew after a connection that lived five minutes', () => {
  const backoff = newBackoff(() => 1);
  waits(8, () => backoff.next(unreachable));
  expect(backoff.next({ ...unreachable, livedMs: 5 * MINUTE_MS, hasVisited: true })).toBe(1_000);
});

it('waits as long as a server that throttles asks for', () => {
  expect(newBackoff(() => 0).next({ ...unreachable, failure: mailboxFailure('throttled') })).toBe(30_000);
  const asking = { ...unreachable, failure: mailboxFailure('throttled', {}, 92_415) };
  expect(newBackoff(() => 0).next(asking)).toBe(92_415);
});

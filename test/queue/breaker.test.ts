import { describe, expect, it } from 'vitest';
import { type Breaker, newBreaker } from '../../src/queue/queue.ts';
import { Failure, type FailureKind } from '../../src/shared/failure.ts';
import { type FakeClock, fakeClock } from '../mailbox/fake-clock.ts';

interface Bench {
  readonly clock: FakeClock;
  readonly breaker: Breaker;
  readonly changes: boolean[];
}

function bench(random = () => 0): Bench {
  const clock = fakeClock();
  const changes: boolean[] = [];
  const breaker = newBreaker({ target: 'card', clock, random, onChange: (isOpen) => void changes.push(isOpen) });
  return { clock, breaker, changes };
}

const well = async () => 'answer';
const failing =
  (kind: FailureKind, more: { scope?: 'item' | 'peer'; retryAfterMs?: number } = {}) =>
  async () => {
    throw new Failure('card.test', { kind, ...more });
  };
const away = failing('transient', { scope: 'peer' });

/** The code of the failure that the guard ends with, or the answer. */
async function tried(breaker: Breaker, item: string, act: () => Promise<string>): Promise<string> {
  return breaker.guard(item, act).catch((thrown: Failure) => thrown.code);
}

describe('a circuit breaker', () => {
  it('lets everything pass while things go well, and counts an item’s own refusal as an answer', async () => {
    const { breaker, changes } = bench();
    for (let turn = 0; turn < 10; turn += 1) {
      expect(await tried(breaker, `item ${turn}`, turn % 2 === 0 ? well : failing('permanent'))).toMatch(
        /answer|card.test/,
      );
    }
    expect(breaker.waitMs()).toBe(0);
    expect(changes).toEqual([]);
  });

  it('opens at once for a peer’s own failing, and then asks nothing', async () => {
    const { breaker, clock, changes } = bench();
    await tried(breaker, 'a', away);
    expect(breaker.waitMs()).toBe(2_000);
    let asked = 0;
    const counting = async () => {
      asked += 1;
      return 'answer';
    };
    const refused = await breaker.guard('b', counting).catch((thrown: Failure) => thrown);
    expect(refused).toMatchObject({ code: 'card.paused', kind: 'transient', scope: 'peer', retryAfterMs: 2_000 });
    expect(asked).toBe(0);
    await clock.advance(2_000);
    expect(await tried(breaker, 'b', counting)).toBe('answer');
    expect(breaker.isOpen()).toBe(false);
    expect(changes).toEqual([true, false]);
  });

  it('opens when three different items fail in a row, not when one fails three times', async () => {
    const { breaker } = bench();
    for (let turn = 0; turn < 5; turn += 1) await tried(breaker, 'a', failing('ambiguous'));
    expect(breaker.isOpen()).toBe(false);
    await tried(breaker, 'b', failing('transient'));
    expect(breaker.isOpen()).toBe(false);
    await tried(breaker, 'c', failing('ambiguous'));
    expect(breaker.isOpen()).toBe(true);
  });

  it('begins to count anew after any success', async () => {
    const { breaker } = bench();
    for (const item of ['a', 'b', 'c', 'd']) {
      await tried(breaker, item, failing('ambiguous'));
      await tried(breaker, 'well', well);
    }
    expect(breaker.isOpen()).toBe(false);
  });

  it('asks with one at a time, ever more rarely, and at most half a minute apart', async () => {
    const { breaker, clock } = bench();
    await tried(breaker, 'a', away);
    for (const expected of [4_000, 8_000, 16_000, 30_000, 30_000]) {
      await clock.advance(breaker.waitMs());
      const first = Promise.withResolvers<string>();
      const probing = tried(breaker, 'b', () => first.promise);
      expect(await tried(breaker, 'c', well)).toBe('card.paused');
      first.reject(new Failure('card.test', { kind: 'transient', scope: 'peer' }));
      await probing;
      expect(breaker.waitMs()).toBe(expected);
    }
  });

  it('waits as long as it is asked to, six hours at most, and asks a refused login ever more rarely, at last every five minutes', async () => {
    const asked = bench().breaker;
    await tried(asked, 'a', failing('transient', { scope: 'peer', retryAfterMs: 90_000 }));
    expect(asked.waitMs()).toBe(90_000);
    const forever = bench().breaker;
    await tried(forever, 'a', failing('transient', { scope: 'peer', retryAfterMs: 9_000_000_000 }));
    expect(forever.waitMs()).toBe(6 * 3_600_000);
    const { breaker: refused, clock } = bench();
    const waits: number[] = [];
    for (let turn = 0; turn < 10; turn += 1) {
      await tried(refused, 'a', failing('permanent', { scope: 'peer' }));
      waits.push(refused.waitMs());
      await clock.advance(refused.waitMs());
    }
    expect(waits.slice(0, 3)).toEqual([2_000, 4_000, 8_000]);
    expect(waits.slice(-2)).toEqual([300_000, 300_000]);
  });

  it('is not kept open by one item that always fails: that one spends its attempts again', async () => {
    const { breaker, clock } = bench();
    for (const item of ['a', 'b', 'poison']) await tried(breaker, item, failing('ambiguous'));
    expect(breaker.isOpen()).toBe(true);
    await clock.advance(breaker.waitMs());
    await tried(breaker, 'poison', failing('ambiguous'));
    expect(breaker.isOpen()).toBe(true);
    await clock.advance(breaker.waitMs());
    await tried(breaker, 'poison', failing('ambiguous'));
    expect(breaker.isOpen()).toBe(false);
    expect(await tried(breaker, 'c', well)).toBe('answer');
  });

  it('does not take for news what began before it opened', async () => {
    const { breaker, clock } = bench();
    const slow = Promise.withResolvers<string>();
    const old = tried(breaker, 'old', () => slow.promise);
    await clock.advance(10);
    await tried(breaker, 'a', away);
    const waitMs = breaker.waitMs();
    slow.reject(new Failure('card.test', { kind: 'transient', scope: 'peer' }));
    await old;
    expect(breaker.waitMs()).toBe(waitMs);
  });

  it('spreads its waits, and never lengthens them by it', async () => {
    const { breaker } = bench(() => 0.999);
    await tried(breaker, 'a', away);
    expect(breaker.waitMs()).toBeGreaterThanOrEqual(1_500);
    expect(breaker.waitMs()).toBeLessThan(2_000);
  });
});

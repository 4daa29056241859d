import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AdaptiveLimit, newAdaptiveLimit } from '../../src/queue/queue.ts';
import { Failure } from '../../src/shared/failure.ts';
import { type FakeClock, fakeClock, settle } from '../mailbox/fake-clock.ts';

const busy = () => new Failure('card.busy', { kind: 'transient', scope: 'peer', retryAfterMs: 3_000 });
const late = () => new Failure('card.no-answer', { kind: 'ambiguous' });
const own = () => new Failure('card.refused', { kind: 'permanent' });

interface Bench {
  readonly clock: FakeClock;
  readonly turns: AdaptiveLimit;
  readonly less: number[];
  /** Requests that the target has and has not answered, in the order in which it got them. */
  readonly under: Asked[];
}

interface Asked {
  readonly name: string;
  readonly well: () => void;
  readonly fail: (failure: Failure) => void;
}

function bench(most: number): Bench {
  const clock = fakeClock();
  const less: number[] = [];
  const turns = newAdaptiveLimit({
    most,
    clock,
    strainOf: ({ code }) => (code === 'card.busy' ? 'refused' : code === 'card.no-answer' ? 'late' : null),
    onLess: (limit) => void less.push(limit),
  });
  return { clock, turns, less, under: [] };
}

/** Asks, and says how it ended: `well`, or the code of its failure. */
function ask({ turns, under }: Bench, name = ''): Promise<string> {
  const act = () => {
    const answer = Promise.withResolvers<string>();
    const gone = () => void under.splice(under.indexOf(asked), 1);
    const asked = {
      name,
      well: () => {
        gone();
        answer.resolve('well');
      },
      fail: (failure: Failure) => {
        gone();
        answer.reject(failure);
      },
    };
    under.push(asked);
    return answer.promise;
  };
  return turns.run(act).catch((thrown: Failure) => thrown.code);
}

const many = (at: Bench, count: number) => Array.from({ length: count }, (_, index) => ask(at, String(index)));

/** All that is under way is answered, and what comes in its place, until nothing is. */
async function answerAll({ under }: Bench): Promise<void> {
  await settle();
  while (under.length > 0) {
    for (const asked of [...under]) asked.well();
    await settle();
  }
}

/** As many good answers as one round has, with the limit used to the full. */
async function fullRound(at: Bench): Promise<void> {
  const asked = many(at, at.turns.load().limit);
  await settle();
  // The first is replaced while the others run, so that all are answered while it is full.
  for (let left = asked.length; left > 0; left -= 1) {
    const more = left === 1 ? null : ask(at);
    at.under[0]?.well();
    await settle();
    if (more === null) break;
  }
  await answerAll(at);
}

describe('a limit of requests at once', () => {
  it('lets as many go as its most, and the others in the order of asking', async () => {
    const at = bench(3);
    const asked = many(at, 6);
    await settle();
    expect(at.under.map(({ name }) => name)).toEqual(['0', '1', '2']);
    expect(at.turns.load()).toEqual({ limit: 3, running: 3 });
    at.under[1]?.well();
    await settle();
    expect(at.under.map(({ name }) => name)).toEqual(['0', '2', '3']);
    await answerAll(at);
    expect(await Promise.all(asked)).toEqual(['well', 'well', 'well', 'well', 'well', 'well']);
    expect(at.turns.load()).toEqual({ limit: 3, running: 0 });
    expect(at.less).toEqual([]);
  });

  it('is halved once for all that was refused of one burst, and again for what began after that', async () => {
    const at = bench(16);
    const burst = many(at, 16);
    await settle();
    for (const asked of [...at.under]) asked.fail(busy());
    expect(new Set(await Promise.all(burst))).toEqual(new Set(['card.busy']));
    expect(at.less).toEqual([8]);
    const second = many(at, 8);
    await settle();
    for (const asked of [...at.under]) asked.fail(busy());
    await Promise.all(second);
    expect(at.less).toEqual([8, 4]);
  });

  it('is halved from what was under way, where that was less than the limit', async () => {
    const at = bench(32);
    const asked = many(at, 6);
    await settle();
    at.under[0]?.fail(busy());
    await settle();
    expect(at.turns.load()).toEqual({ limit: 3, running: 5 });
    await answerAll(at);
    await Promise.all(asked);
  });

  it('is never less than one', async () => {
    const at = bench(2);
    for (let turn = 0; turn < 5; turn += 1) {
      const asked = ask(at);
      await settle();
      at.under[0]?.fail(busy());
      await asked;
    }
    expect(at.turns.load().limit).toBe(1);
    const asked = ask(at);
    await answerAll(at);
    expect(await asked).toBe('well');
  });

  it('refuses what waits with the very answer of the target, without asking it', async () => {
    const at = bench(2);
    const asked = many(at, 5);
    await settle();
    const refusal = busy();
    at.under[0]?.fail(refusal);
    expect(await Promise.all([asked[0], asked[2], asked[3], asked[4]])).toEqual(Array(4).fill('card.busy'));
    expect(at.under.map(({ name }) => name)).toEqual(['1']);
    await answerAll(at);
    expect(await asked[1]).toBe('well');
  });

  it('grows by one per round of good answers, up to its most and no further', async () => {
    const at = bench(6);
    await lowered(at, 2);
    await at.clock.advance(60_000);
    const seen: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      await fullRound(at);
      seen.push(at.turns.load().limit);
    }
    expect(seen).toEqual([3, 4, 5, 6, 6, 6, 6, 6]);
  });

  it('does not grow while nobody wants more', async () => {
    const at = bench(8);
    await lowered(at, 4);
    await at.clock.advance(60_000);
    for (let turn = 0; turn < 100; turn += 1) {
      const asked = ask(at);
      await answerAll(at);
      await asked;
    }
    expect(at.turns.load().limit).toBe(4);
  });

  it('keeps below what was too many last time for a minute', async () => {
    const at = bench(9);
    const burst = many(at, 9);
    await settle();
    at.under[0]?.fail(busy());
    await answerAll(at);
    await Promise.all(burst);
    for (let round = 0; round < 20; round += 1) await fullRound(at);
    expect(at.turns.load().limit).toBe(8);
    await at.clock.advance(59_000);
    await fullRound(at);
    expect(at.turns.load().limit).toBe(8);
    await at.clock.advance(1_000);
    await fullRound(at);
    expect(at.turns.load().limit).toBe(9);
  });

  it('takes one without an answer for its own trouble where others were answered meanwhile, else for everybody’s', async () => {
    const at = bench(8);
    const asked = many(at, 4);
    await settle();
    at.under[3]?.well();
    await settle();
    at.under[0]?.fail(late());
    await settle();
    expect(at.less).toEqual([]);
    await answerAll(at);
    await Promise.all(asked);
    const hung = many(at, 4);
    await settle();
    for (const request of [...at.under]) request.fail(late());
    await Promise.all(hung);
    expect(at.less).toEqual([2]);
  });

  it('is not changed by what is an item’s own', async () => {
    const at = bench(4);
    const asked = many(at, 4);
    await settle();
    for (const request of [...at.under]) request.fail(own());
    await Promise.all(asked);
    expect(at.turns.load()).toEqual({ limit: 4, running: 0 });
  });

  it('loses no place where what is asked throws at once', async () => {
    const at = bench(1);
    const thrower = () => {
      throw own();
    };
    for (let turn = 0; turn < 3; turn += 1) await expect(at.turns.run(thrower)).rejects.toThrow('card.refused');
    expect(at.turns.load()).toEqual({ limit: 1, running: 0 });
  });
});

/** Brings it down to `limit` at a moment that is forgotten after a minute. */
async function lowered(at: Bench, limit: number): Promise<void> {
  const burst = many(at, 2 * limit);
  await settle();
  at.under[0]?.fail(busy());
  await answerAll(at);
  await Promise.all(burst);
  expect(at.turns.load()).toEqual({ limit, running: 0 });
}

describe('work of several requests', () => {
  it('begins at once while the target takes all that it is offered', async () => {
    const { turns } = bench(1);
    const begun = await Promise.all(Array.from({ length: 50 }, () => turns.begin()));
    expect(begun.filter((end) => end === null)).toEqual([]);
  });

  it('waits in the order of asking where it takes less, until what has begun ends', async () => {
    const at = bench(4);
    await lowered(at, 1);
    const begun: string[] = [];
    const ends: (() => void)[] = [];
    const begin = async (name: string) => {
      const end = await at.turns.begin();
      if (end === null) return;
      begun.push(name);
      ends.push(end);
    };
    const all = ['a', 'b', 'c', 'd'].map(begin);
    await settle();
    expect(begun).toEqual(['a', 'b']);
    ends[0]?.();
    ends[0]?.();
    await settle();
    expect(begun).toEqual(['a', 'b', 'c']);
    ends[1]?.();
    await Promise.all(all);
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
  });

  it('that waits makes the limit grow, also where what has begun is not asking all the time', async () => {
    const at = bench(4);
    await lowered(at, 1);
    await at.clock.advance(60_000);
    await Promise.all([at.turns.begin(), at.turns.begin()]);
    const third = at.turns.begin();
    const asked = ask(at);
    await answerAll(at);
    await asked;
    expect(at.turns.load().limit).toBe(2);
    expect(await third).not.toBeNull();
  });

  it('is let go when the worker stops, and what has begun goes on', async () => {
    const at = bench(4);
    await lowered(at, 1);
    await Promise.all([at.turns.begin(), at.turns.begin()]);
    const waiting = [at.turns.begin(), at.turns.begin()];
    const asked = many(at, 3);
    at.turns.close();
    expect(await Promise.all(waiting)).toEqual([null, null]);
    expect(await at.turns.begin()).toBeNull();
    await answerAll(at);
    expect(await Promise.all(asked)).toEqual(['well', 'well', 'well']);
  });
});

describe('whatever a target answers, in whatever order', () => {
  it('the limit stays between one and its most, never more are under way than when it was set, and nobody is forgotten', async () => {
    const step = fc.record({
      asks: fc.nat({ max: 6 }),
      which: fc.nat(),
      end: fc.constantFrom('well', 'well', 'well', 'busy', 'late', 'own'),
      ms: fc.nat({ max: 40_000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 12 }), fc.array(step, { maxLength: 60 }), async (most, steps) => {
        const at = bench(most);
        const all: Promise<string>[] = [];
        for (const { asks, which, end, ms } of steps) {
          const before = at.under.length;
          all.push(...many(at, asks));
          await settle();
          const { limit, running } = at.turns.load();
          expect(limit).toBeGreaterThanOrEqual(1);
          expect(limit).toBeLessThanOrEqual(most);
          expect(running).toBe(at.under.length);
          expect(running).toBeLessThanOrEqual(Math.max(limit, before));
          const chosen = at.under[which % Math.max(1, at.under.length)];
          if (end === 'well') chosen?.well();
          else chosen?.fail({ busy, late, own }[end]());
          await at.clock.advance(ms);
        }
        await answerAll(at);
        expect(at.turns.load().running).toBe(0);
        await Promise.all(all);
      }),
      { numRuns: 60 },
    );
  });
});

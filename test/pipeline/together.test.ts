import { describe, expect, it } from 'vitest';
import type { Courier } from '../../src/pipeline/pipeline.ts';
import { perLedger, together } from '../../src/pipeline/together.ts';
import { Failure } from '../../src/shared/failure.ts';
import { silentLogger } from '../../src/shared/logger.ts';

/** An act that says with whom it was called, and waits until it is let go. */
function slowly() {
  const rounds: string[][] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const act = async (items: readonly string[]) => {
    rounds.push([...items]);
    const gate = Promise.withResolvers<void>();
    gates.push(gate);
    await gate.promise;
    return items.map((item) => item.toUpperCase());
  };
  return { act, rounds, letGo: (round: number) => gates[round]?.resolve() };
}

describe('what is asked for together', () => {
  it('is answered at once where one asks alone, and together where others ask meanwhile', async () => {
    const { act, rounds, letGo } = slowly();
    const ask = together(act, { most: 10 });
    const first = ask('a');
    await expect.poll(() => rounds).toEqual([['a']]);
    const others = [ask('b'), ask('c')];
    letGo(0);
    expect(await first).toBe('A');
    await expect.poll(() => rounds).toEqual([['a'], ['b', 'c']]);
    letGo(1);
    expect(await Promise.all(others)).toEqual(['B', 'C']);
  });

  it('has as many rounds under way as it has lanes, and what comes meanwhile waits for the first that is free', async () => {
    const { act, rounds, letGo } = slowly();
    const ask = together(act, { most: 10, lanes: 2 });
    const first = ask('a');
    await expect.poll(() => rounds).toEqual([['a']]);
    const second = ask('b');
    await expect.poll(() => rounds).toEqual([['a'], ['b']]);
    const others = [ask('c'), ask('d')];
    letGo(1);
    expect(await second).toBe('B');
    await expect.poll(() => rounds).toEqual([['a'], ['b'], ['c', 'd']]);
    letGo(2);
    expect(await Promise.all(others)).toEqual(['C', 'D']);
    letGo(0);
    expect(await first).toBe('A');
  });

  it('is no more than the most at once, and nobody is forgotten', async () => {
    const sizes: number[] = [];
    const ask = together(
      async (items: readonly number[]) => {
        sizes.push(items.length);
        return items.map((item) => item * 2);
      },
      { most: 4 },
    );
    const asked = Array.from({ length: 10 }, (_, index) => ask(index));
    expect(await Promise.all(asked)).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
    expect(sizes).toEqual([4, 4, 2]);
  });

  it('keeps apart what may not go together, the later one in the next round', async () => {
    const rounds: string[][] = [];
    const ask = together(
      async (items: readonly string[]) => {
        rounds.push([...items]);
        return items;
      },
      { most: 10, fits: (item, chosen) => !chosen.includes(item) },
    );
    expect(await Promise.all([ask('x'), ask('x'), ask('y')])).toEqual(['x', 'x', 'y']);
    expect(rounds).toEqual([['x', 'y'], ['x']]);
  });

  it('is tried one by one where one of several is refused: its trouble is its own', async () => {
    const rounds: string[][] = [];
    const ask = together(
      async (items: readonly string[]) => {
        rounds.push([...items]);
        if (items.includes('bad')) throw new Failure('ledger.refused', { kind: 'defect' });
        return items;
      },
      { most: 10 },
    );
    const answers = await Promise.allSettled([ask('good'), ask('bad'), ask('fine')]);
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(rounds).toEqual([['good', 'bad', 'fine'], ['good'], ['bad'], ['fine']]);
  });

  it('is not tried again by anybody where the ledger is away, and is asked again by the next', async () => {
    let isAway = true;
    let rounds = 0;
    const ask = together(
      async (items: readonly string[]) => {
        rounds += 1;
        if (isAway) throw new Failure('ledger.unreachable', { kind: 'transient', scope: 'peer' });
        return items;
      },
      { most: 10 },
    );
    const answers = await Promise.allSettled([ask('a'), ask('b')]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(rounds).toBe(1);
    isAway = false;
    expect(await ask('c')).toBe('c');
  });
});

describe('what is kept per ledger', () => {
  it('is one for all couriers of one ledger and its keys, made of nothing else, and another one for others', () => {
    const made: unknown[] = [];
    const keep = perLedger((of) => {
      made.push(of);
      return made.length;
    });
    const [ledger, other] = [{}, {}] as Courier['ledger'][];
    const [keys, otherKeys] = [{}, {}] as Courier['keys'][];
    const courier = { ledger, keys, logger: silentLogger } as Courier;
    expect(keep(courier)).toBe(1);
    expect(keep({ ...courier })).toBe(1);
    expect(keep({ ...courier, keys: otherKeys } as Courier)).toBe(2);
    expect(keep({ ...courier, ledger: other } as Courier)).toBe(3);
    expect(keep(courier)).toBe(1);
    expect(made[0]).toEqual({ ledger, keys });
  });
});

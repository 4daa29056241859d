import { describe, expect, it } from 'vitest';
import { newSlots } from '../../src/pipeline/slots.ts';

describe('slots', () => {
  it('are taken by so many at once, and then in the order of asking', async () => {
    const slots = newSlots(2);
    const [first, second] = [await slots.take(), await slots.take()];
    const taken: string[] = [];
    const third = slots.take().then((giveBack) => {
      taken.push('third');
      return giveBack;
    });
    const fourth = slots.take().then(() => taken.push('fourth'));
    await Promise.resolve();
    expect(taken).toEqual([]);
    second();
    (await third)();
    await fourth;
    expect(taken).toEqual(['third', 'fourth']);
    first();
    await slots.take();
  });

  it('are given back once, however often that is said', async () => {
    const slots = newSlots(1);
    const giveBack = await slots.take();
    giveBack();
    giveBack();
    await slots.take();
    let isTaken = false;
    const next = slots.take().then(() => {
      isTaken = true;
    });
    await Promise.resolve();
    await Promise.resolve();
    expect(isTaken).toBe(false);
    expect(next).toBeInstanceOf(Promise);
  });
});

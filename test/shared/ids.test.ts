import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/shared/clock.ts';
import { isId, newId } from '../../src/shared/ids.ts';

const timeOf = (id: string) => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

describe('a new id', () => {
  it('is a UUID of version 7 and of the variant of the RFC', () => {
    for (let round = 0; round < 1_000; round += 1) {
      expect(newId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });

  it('sorts after every one that this process made before, also within a millisecond', () => {
    const ids = Array.from({ length: 20_000 }, () => newId());
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('holds the moment that it was made', () => {
    const before = systemClock.now().getTime();
    expect(Math.abs(timeOf(newId()) - before)).toBeLessThan(1_000);
  });
});

describe('a text from outside', () => {
  it('has the shape of an id, or not', () => {
    expect(isId(newId())).toBe(true);
    for (const text of ['', 'nonsense', newId().toUpperCase(), `${newId()} `, ` ${newId()}`, `${newId()}\n`])
      expect(isId(text)).toBe(false);
  });
});

import { describe, expect, it } from 'vitest';
import { COMPONENTS_MAX, ELEMENTS_MAX, MESSAGES_MAX, tokenise } from '../../src/edifact/edifact.ts';

const TOO_LARGE = { kind: 'refused', code: 'edifact.too-large' };

function tokensOf(text: string) {
  return tokenise(Buffer.from(text), null);
}

describe('EDIFACT at its limits is read, and one above them refused whole, with the place:', () => {
  it('elements of a segment', () => {
    const kop = (count: number) => tokensOf(`UNH+1'KOP${'+x'.repeat(count)}'UNT+3+1'`);
    expect(kop(ELEMENTS_MAX)).toMatchObject({ kind: 'tokens', segments: { length: 3 } });
    expect(kop(ELEMENTS_MAX + 1)).toEqual({ ...TOO_LARGE, position: { segment: 2, tag: 'KOP' } });
  });

  it('components of a segment, in one element', () => {
    const com = (count: number) => tokensOf(`UNH+1'COM+x${':x'.repeat(count - 1)}'UNT+3+1'`);
    expect(com(COMPONENTS_MAX)).toMatchObject({ kind: 'tokens', segments: { length: 3 } });
    expect(com(COMPONENTS_MAX + 1)).toEqual({ ...TOO_LARGE, position: { segment: 2, tag: 'COM' } });
  });

  it('components of a segment, over its elements and counters', () => {
    expect(COMPONENTS_MAX).toBe(2 * ELEMENTS_MAX);
    expect(tokensOf(`COM:1:2${'+x:x'.repeat(ELEMENTS_MAX - 1)}'`).kind).toBe('tokens');
    expect(tokensOf(`COM:1:2:3${'+x:x'.repeat(ELEMENTS_MAX - 1)}'`)).toMatchObject(TOO_LARGE);
  });

  it('messages of a payload', () => {
    expect(tokensOf("UNH+1'".repeat(MESSAGES_MAX)).kind).toBe('tokens');
    expect(tokensOf("UNH+1'".repeat(MESSAGES_MAX + 1))).toMatchObject(TOO_LARGE);
  });
});

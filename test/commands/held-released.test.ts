import { describe, expect, it } from 'vitest';
import { releasedWords } from '../../src/commands/held-released.ts';
import { REASONS, type ReasonAction } from '../../src/shared/reasons.ts';

// A registration is not released: `registration retry` sends it again.
const WAYS = [...new Set(Object.values(REASONS).flatMap(({ actions }): readonly ReasonAction[] => actions))].filter(
  (action) => action !== 'discard' && action !== 'retry',
);

describe('what held release says when it is done', () => {
  it('is something of its own for each way to release, in both languages', () => {
    expect(WAYS.toSorted()).toEqual([
      'acknowledge',
      'number-reused',
      'override',
      'release',
      'retract-first',
      'same-determination',
    ]);
    for (const language of ['nl', 'en'] as const) {
      const said = WAYS.map((way) => releasedWords(way)[language]);
      expect(new Set(said).size).toBe(WAYS.length);
    }
  });
});

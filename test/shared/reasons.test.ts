import { describe, expect, it } from 'vitest';
import { isReasonCode, REASONS, type Reason, type ReasonCode, reasonOf } from '../../src/shared/reasons.ts';

const ALL = Object.entries(REASONS) as [ReasonCode, Reason][];
/** Whose result it is, is in doubt: only there may a person name the card (DESIGN §5). */
const IDENTITY = [
  'card.birth-date-differs',
  'card.name-differs',
  'card.several',
  'lab.bsn-invalid',
  'lab.no-bsn',
  'lab.number-other-patient',
];

describe('the list of reasons', () => {
  it.each(ALL)('%s is said in Dutch and English, has an owner and what may be done', (code, reason) => {
    expect(code).toMatch(/^[a-z0-9]+\.[a-z0-9]+(-[a-z0-9]+)*$/);
    for (const text of [reason.nl, reason.en]) {
      expect(text.trim()).toBe(text);
      expect(text.length).toBeGreaterThan(15);
      expect(text).toMatch(/[.!?]$/);
    }
    expect(reason.nl).not.toBe(reason.en);
    expect(['practice', 'laboratory', 'us']).toContain(reason.owner);
    expect(['held', 'quarantined', 'settled']).toContain(reason.outcome);
  });

  it.each(ALL)('%s can at least be discarded where a person must decide, and asks nothing where not', (_, reason) => {
    if (reason.outcome === 'settled') expect(reason.actions).toEqual([]);
    else expect(reason.actions).toContain('discard');
    expect(new Set(reason.actions).size).toBe(reason.actions.length);
  });

  it('lets a person name the card where it is in doubt whose the result is, and nowhere else', () => {
    const overridable = ALL.filter(([, reason]) => reason.actions.includes('override')).map(([code]) => code);
    expect(overridable.sort()).toEqual([...IDENTITY].sort());
  });

  it('knows its codes, and nothing that an object has by itself', () => {
    for (const [code, reason] of ALL) {
      expect(isReasonCode(code)).toBe(true);
      expect(reasonOf(code)).toBe(reason);
    }
    for (const text of ['', 'no.such-reason', 'constructor', 'toString', '__proto__'])
      expect(isReasonCode(text)).toBe(false);
  });
});

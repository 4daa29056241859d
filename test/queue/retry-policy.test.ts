import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ATTEMPTS_MAX, decide as decideFor } from '../../src/queue/retry-policy.ts';
import { Failure, type FailureKind } from '../../src/shared/failure.ts';

const HOUR_MS = 3_600_000;
const decide = (thrown: Failure, attempt: number, random: () => number) =>
  decideFor(thrown, attempt, random, 'card.attempts-exhausted');
const failure = (kind: FailureKind, retryAfterMs?: number) =>
  new Failure('patient-card.test', { kind, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });

describe('the retry policy', () => {
  it('pauses on any trouble of the peer, at whatever attempt, and so spends none', () => {
    for (const kind of ['transient', 'ambiguous', 'permanent', 'defect'] as const) {
      const decision = decide(new Failure('patient-card.test', { kind, scope: 'peer' }), ATTEMPTS_MAX + 5, () => 0.5);
      expect(decision.kind).toBe('pause');
    }
  });

  it('asks a peer that refused us (401) less often than one that is away', () => {
    const refused = decide(new Failure('patient-card.x', { kind: 'permanent', scope: 'peer' }), 1, () => 0.9);
    const away = decide(new Failure('patient-card.x', { kind: 'transient', scope: 'peer' }), 1, () => 0.9);
    expect(refused).toMatchObject({ kind: 'pause', delayMs: 300_000 });
    expect(away).toMatchObject({ kind: 'pause', delayMs: 28_500 });
  });

  it('never retries what will always be refused, nor a bug of ours', () => {
    expect(decide(failure('permanent'), 1, () => 0)).toEqual({ kind: 'hold', code: 'queue.unforeseen' });
    expect(decide(failure('defect'), 1, () => 0)).toEqual({ kind: 'hold', code: 'queue.unforeseen' });
  });

  it('holds under the failure’s own code when that is a reason', () => {
    const known = new Failure('card.refused', { kind: 'permanent' });
    const unreadable = new Failure('keys.cannot-open', { kind: 'permanent' });
    expect(decide(known, 1, () => 0)).toEqual({ kind: 'hold', code: 'card.refused' });
    expect(decide(unreadable, 1, () => 0)).toEqual({ kind: 'hold', code: 'ledger.cannot-decrypt' });
  });

  it('holds after the last attempt, and not one earlier', () => {
    expect(decide(failure('transient'), ATTEMPTS_MAX - 1, () => 0).kind).toBe('retry');
    expect(decide(failure('transient'), ATTEMPTS_MAX, () => 0)).toEqual({
      kind: 'hold',
      code: 'card.attempts-exhausted',
    });
    expect(decide(failure('ambiguous'), ATTEMPTS_MAX, () => 0).kind).toBe('hold');
  });

  it('holds under the reason of the item’s kind, once its attempts are used', () => {
    const decision = decideFor(failure('transient'), ATTEMPTS_MAX, () => 0, 'registration.attempts-exhausted');
    expect(decision).toEqual({ kind: 'hold', code: 'registration.attempts-exhausted' });
  });

  it('doubles the ceiling of the delay with every attempt, up to an hour', () => {
    const ceilings = [1, 2, 3, 29].map((attempt) => decide(failure('transient'), attempt, () => 1));
    expect(ceilings.map((decision) => (decision.kind === 'retry' ? decision.delayMs : null))).toEqual([
      4_000,
      8_000,
      16_000,
      HOUR_MS,
    ]);
  });

  it('waits at least as long as the peer asked, but not for days', () => {
    const asked = decide(failure('transient', 90_000), 1, () => 0);
    const absurd = decide(failure('transient', 30 * 24 * HOUR_MS), 1, () => 0);
    expect(asked).toEqual({ kind: 'retry', delayMs: 90_000 });
    expect(absurd).toEqual({ kind: 'retry', delayMs: 6 * HOUR_MS });
  });

  it('gives a delay between two seconds and an hour for every attempt and every chance', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: ATTEMPTS_MAX - 1 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, r) => {
        const decision = decide(failure('transient'), n, () => r);
        expect(decision.kind).toBe('retry');
        if (decision.kind !== 'retry') return;
        expect(decision.delayMs).toBeGreaterThanOrEqual(2_000);
        expect(decision.delayMs).toBeLessThanOrEqual(HOUR_MS);
      }),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { monotonicMs, systemClock } from '../../src/shared/clock.ts';

describe('the clock of the system', () => {
  it('ends a wait at once when it is called off, before or meanwhile, and never rejects', async () => {
    const HOUR_MS = 3_600_000;
    await expect(systemClock.wait(HOUR_MS, AbortSignal.abort())).resolves.toBeUndefined();
    const controller = new AbortController();
    const waiting = systemClock.wait(HOUR_MS, controller.signal);
    controller.abort();
    await expect(waiting).resolves.toBeUndefined();
  });

  it('waits no shorter than it was asked', async () => {
    const before = monotonicMs();
    await systemClock.wait(20);
    // A timer may fire up to a millisecond early by this clock.
    expect(monotonicMs() - before).toBeGreaterThanOrEqual(19);
  });

  it('ticks until it is told to stop', async () => {
    const first = await ticked(3);
    const second = await ticked(3);
    // Had the first gone on, it would have ticked while the second did.
    expect([first.ticks(), second.ticks()]).toEqual([3, 3]);
  });
});

/** A timer of a millisecond that is stopped in its last tick. */
function ticked(ticksMax: number): Promise<{ ticks(): number }> {
  return new Promise((resolve) => {
    let ticks = 0;
    const stop = systemClock.every(1, () => {
      ticks += 1;
      if (ticks !== ticksMax) return;
      stop();
      resolve({ ticks: () => ticks });
    });
  });
}

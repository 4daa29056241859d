import { expect, it } from 'vitest';
import { newLoginGate } from '../../src/mailbox/logins.ts';
import { fakeClock, settle } from './fake-clock.ts';

const never = new AbortController().signal;

/** A gate with so many that want in at once, and what they got. */
function crowd(count: number, limits: { readonly perSecond: number; readonly atOnce: number }) {
  const clock = fakeClock();
  const gate = newLoginGate(limits, clock);
  const begunMs: number[] = [];
  const leave: (() => void)[] = [];
  const startMs = clock.elapsedMs();
  for (let index = 0; index < count; index += 1) {
    void gate.enter(never).then((over) => {
      if (over === null) return;
      begunMs.push(clock.elapsedMs() - startMs);
      leave.push(over);
    });
  }
  return { clock, gate, begunMs, leave };
}

it('lets no more in within any second than it may, a tenth more at the very most', async () => {
  const { clock, begunMs } = crowd(1_000, { perSecond: 100, atOnce: 1_000 });
  for (let step = 0; step < 1_200; step += 1) await clock.advance(10);
  expect(begunMs).toHaveLength(1_000);
  const inSecondFrom = (fromMs: number) => begunMs.filter((atMs) => atMs >= fromMs && atMs < fromMs + 1_000).length;
  expect(Math.max(...begunMs.map(inSecondFrom))).toBeLessThanOrEqual(110);
  expect(begunMs.at(-1)).toBeGreaterThan(8_900);
  expect(begunMs.at(-1)).toBeLessThan(10_500);
});

it('does not make up for a second in which nobody came', async () => {
  const { clock, gate } = crowd(1, { perSecond: 100, atOnce: 1_000 });
  await clock.advance(60_000);
  let begun = 0;
  for (let index = 0; index < 500; index += 1) void gate.enter(never).then(() => (begun += 1));
  await settle();
  expect(begun).toBeLessThanOrEqual(11);
});

it('lets no more in at once than it may, and the next when one is done, however it went', async () => {
  const { clock, begunMs, leave } = crowd(10, { perSecond: 1_000, atOnce: 3 });
  await clock.advance(1_000);
  expect(begunMs).toHaveLength(3);
  leave[0]?.();
  leave[0]?.();
  await clock.advance(1_000);
  expect(begunMs).toHaveLength(4);
});

it('forgets one that gives up, and its turn is the next one’s', async () => {
  const { clock, gate, leave } = crowd(1, { perSecond: 1_000, atOnce: 1 });
  await settle();
  const givingUp = new AbortController();
  const first = gate.enter(givingUp.signal);
  const second = gate.enter(never);
  givingUp.abort();
  expect(await first).toBeNull();
  leave[0]?.();
  await clock.advance(10);
  expect(await second).not.toBeNull();
  expect(await gate.enter(givingUp.signal)).toBeNull();
});

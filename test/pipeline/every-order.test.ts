/** lab-report.md, "Version": receipt never decides. Whatever the order of arrival, the card says the same. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Oru, useArrivals } from './arrivals.ts';

const arrivals = useArrivals();

const GLUCOSE = { code: '370', name: 'Glucose' };
const preliminary: Oru = {
  sentAt: '1000',
  results: [
    { value: '4.0', status: 'P' },
    { ...GLUCOSE, value: '5.1', status: 'P' },
  ],
};
const final: Oru = { sentAt: '1100', results: [{ value: '4.1' }, { ...GLUCOSE, value: '5.2' }] };
const corrected: Oru = { sentAt: '1200', results: [{ value: '4.3', status: 'C' }] };
/** The old result again, and a new one of another collection. */
const cumulative: Oru = {
  sentAt: '1230',
  results: [
    { value: '4.9', at: '1145' },
    { value: '4.3', status: 'C', at: '0830' },
  ],
};
const correctedAgain: Oru = { sentAt: '1300', results: [{ value: '4.4', status: 'C' }] };
const retracted: Oru = { sentAt: '1400', results: [{ ...GLUCOSE, status: 'D' }] };
const ALL = [preliminary, final, corrected, cumulative, correctedAgain, retracted];

const finalOfOne = oneOf('1100', 'F');

function oneOf(sentAt: string, status: string, value = '4.1'): Oru {
  return { sentAt, results: [{ value, status }] };
}

const RESULTS = [
  'Glucose 08:30 - entered-in-error Ingetrokken door het laboratorium.',
  'Kalium 08:30 4.4 corrected',
  'Kalium 11:45 4.9 final',
];

function ordersOf<One>(ones: readonly One[]): readonly (readonly One[])[] {
  if (ones.length < 2) return [ones];
  return ones.flatMap((one, index) => ordersOf(ones.toSpliced(index, 1)).map((rest) => [one, ...rest]));
}

describe('every order of arrival gives the same card', () => {
  it('as sent', async () => {
    expect(await arrivals.arrive(ALL)).toEqual(ALL.map(() => 'written'));
    expect(arrivals.results()).toEqual(RESULTS);
  });

  it('of a preliminary, a final, a corrected and a retracting message', { timeout: 120_000 }, async () => {
    const messages = [preliminary, final, corrected, retracted];
    await arrivals.arrive(messages);
    const expected = arrivals.card();
    for (const order of ordersOf(messages)) {
      expect(await arrivals.arrive(order)).toEqual(order.map(() => 'written'));
      expect(arrivals.card(), order.map(({ sentAt }) => sentAt).join(' ')).toEqual(expected);
    }
  });

  it('as far as the report’s status goes, also where a preliminary was sent after the final', async () => {
    const late: Oru = { ...preliminary, sentAt: '1130' };
    const lateOfOne: Oru = { sentAt: '1130', results: [{ value: '4.0', status: 'P' }] };
    const statuses: string[] = [];
    for (const pair of [
      [final, late],
      [final, lateOfOne],
      [finalOfOne, late],
    ]) {
      for (const order of ordersOf(pair)) {
        await arrivals.arrive(order);
        statuses.push(arrivals.card().at(-1)?.split(' ')[1] ?? '');
      }
    }
    expect(statuses).toEqual(['final', 'final', 'final', 'final', 'partial', 'partial']);
  });

  it('with a cumulative resend and a correction of a correction, each of them once or more', {
    timeout: 240_000,
  }, async () => {
    await arrivals.arrive(ALL);
    const expected = arrivals.card();
    const order = fc.tuple(fc.shuffledSubarray(ALL, { minLength: ALL.length }), fc.shuffledSubarray(ALL));
    await fc.assert(
      fc.asyncProperty(order, async ([once, again]) => {
        expect(await arrivals.arrive([...once, ...again])).not.toContain('lab.key-changed');
        expect(arrivals.card()).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  it('of a preliminary that was sent after a retraction or cancellation: held, or replaced by it', {
    timeout: 120_000,
  }, async () => {
    const late = oneOf('1300', 'P');
    for (const status of ['D', 'X']) {
      const takenBack = oneOf('1200', status);
      const messages = [finalOfOne, takenBack, late];
      await arrivals.arrive(messages);
      const expected = arrivals.results();
      expect(expected.join()).toContain(status === 'D' ? 'entered-in-error' : 'cancelled');
      for (const order of ordersOf(messages)) {
        const answers = await arrivals.arrive(order);
        expect(arrivals.results(), order.map(({ sentAt }) => sentAt).join(' ')).toEqual(expected);
        const isHeld = order.indexOf(takenBack) < order.indexOf(late);
        expect(answers[order.indexOf(late)]).toBe(isHeld ? 'lab.preliminary-after-retraction' : 'written');
      }
    }
    // The final that follows is shown, and then nothing is in doubt any more.
    await arrivals.arrive([finalOfOne, oneOf('1200', 'D'), oneOf('1400', 'F', '4.6'), late]);
    expect(arrivals.results()).toEqual(['Kalium 08:30 4.6 final']);
  });

  it('for any messages of distinct moments, where nothing preliminary follows a retraction', {
    timeout: 240_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(anyMessages, async ({ messages, order }) => {
        const answers = await arrivals.arrive(messages);
        const expected = arrivals.results();
        expect(answers).toEqual(messages.map(() => 'written'));
        expect(await arrivals.arrive(order)).toEqual(order.map(() => 'written'));
        expect(arrivals.results()).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });
});

/** Up to six messages, the open ones sent before or after the others, in the order of sending and in any other. */
const anyMessages = fc
  .record({
    open: fc.array(resultsOf('P'), { maxLength: 2 }),
    settled: fc.array(resultsOf('F', 'C', 'D', 'X'), { minLength: 1, maxLength: 4 }),
    isOpenLast: fc.boolean(),
  })
  .chain(({ open, settled, isOpenLast }) => {
    const isVoid = settled.flat().some(({ status }) => status === 'D' || status === 'X');
    const inOrder = isOpenLast && !isVoid ? [...settled, ...open] : [...open, ...settled];
    const messages = inOrder.map((results, index): Oru => ({ sentAt: `1${index}00`, results }));
    return fc.record({
      messages: fc.constant(messages),
      order: fc.shuffledSubarray(messages, { minLength: messages.length }),
    });
  });

function resultsOf(...statuses: readonly string[]) {
  const one = (of: { readonly code?: string; readonly name?: string }) =>
    fc
      .record({ value: fc.constantFrom('4.0', '4.1', '4.2'), status: fc.constantFrom(...statuses) })
      .map((said) => ({ ...of, ...said }));
  return fc.tuple(one({}), one(GLUCOSE)).chain((both) => fc.shuffledSubarray(both, { minLength: 1 }));
}

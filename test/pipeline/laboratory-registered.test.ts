/** A laboratory that enters the registry gets another name; what it sent before is found under the former one. */

import { describe, expect, it } from 'vitest';
import { type Oru, useArrivals } from './arrivals.ts';

const arrivals = useArrivals();

const before: Oru = { sentAt: '1000', results: [{ value: '4.0' }], registered: 'before' };
const corrected: Oru = { sentAt: '1100', results: [{ value: '4.3', status: 'C' }] };
const retracted: Oru = { sentAt: '1200', results: [{ status: 'D' }] };
const GLUCOSE = { code: '370', name: 'Glucose', value: '5.1' };

async function shown(...messages: readonly Oru[]): Promise<readonly string[]> {
  expect(await arrivals.arrive(messages)).toEqual(messages.map(() => 'written'));
  return arrivals.results();
}

describe('a laboratory that enters the registry', () => {
  it('corrects and retracts what it sent before', async () => {
    expect(await shown(before, corrected)).toEqual(['Kalium 08:30 4.3 corrected']);
    expect(await shown(before, corrected, retracted)).toEqual([
      'Kalium 08:30 - entered-in-error Ingetrokken door het laboratorium.',
    ]);
  });

  it('is found too by what was read before it did and goes to the card after', async () => {
    const late: Oru = { ...before, registered: 'read-before' };
    expect(await shown(corrected, late)).toEqual(['Kalium 08:30 4.3 corrected']);
    expect(await shown(late, corrected)).toEqual(['Kalium 08:30 4.3 corrected']);
    expect(await shown(before, { ...late, sentAt: '1030' }, corrected)).toEqual(['Kalium 08:30 4.3 corrected']);
  });

  it('has one report on the card for one lab number, with what is new in it', async () => {
    expect(await shown(before, { sentAt: '1100', results: [{ value: '4.0' }, GLUCOSE] })).toEqual([
      'Glucose 08:30 5.1 final',
      'Kalium 08:30 4 final',
    ]);
    expect(arrivals.card().filter((line) => line.startsWith('report'))).toHaveLength(1);
  });

  it('still has its doubts: the same determination under another code is held', async () => {
    const recoded: Oru = { sentAt: '1100', results: [{ code: 'K', value: '4.3', status: 'C' }] };
    expect(await arrivals.arrive([before, recoded])).toEqual(['written', 'lab.key-changed']);
    expect(arrivals.results()).toEqual(['Kalium 08:30 4 final']);
  });
});

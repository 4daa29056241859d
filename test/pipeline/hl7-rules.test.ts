/** hl7v2.md, "What the consumer must get right", and lab-report.md, "Version": from message to card. 5, 8 and 9: test/journey/across-messages.test.ts. */

import { describe, expect, it } from 'vitest';
import { type Oru, useArrivals } from './arrivals.ts';

const arrivals = useArrivals();
const GLUCOSE = { code: '370', name: 'Glucose' };

function oru(sentAt: string, ...results: Oru['results']): Oru {
  return { sentAt, results };
}

async function shown(...messages: readonly Oru[]): Promise<readonly string[]> {
  expect(await arrivals.arrive(messages)).toEqual(messages.map(() => 'written'));
  return arrivals.results();
}

const P = oru('1000', { value: '4.2', status: 'P' });
const F = oru('1100', { value: '4.1' });

describe('what the consumer must get right', () => {
  it('1. P then F is one row; a later P, sent after or before, never downgrades', async () => {
    expect(await shown(P, F)).toEqual(['Kalium 08:30 4.1 final']);
    expect(await shown(P, F, P)).toEqual(['Kalium 08:30 4.1 final']);
    expect(await shown(F, oru('1200', { value: '4.5', status: 'P' }))).toEqual(['Kalium 08:30 4.1 final']);
  });

  const C = oru('1200', { value: '4.3', status: 'C' });
  const MISSING = 'Correctie: de oorspronkelijke uitslag is hier niet ontvangen.';

  it('2. C for something never seen is stored as corrected, and says that the original is missing until it comes', async () => {
    expect(await shown(C)).toEqual([`Kalium 08:30 4.3 corrected ${MISSING}`]);
    expect(await shown(C, C)).toEqual([`Kalium 08:30 4.3 corrected ${MISSING}`]);
    const again = oru('1300', { value: '4.4', status: 'C' });
    expect(await shown(C, again)).toEqual([`Kalium 08:30 4.4 corrected ${MISSING}`]);
    expect(await shown(again, C)).toEqual([`Kalium 08:30 4.4 corrected ${MISSING}`]);
    for (const original of [F, P]) {
      expect(await shown(C, original)).toEqual(['Kalium 08:30 4.3 corrected']);
      expect(await shown(original, C)).toEqual(['Kalium 08:30 4.3 corrected']);
      expect(await shown(C, original, again)).toEqual(['Kalium 08:30 4.4 corrected']);
    }
  });

  it.each([
    'D',
    'W',
  ])('3. %s retracts what stands there, X says that there is no value, U settles a P without one', async (status) => {
    const retracted = 'Kalium 08:30 - entered-in-error Ingetrokken door het laboratorium.';
    expect(await shown(F, oru('1200', { status }))).toEqual([retracted]);
    expect(await shown(oru('1200', { status }), F)).toEqual([retracted]);
    expect(await shown(P, oru('1200', { status: 'X' }))).toEqual(['Kalium 08:30 - cancelled']);
    expect(await shown(P, oru('1200', { status: 'U' }))).toEqual(['Kalium 08:30 4.2 final']);
    expect(await arrivals.arrive([oru('1200', { status: 'U' })])).toEqual(['hl7.nothing-to-confirm']);
  });

  it('4. OBR-25 = F around a P: each result has its own status, and the report is partial', async () => {
    expect(await shown(oru('1000', { value: '4.2', status: 'P' }, { ...GLUCOSE, value: '5.1' }))).toEqual([
      'Glucose 08:30 5.1 final',
      'Kalium 08:30 4.2 preliminary',
    ]);
    expect(arrivals.card().at(-1)).toMatch(/^report partial /);
  });

  it('6. an F message without a result that an earlier P had does not delete it', async () => {
    const both = oru('1000', { value: '4.2', status: 'P' }, { ...GLUCOSE, value: '5.1', status: 'P' });
    const expected = ['Glucose 08:30 5.1 preliminary', 'Kalium 08:30 4.1 final'];
    expect(await shown(both, F)).toEqual(expected);
    expect(await shown(F, both)).toEqual(expected);
  });

  it('7. a cumulative report finds the results that it sends again by their collection, wherever they stand in it', async () => {
    const first = oru('1000', { value: '4.0', at: '0830' });
    const second = oru('1100', { value: '4.8', at: '1030' }, { value: '4.0', at: '0830' });
    const third = oru('1200', { value: '5.2', at: '1130' }, { value: '4.8', at: '1030' });
    const expected = ['Kalium 08:30 4 final', 'Kalium 10:30 4.8 final', 'Kalium 11:30 5.2 final'];
    expect(await shown(first, second, third)).toEqual(expected);
    expect(await shown(third, second, first)).toEqual(expected);
    expect(await shown(second, third, first, second)).toEqual(expected);
  });
});

describe('Version', () => {
  it('newer replaces, older arriving later never wins', async () => {
    const newer = oru('1200', { value: '4.4' });
    expect(await shown(F, newer)).toEqual(['Kalium 08:30 4.4 final']);
    expect(await shown(newer, F)).toEqual(['Kalium 08:30 4.4 final']);
  });

  it('equal versions with different values: the one marked corrected wins, else a person decides', async () => {
    const corrected = oru('1100', { value: '4.6', status: 'C' });
    expect(await shown(F, corrected)).toEqual(['Kalium 08:30 4.6 corrected']);
    expect(await shown(corrected, F)).toEqual(['Kalium 08:30 4.6 corrected']);
    expect(await arrivals.arrive([F, oru('1100', { value: '9.9' })])).toEqual(['written', 'lab.same-time-conflict']);
    expect(arrivals.results()).toEqual(['Kalium 08:30 4.1 final']);
  });

  it('a newer result that is empty or text replaces the number', async () => {
    expect(await shown(F, oru('1200', { value: '' }))).toEqual(['Kalium 08:30 - final']);
    expect(await shown(F, oru('1200', { value: 'hemolytisch' }))).toEqual(['Kalium 08:30 hemolytisch mmol/l final']);
  });

  it('omission deletes nothing', async () => {
    expect(await shown(F, oru('1200', { ...GLUCOSE, value: '5.1' }))).toEqual([
      'Glucose 08:30 5.1 final',
      'Kalium 08:30 4.1 final',
    ]);
  });

  it('a value corrected and corrected back is the first value again, in a version of its own', async () => {
    expect(
      await shown(F, oru('1200', { value: '4.3', status: 'C' }), oru('1300', { value: '4.1', status: 'C' })),
    ).toEqual(['Kalium 08:30 4.1 corrected']);
  });
});

describe('lab.key-changed', () => {
  const recoded = oru('1200', { code: 'K', value: '4.4', status: 'C' });

  it('holds a correction, a retraction or a confirmation under another code, whichever comes first', async () => {
    for (const later of [recoded, oru('1200', { code: 'K', status: 'D' }), oru('1200', { code: 'K', status: 'U' })]) {
      expect(await arrivals.arrive([F, later])).toEqual(['written', 'lab.key-changed']);
      expect(arrivals.results()).toEqual(['Kalium 08:30 4.1 final']);
    }
    expect(await arrivals.arrive([recoded, F])).toEqual(['written', 'lab.key-changed']);
  });

  it('lets one code stand beside another that the same report has, or that was collected at another time', async () => {
    expect(await shown(F, oru('1200', { value: '4.1' }, { code: 'K', value: '4.0' }))).toHaveLength(2);
    expect(
      await shown(oru('1000', { value: '4.1', at: '0830' }), oru('1200', { code: 'K', value: '5.0', at: '1030' })),
    ).toHaveLength(2);
  });
});

import type { Observation } from '@medplum/fhirtypes';
import { describe, expect, it } from 'vitest';
import { toObservation } from '../../../src/delivery/patient-card/observation.ts';
import { SUB_ID_EXTENSION } from '../../../src/delivery/patient-card/systems.ts';
import type { LabResult } from '../../../src/lab/lab.ts';
import { result, specimen } from '../sample.ts';

/** The Observation of the first of these results, sent together under one order. */
function observation(...results: readonly [LabResult, ...LabResult[]]): Observation {
  return toObservation(results[0], results[0].status ?? 'final', {
    identifier: 'digest',
    version: '2026-03-02T14:00:00+01:00',
    subject: 'Patient/petra',
    specimen: specimen(results),
    specimenReference: null,
    performerReference: null,
    performerName: null,
    edifactReference: null,
    isCopy: false,
  });
}

describe('which part a result belongs to (OBX-4)', () => {
  const first = result({ subId: '1', remarks: ['  zie brief'] }, 'AMOX|1');
  const second = result({ subId: '2' }, 'AMOX|2');

  it('is told to machines wherever the laboratory said it', () => {
    const part = { url: 'original-sub-identifier', valueString: '1' };
    expect(observation(first).extension).toEqual([{ url: SUB_ID_EXTENSION, extension: [part] }]);
    expect(observation(result())).not.toHaveProperty('extension');
    expect(observation(result({ subId: ' ' }))).not.toHaveProperty('extension');
  });

  it('is told to readers before the remarks, where there are several parts', () => {
    expect(observation(first, second).note).toEqual([{ text: 'Onderdeel: 1\n  zie brief' }]);
    expect(observation(second, first).note).toEqual([{ text: 'Onderdeel: 2' }]);
  });

  it('is no news to readers where there is one part only, or the result belongs to none', () => {
    expect(observation(first, result({ subId: '1' }, 'NITRO|1')).note).toEqual([{ text: '  zie brief' }]);
    expect(observation(result(), first, second)).not.toHaveProperty('note');
  });

  it('does not make a result without a finding look like one with', () => {
    const empty = { value: { text: null, number: null, comparator: null } };
    expect(observation({ ...first, ...empty, remarks: [] }, second)).toMatchObject({
      dataAbsentReason: { coding: [{ code: 'unknown' }] },
      note: [{ text: 'Onderdeel: 1' }],
    });
  });
});

describe('a retracted result', () => {
  it('loses its value and keeps what the laboratory says about it', () => {
    const retracted = observation(result({ status: 'retracted', remarks: ['Monsterverwisseling.'] }));
    expect(retracted).toMatchObject({
      status: 'entered-in-error',
      note: [{ text: 'Ingetrokken door het laboratorium.\nMonsterverwisseling.' }],
    });
    expect(Object.keys(retracted).filter((name) => /^(value|referenceRange|interpretation)/.test(name))).toEqual([]);
  });
});

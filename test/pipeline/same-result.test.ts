import { describe, expect, it } from 'vitest';
import { type Delivered, type Incoming, identifyResults, type SameDecision } from '../../src/pipeline/same-result.ts';

interface Sent {
  readonly code?: string;
  readonly name?: string;
  readonly at?: string;
  readonly ordinal?: number;
  /** MEDLAB has no moment in its keys. */
  readonly own?: string;
}

function incoming({ code = 'K', name = 'kalium', at = '08:00', ordinal = 1, own }: Sent): Incoming {
  const key = own ?? code;
  const day = at.length > 3 ? 'day' : at;
  const withOrdinal = (other: number) => `${key}#${other}`;
  return { code, name, moment: at, day, ordinal, own: withOrdinal(ordinal), withOrdinal, isNamed: name !== '' };
}

/** Reports in the order of arrival, each remembered as the pipeline does; the answer to the last. */
function lastOf(reports: readonly (readonly Sent[])[], decision: SameDecision = null): readonly string[] | null {
  const known = new Map<string, Delivered>();
  let answer: readonly string[] | null = null;
  for (const [index, report] of reports.entries()) {
    const ones = report.map(incoming);
    answer = identifyResults([...known.values()], ones, index === reports.length - 1 ? decision : null);
    for (const [place, identifier] of (answer ?? []).entries()) {
      const one = ones[place];
      if (one !== undefined) known.set(`${one.code} ${identifier}`, { ...one, identifier });
    }
  }
  return answer;
}

const COLLECTED: Sent = { at: '08:00' };
const UNCODED: Sent = { code: 'kalium', name: 'kalium' };

describe('the same determination', () => {
  it('keeps its row whatever its value, time of collection or company', () => {
    expect(lastOf([[{}], [{}]])).toEqual(['K#1']);
    expect(lastOf([[COLLECTED], [{ at: '08:30' }]])).toEqual(['K#1']);
    expect(lastOf([[{}], [{}, { code: 'NA', name: 'natrium' }]])).toEqual(['K#1', 'NA#1']);
    expect(lastOf([[{}, { code: 'NA', name: 'natrium' }], [{ code: 'GLU', name: 'glucose' }]])).toEqual(['GLU#1']);
  });

  it('under another name and the same code is the same', () => {
    expect(lastOf([[{}], [{ name: 'kalium (plasma)' }]])).toEqual(['K#1']);
  });

  it('under a new code at the same moment is a doubt, whichever came first', () => {
    expect(lastOf([[UNCODED], [{}]])).toBeNull();
    expect(lastOf([[{}], [UNCODED]])).toBeNull();
    expect(lastOf([[{ at: 'day' }], [{ code: 'K2', at: '08:00' }]])).toBeNull();
  });

  it('takes the earlier one’s place when a person says that it is the same, and keeps it under either code', () => {
    const reports = [[UNCODED], [{}]];
    expect(lastOf(reports, 'same')).toEqual(['kalium#1']);
    const known = [
      { ...incoming(UNCODED), identifier: 'kalium#1' },
      { ...incoming({}), identifier: 'kalium#1' },
    ];
    expect(identifyResults(known, [incoming({})], null)).toEqual(['kalium#1']);
    expect(identifyResults(known, [incoming(UNCODED)], null)).toEqual(['kalium#1']);
  });

  it('stands beside the earlier one when a person says that it is another', () => {
    expect(lastOf([[UNCODED], [{}]], 'both')).toEqual(['K#1']);
  });

  it.each<[string, readonly Sent[], readonly Sent[], readonly string[]]>([
    ['both codes stand in the report', [UNCODED], [UNCODED, {}], ['kalium#1', 'K#1']],
    ['it was collected at another moment', [UNCODED], [{ at: '10:00' }], ['K#1']],
    ['it has another name or material', [UNCODED], [{ name: 'kalium urine' }], ['K#1']],
    ['it has no name', [{ code: 'A', name: '' }], [{ code: 'B', name: '' }], ['B#1']],
  ])('is no doubt where %s', (_, first, second, expected) => {
    expect(lastOf([first, second])).toEqual(expected);
  });
});

describe('equals', () => {
  const two = [{}, { ordinal: 2 }];

  it('of the same number are the same, in the order sent', () => {
    expect(lastOf([two, two])).toEqual(['K#1', 'K#2']);
  });

  it('of another number at one moment are a doubt, more or fewer', () => {
    expect(lastOf([[{}], two])).toBeNull();
    expect(lastOf([two, [{}]])).toBeNull();
    expect(lastOf([two, [...two, { ordinal: 3 }]])).toBeNull();
  });

  it('take the earlier ones’ places in order, or each a new one, as a person says', () => {
    expect(lastOf([[{}], two], 'same')).toEqual(['K#1', 'K#2']);
    expect(lastOf([[{}], two], 'both')).toEqual(['K#2', 'K#3']);
    expect(lastOf([two, [{}]], 'same')).toEqual(['K#1']);
  });
});

describe('the same code with other collection times', () => {
  it('is found by its moment, whatever its place in the report', () => {
    const first = [{ at: '08:00' }];
    expect(lastOf([first, [{ at: '08:00' }, { at: '10:00', ordinal: 2 }]])).toEqual(['K#1', 'K#2']);
    expect(lastOf([first, [{ at: '10:00' }, { at: '08:00', ordinal: 2 }]])).toEqual(['K#2', 'K#1']);
  });

  it('moves on without taking the place of what drops off the list', () => {
    const both = [{ at: '08:00' }, { at: '10:00', ordinal: 2 }];
    expect(lastOf([both, [{ at: '10:00' }]])).toEqual(['K#2']);
    expect(lastOf([both, [{ at: '10:00' }, { at: '12:00', ordinal: 2 }]])).toEqual(['K#2', 'K#3']);
    expect(lastOf([both, [{ at: '12:00' }]])).toEqual(['K#3']);
  });

  it('is one result where HL7 sent it alone first and in a cumulative report then, and the other way round', () => {
    const alone = [{ at: '08:00' }];
    const cumulative = [
      { at: '08:00', own: 'K@08:00' },
      { at: '10:00', own: 'K@10:00' },
    ];
    expect(lastOf([alone, cumulative])).toEqual(['K#1', 'K@10:00#1']);
    expect(lastOf([cumulative, alone])).toEqual(['K@08:00#1']);
    expect(lastOf([alone, cumulative, [{ at: '10:00' }]])).toEqual(['K@10:00#1']);
  });

  it('is a doubt only where the number at one moment changed', () => {
    const twice = [{ at: '08:00' }, { at: '10:00', ordinal: 2 }];
    expect(lastOf([twice, [{ at: '08:00' }, { at: '08:00', ordinal: 2 }, { at: '10:00', ordinal: 3 }]])).toBeNull();
  });
});

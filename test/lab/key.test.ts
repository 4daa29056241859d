import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyOfLaboratory, keyWithOrdinal, partsOfKey, scopedKey, withResultKeys } from '../../src/lab/key.ts';
import type { LabResult, Specimen } from '../../src/lab/lab.ts';

function result(raw: string | null, more: Partial<LabResult> = {}): LabResult {
  return {
    kind: 'result',
    key: '',
    subId: null,
    section: null,
    name: 'Kalium',
    code: {
      raw,
      memo: null,
      material: null,
      specification: null,
      nhg: null,
      loinc: null,
      system: null,
      alternatives: [],
    },
    value: { text: null, number: null, comparator: null },
    unit: null,
    unitUcum: null,
    range: { low: null, high: null, text: null },
    flag: { raw: null, meaning: null },
    status: 'final',
    observedAt: null,
    remarks: [],
    ...more,
  };
}

function specimen(results: readonly LabResult[], more: Partial<Specimen> = {}): Specimen {
  return {
    collectedAt: '2026-11-16T08:10:00+01:00',
    labNumber: 'N1',
    material: null,
    volume: null,
    isComplete: true,
    orderCode: null,
    issuedAt: null,
    remarks: [],
    results,
    pending: [],
    ...more,
  };
}

function keysOf(
  specimens: readonly Specimen[],
  moments: readonly (readonly (string | null)[])[] | null = null,
  laboratory = 'lab',
): readonly string[] {
  return withResultKeys(specimens, laboratory, moments).flatMap(({ results }) => results.map(({ key }) => key));
}

describe('the key of a result', () => {
  it('is laboratory, lab number, year, order, code, sub-id and ordinal', () => {
    const one = specimen([result('K   B', { subId: '2' })], { orderCode: 'CHEM' });
    expect(keysOf([one])).toEqual(['lab|N1|2026|CHEM|K   B|2|1']);
  });

  it('has empty places for what was not sent', () => {
    const one = specimen([result('K')], { labNumber: null, collectedAt: null });
    expect(keysOf([one], null, '')).toEqual(['||||K||1']);
  });

  it('has the name where there is no code, whatever its case and blanks', () => {
    const names = ['HbA1c  (IFCC) ', 'hba1c (ifcc)'].map((name) => keysOf([specimen([result(null, { name })])]));
    expect(names).toEqual([['lab|N1|2026||hba1c (ifcc)||1'], ['lab|N1|2026||hba1c (ifcc)||1']]);
  });

  it('counts equals over the whole report', () => {
    expect(keysOf([specimen([result('K'), result('NA')]), specimen([result('K')])])).toEqual([
      'lab|N1|2026||K||1',
      'lab|N1|2026||NA||1',
      'lab|N1|2026||K||2',
    ]);
  });

  it('is not renumbered by a heading of the same name', () => {
    const heading = result(null, { kind: 'heading' });
    expect(keysOf([specimen([heading, result(null)])])).toEqual(['lab|N1|2026||kalium||2', 'lab|N1|2026||kalium||1']);
  });

  it('has its moment in a cumulative HL7 report, and counts within that moment', () => {
    const one = specimen([result('K'), result('K'), result('K'), result('NA')]);
    expect(keysOf([one], [['20261005', '20261116', '20261116', '20261116']])).toEqual([
      'lab|N1|2026||K||20261005|1',
      'lab|N1|2026||K||20261116|1',
      'lab|N1|2026||K||20261116|2',
      'lab|N1|2026||NA||1',
    ]);
  });

  it('knows a cumulative report also across the turn of the year', () => {
    const old = specimen([result('K')], { collectedAt: '2025-12-31' });
    expect(keysOf([old, specimen([result('K')])], [['20251231'], ['20261116']])).toEqual([
      'lab|N1|2025||K||20251231|1',
      'lab|N1|2026||K||20261116|1',
    ]);
  });

  it('does not take one code under two lab numbers for a cumulative report', () => {
    const specimens = [specimen([result('K')]), specimen([result('K')], { labNumber: 'N2' })];
    expect(keysOf(specimens, [['20261005'], ['20261116']])).toEqual(['lab|N1|2026||K||1', 'lab|N2|2026||K||1']);
  });

  it('is the same whatever the value, the time of day, the section or the name beside a code', () => {
    const changed = result('K', { name: 'Potassium', section: 'X', value: { text: '9', number: 9, comparator: null } });
    const later = specimen([changed], { collectedAt: '2026-11-16T23:00:00+01:00', material: 'Plasma' });
    expect(keysOf([later])).toEqual(keysOf([specimen([result('K')])]));
  });

  it('is never the same for two different results', () => {
    const part = fc.constantFrom('', 'a', 'b', '|', '\\', 'a|b', '\\|', '1');
    const place = fc.record({ labNumber: part, orderCode: part, raw: part, subId: part, moment: part });
    fc.assert(
      fc.property(fc.array(place), part, fc.boolean(), (places, laboratory, isHl7) => {
        const specimens = places.map(({ labNumber, orderCode, raw, subId }) =>
          specimen([result(raw, { subId, name: raw })], { labNumber, orderCode }),
        );
        const moments = isHl7 ? places.map(({ moment }) => [moment]) : null;
        const keys = keysOf(specimens, moments, laboratory);
        expect(new Set(keys).size).toBe(places.length);
      }),
    );
  });
});

describe('the parts of a key', () => {
  it.each([
    ['a|b|2026||c||1', ['a', 'b', '2026', '', 'c', '', '1']],
    ['||2026|', ['', '', '2026', '']],
    ['a\\|x|b\\\\|', ['a\\|x', 'b\\\\', '']],
  ])('of %s stay escaped, empty ones included', (key, parts) => {
    expect(partsOfKey(key)).toEqual(parts);
    expect(parts.join('|')).toBe(key);
  });

  it('are the same under a scope but for the number, which no number that is sent can be', () => {
    expect(scopedKey('a|b|2026||c||1', 's')).toBe('a|b\\|s|2026||c||1');
    expect(partsOfKey(scopedKey('a|b|2026||c||1', 's'))).toHaveLength(7);
    expect(scopedKey('a||2026|', 's')).toBe('a|\\|s|2026|');
  });

  it('are the same under another name of the laboratory but for that, which is escaped as any other part', () => {
    expect(keyOfLaboratory('a|b|2026||c||1', 'x|y')).toBe('x\\|y|b|2026||c||1');
    expect(partsOfKey(keyOfLaboratory('a|b\\|s|2026||c||1', ''))).toEqual(['', 'b\\|s', '2026', '', 'c', '', '1']);
  });

  it('have another last one among more equals', () => {
    expect(keyWithOrdinal('a|b|2026||c||1', 3)).toBe('a|b|2026||c||3');
  });
});

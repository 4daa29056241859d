import { describe, expect, it } from 'vitest';
import type { LabResult } from '../../../src/lab/lab.ts';
import { GROUP, HEAD, readBody, reportOf, specimenOf, warningsOf } from './medlab-lines.ts';

const read = (bep: string) => readBody([...HEAD, ...GROUP, `BEP:1:1:1+${bep}`]);

function resultOf(bep: string): LabResult {
  const [result] = specimenOf(read(bep)).results;
  if (result === undefined) throw new Error('no result');
  return result;
}

describe('a determination', () => {
  it.each([
    ['1+MEDICIJNEN', 'heading'],
    ['1+MEDICIJNEN++++++', 'heading'],
    ['+Zonder soort', 'heading'],
    ['0+Zonder uitslag', 'result'],
    ['1+Hemoglobine+8.6++mmol/l', 'result'],
    ['2+Hemoglobine+8.6', 'result'],
  ])('%s is a %s: anything with a result is one', (bep, kind) => {
    expect(resultOf(bep).kind).toBe(kind);
  });

  it.each([
    ['', 'final'],
    ['0', 'final'],
    [' ', 'final'],
    ['1', 'corrected'],
    ['C', 'corrected'],
  ])('is corrected where BEP.4 is filled and not 0: %j', (mark, status) => {
    expect(resultOf(`0+Kalium+4.2+${mark}+mmol/l`).status).toBe(status);
  });

  it.each([
    ['<', 'low', []],
    ['>', 'high', []],
    ['l', 'low', []],
    ['H', 'high', []],
    ['*', 'abnormal', []],
    ['N', null, []],
    ['+', null, []],
    ['-', null, []],
    ['Q', null, ['edifact.flag-unknown BEP 6']],
    ['toString', null, ['edifact.flag-unknown BEP 6']],
  ])('has its flag as sent, and a meaning where it has one: %s', (raw, meaning, warnings) => {
    const bep = `0+Kalium+4.2++mmol/l+${raw === '+' ? '?+' : raw}`;
    expect(resultOf(bep).flag).toEqual({ raw, meaning });
    expect(warningsOf(read(bep))).toEqual(warnings);
  });

  it('has its limits, value and unit as sent', () => {
    expect(resultOf('0+Kalium+4,20++MMOL/L++3,5+5,0')).toMatchObject({
      value: { text: '4,20', number: 4.2, comparator: null },
      unit: 'MMOL/L',
      unitUcum: 'mmol/L',
      range: { low: '3,5', high: '5,0', text: null },
    });
  });

  it('with a result that has an unreleased colon keeps all of it', () => {
    expect(resultOf('0+ANA titer+1:160').value.text).toBe('1:160');
  });

  it('with a filled tenth element may have slipped columns: the report is held', () => {
    const reading = read('0+Bloedgroep+A+pos++++++ABO B');
    expect(reportOf(reading).holds).toEqual([
      { code: 'edifact.columns-slipped', position: { segment: 9, tag: 'BEP', element: 10 } },
    ]);
    expect(reportOf(reading).notCarried).toEqual([{ code: 'edifact.extra-element', count: 1 }]);
  });

  it('with empty elements at its end is as good as one without', () => {
    const reading = read('0+Kalium+4.2++mmol/l++++++++');
    expect([reading.warnings, reportOf(reading).holds]).toEqual([[], []]);
  });

  it('in another unit than its code has is left uncoded, with a warning', () => {
    const reading = read('0+HbA1c+7.0++%++++HBACB');
    expect(specimenOf(reading).results[0]).toMatchObject({ code: { nhg: null, loinc: null }, unitUcum: '%' });
    expect(warningsOf(reading)).toEqual(['lab.unit-unexpected BEP 5']);
  });

  it('without a name is kept, with a warning', () => {
    const reading = read('0++4.2++mmol/l++++KREAB');
    expect(specimenOf(reading).results).toMatchObject([{ name: '', value: { text: '4.2' } }]);
    expect(warningsOf(reading)).toContain('edifact.determination-unnamed BEP 2');
  });
});

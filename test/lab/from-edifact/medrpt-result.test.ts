import { describe, expect, it } from 'vitest';
import { reportOf, specimenOf, warningsOf } from './medlab-lines.ts';
import { HEAD, MATERIAL, readBody, resultOf } from './medrpt-lines.ts';

const INV = 'INV+1+KREAB:AMB:NHG:Kreatinine';
const read = (...lines: readonly string[]) => readBody([...HEAD, ...MATERIAL, 'S18+1+G', ...lines]);
const holdsOf = (rsl: string) => reportOf(read(INV, rsl)).holds.map(({ code }) => code);

describe('a determination of MEDRPT', () => {
  it.each([
    ['KREAB:AMB:NHG:Kreatinine', '523', 'NHG', []],
    ['KREA:AMB:NHG:Kreatinine', null, 'NHG', []],
    ['KREAB::NHG:Kreatinine', '523', 'NHG', []],
    ['KREAB:XYZ:NHG:Kreatinine', null, 'XYZ:NHG', []],
    ['KREAB:AMB:LAB:Kreatinine', null, 'LAB', []],
    ['KREAB:::Kreatinine', null, null, ['edifact.code-system-missing INV 2']],
    [':::Kreatinine', null, null, []],
  ])('is coded only where its code is declared to be one of the NHG: %s', (inv, nhg, system, warnings) => {
    const lines = [`INV+1+${inv}`, 'RSL+NV+78++umol/l'];
    expect(resultOf(...lines)).toMatchObject({ name: 'Kreatinine', code: { nhg, system } });
    expect(warningsOf(read(...lines))).toEqual(warnings);
  });

  it('is left uncoded in another unit', () => {
    const lines = [INV, 'RSL+NV+0,9++mg/dl'];
    expect(resultOf(...lines).code.nhg).toBeNull();
    expect(warningsOf(read(...lines))).toEqual(['lab.unit-unexpected RSL 4']);
  });

  it('keeps a separator in its name that was not released', () => {
    expect(resultOf('INV+1+KREAB:AMB:NHG:Ratio A:B', 'RSL+NV+1++umol/l').name).toBe('Ratio A:B');
  });

  it('without a value is read with a warning', () => {
    expect(resultOf(INV, 'FTX+UIT+++volgt')).toMatchObject({ value: { text: null }, remarks: ['volgt'] });
    expect(warningsOf(read(INV))).toEqual(['edifact.result-missing INV']);
  });

  it('has the lines that follow it, the range between them or not', () => {
    const { results } = specimenOf(
      read(INV, 'RSL+NV+78', 'FTX+UIT+++a::  b', 'RND+RU+50+100', 'FTX+UIT+++c+d:e', 'S18+2+G', INV, 'RSL+NV+79'),
    );
    expect(results.map(({ remarks }) => remarks)).toEqual([['a', '', '  b', 'c+d', 'e'], []]);
  });

  it('warns of a line of another kind, and keeps it', () => {
    const reading = read(INV, 'RSL+NV+78++umol/l', 'FTX+RPD+++Leeftijd');
    expect(specimenOf(reading).results[0]?.remarks).toEqual(['Leeftijd']);
    expect(warningsOf(reading)).toEqual(['edifact.qualifier-unknown FTX 1']);
  });
});

describe('a value of MEDRPT', () => {
  it.each([
    ['NV+4,5', '4,5', 4.5, null],
    ['NV+4.50', '4.50', 4.5, null],
    ['NV+<4,5', '<4,5', 4.5, '<'],
    ['NV+90:6', '>90', 90, '>'],
    ['NV+0,5:7', '<0,5', 0.5, '<'],
    ['NV+90:5', '>=90', 90, '>='],
    ['NV+90:8', '<=90', 90, '<='],
    ['AV+>90', '>90', 90, '>'],
    ['TV+240208', '240208', null, null],
    ['CV+386', '386', null, null],
    ['NR+5-10', '5-10', null, null],
    ['+12', '12', null, null],
  ])('%s is %s', (rsl, text, number, comparator) => {
    expect(resultOf(INV, `RSL+${rsl}++umol/l`).value).toEqual({ text, number, comparator });
    expect(holdsOf(`RSL+${rsl}++umol/l`)).toEqual([]);
  });

  it('is no number where its unit measures nothing', () => {
    expect(resultOf(INV, 'RSL+NV+5:7++uur').value).toEqual({ text: '<5', number: null, comparator: null });
  });

  it.each([
    ['NV+5:4', '5:4'],
    ['NV+5:7:x', '5:7:x'],
    ['NV+<5:7', '<5:7'],
    ['NV+:7', ':7'],
    ['CV+:386', ':386'],
  ])('is held with more said of it than we know: %s', (rsl, text) => {
    expect(resultOf(INV, `RSL+${rsl}++umol/l`).value).toEqual({ text, number: null, comparator: null });
    expect(holdsOf(`RSL+${rsl}++umol/l`)).toEqual(['edifact.columns-slipped']);
  });

  it('is held where it is a range beside another', () => {
    expect(holdsOf('RSL+NR+5+10+umol/l')).toEqual(['edifact.columns-slipped']);
  });

  it('of an unknown kind is text, with a warning', () => {
    expect(warningsOf(read(INV, 'RSL+ZZ+12++umol/l'))).toEqual(['edifact.result-kind-unknown RSL 1']);
  });

  it('has a unit in whichever component it stands', () => {
    expect(resultOf(INV, 'RSL+NV+78++:::umol/l')).toMatchObject({ unit: 'umol/l', value: { number: 78 } });
  });

  it.each([
    ['HI', 'high', []],
    ['lo', 'low', []],
    ['UN', 'abnormal', []],
    ['XX', null, ['edifact.flag-unknown RSL 5']],
  ])('has its flag as sent, and a meaning where it has one: %s', (raw, meaning, warnings) => {
    expect(resultOf(INV, `RSL+NV+78++umol/l+${raw}`).flag).toEqual({ raw, meaning });
    expect(warningsOf(read(INV, `RSL+NV+78++umol/l+${raw}`))).toEqual(warnings);
  });
});

describe('a range of MEDRPT', () => {
  it.each([
    ['4,5 12,0', 'RU+4,5+12,0', { low: '4,5', high: '12,0', text: null }],
    ['', 'RU+4.5+12.0', { low: '4.5', high: '12.0', text: null }],
    ['60', 'RU+60', { low: '60', high: null, text: null }],
    ['', 'RU++100', { low: null, high: '100', text: null }],
    ['0.0 12.0', null, { low: null, high: null, text: '0.0 12.0' }],
    ['0.0 12.0', 'RU', { low: null, high: null, text: '0.0 12.0' }],
    ['<5', 'RU+<5', { low: null, high: null, text: '<5' }],
    ['', 'RU+<5', { low: null, high: null, text: '<5' }],
    ['4 - 12', 'RU+4+-', { low: null, high: null, text: '4 - 12' }],
  ])('has limits only where they are numbers: %j, %s', (text, rnd, range) => {
    const lines = [INV, `RSL+NV+5+${text}+umol/l`, ...(rnd === null ? [] : ['S20+1', `RND+${rnd}`])];
    expect(resultOf(...lines).range).toEqual(range);
    expect(read(...lines).warnings).toEqual([]);
  });

  it.each([
    ['4,5 12,0', '5,0+12,0', '4,5 12,0 / 5,0 12,0'],
    ['4 12 v', '4+12', '4 12 v / 4 12'],
  ])('that is said in two ways is text: %s', (text, rnd, both) => {
    const lines = [INV, `RSL+NV+5+${text}+umol/l`, `RND+RU+${rnd}`];
    expect(resultOf(...lines).range).toEqual({ low: null, high: null, text: both });
    expect(warningsOf(read(...lines))).toEqual(['edifact.range-mismatch RND']);
  });

  it('of another kind is counted, not read', () => {
    const reading = read(INV, 'RSL+NV+5++umol/l', 'RND+ZZ+1+2');
    expect(specimenOf(reading).results[0]?.range).toEqual({ low: null, high: null, text: null });
    expect(warningsOf(reading)).toEqual(['edifact.qualifier-unknown RND 1']);
  });
});

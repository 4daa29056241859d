import { describe, expect, it } from 'vitest';
import { readUnit } from '../../src/lab/codes/codes.ts';
import { readValue } from '../../src/lab/value.ts';

const mmol = readUnit('mmol/l');

describe('a value', () => {
  it.each([
    ['75', 75, null],
    ['5.10', 5.1, null],
    ['5,10', 5.1, null],
    ['-2', -2, null],
    ['007', 7, null],
    ['<5', 5, '<'],
    ['> 90', 90, '>'],
    ['<=3', 3, '<='],
    ['>=100', 100, '>='],
    ['=5', 5, null],
    ['  5', 5, null],
  ])('%s with a measuring unit is a number', (text, number, comparator) => {
    expect(readValue(text, mmol, false)).toEqual({ text, number, comparator });
  });

  it.each([
    'Zie onder',
    'mogelijk',
    '*',
    '1:160',
    '5-10',
    '5.',
    '.5',
    '<>5',
    '1.2.3',
    '5 mmol',
    '1e3',
    '5 ',
    '--5',
    '',
    '1234567890123456',
  ])('%j stays text', (text) => {
    expect(readValue(text, mmol, false)).toEqual({ text, number: null, comparator: null });
  });

  it.each([
    ['a date', '240208', null],
    ['a clock time', '22.15', 'uur'],
    ['a unit that we do not know', '3', 'punten'],
  ])('without a measuring unit is no number: %s', (_name, text, unit) => {
    expect(readValue(text, readUnit(unit), false).number).toBeNull();
  });

  it('needs no unit where its code needs none, but then has none', () => {
    expect(readValue('2.8', readUnit(null), true).number).toBe(2.8);
    expect(readValue('2.8', readUnit('punten'), true).number).toBeNull();
  });

  it('that was not sent is nothing', () => {
    expect(readValue(null, mmol, false)).toEqual({ text: null, number: null, comparator: null });
  });
});

import { describe, expect, it } from 'vitest';
import { readUnit } from '../../../src/lab/codes/codes.ts';

describe('a unit', () => {
  it.each([
    ['mmol/l', 'mmol/L'],
    ['MMOL/L', 'mmol/L'],
    ['mmol/mol', 'mmol/mol'],
    ['umol/l', 'umol/L'],
    ['µmol/l', 'umol/L'],
    ['μmol/L', 'umol/L'],
    ['10E12/l', '10*12/L'],
    ['10e9/l', '10*9/L'],
    ['10^9/L', '10*9/L'],
    ['10*9/l', '10*9/L'],
    ['x10^9/l', '10*9/L'],
    ['10⁹/l', '10*9/L'],
    ['10¹²/l', '10*12/L'],
    ['10E09/l', '10*9/L'],
    ['ml/min/1.73m2', 'mL/min/{1.73_m2}'],
    ['mL/min/1,73 m²', 'mL/min/{1.73_m2}'],
    ['ml/min/1.73m^2', 'mL/min/{1.73_m2}'],
    ['ml/min', 'mL/min'],
    ['mm/uur', 'mm/h'],
    ['mmHg', 'mm[Hg]'],
    ['mU/l', 'mU/L'],
    ['kg/m2', 'kg/m2'],
    ['/min', '/min'],
    ['%', '%'],
  ])('%s is %s, and measures', (text, ucum) => {
    expect(readUnit(text)).toEqual({ text, ucum, isMeasuringUnit: true });
  });

  it.each([
    ['a clock time', 'uur'],
    ['an unknown one', 'punten'],
    ['giga per litre, which is not grams', 'G/l'],
    ['mega-units, which are not milli-units', 'MU/l'],
    ['one that was cut off', 'ml/min/1.'],
    ['a blank one', ' '],
    ['the name of a built-in property', 'constructor'],
  ])('that we do not know is kept as text: %s', (_name, text) => {
    expect(readUnit(text)).toEqual({ text, ucum: null, isMeasuringUnit: false });
  });

  it('that was not sent is none', () => {
    expect(readUnit(null)).toEqual({ text: null, ucum: null, isMeasuringUnit: false });
  });
});

/**
 * The unit table: how laboratories write a unit, and its UCUM code. Case, blanks, µ and exponents are spelling; nothing
 * is ever converted, and a unit that is not listed stays text (edifact.md §8, "Unit caution").
 */

export interface UnitReading {
  /** As sent; null where the sender gave none. */
  readonly text: string | null;
  readonly ucum: string | null;
  /** Whether a number with this unit is a measurement. A clock time in `uur` is none. */
  readonly isMeasuringUnit: boolean;
}

// UCUM code, then the normalised spellings (see `spelling`). One row per unit.
const UNITS: readonly (readonly [ucum: string, ...spellings: string[]])[] = [
  ['mol/L', 'mol/l'],
  ['mmol/L', 'mmol/l'],
  ['umol/L', 'umol/l', 'mcmol/l'],
  ['nmol/L', 'nmol/l'],
  ['pmol/L', 'pmol/l'],
  ['mmol/mol', 'mmol/mol'],
  ['umol/mol', 'umol/mol'],
  ['mg/mmol', 'mg/mmol'],
  ['g/mol', 'g/mol'],
  ['ug/mmol', 'ug/mmol'],
  ['mmol/mmol', 'mmol/mmol'],
  ['umol/mmol', 'umol/mmol'],
  ['mg/g', 'mg/g'],
  ['ug/g', 'ug/g'],
  ['g/L', 'g/l'],
  ['mg/L', 'mg/l'],
  ['ug/L', 'ug/l', 'mcg/l'],
  ['ng/L', 'ng/l'],
  ['pg/L', 'pg/l'],
  ['g/dL', 'g/dl'],
  ['mg/dL', 'mg/dl'],
  ['mg/mL', 'mg/ml'],
  ['ug/mL', 'ug/ml'],
  ['ng/mL', 'ng/ml'],
  ['pg/mL', 'pg/ml'],
  ['%', '%'],
  ['[ppth]', '‰', 'promille'],
  ['L/L', 'l/l'],
  ['fL', 'fl'],
  ['fmol', 'fmol'],
  ['amol', 'amol'],
  ['pg', 'pg'],
  ['U/L', 'u/l', 'e/l'],
  ['mU/L', 'mu/l', 'me/l'],
  ['kU/L', 'ku/l', 'ke/l'],
  ['U/mL', 'u/ml', 'e/ml'],
  ['[IU]/L', 'iu/l', 'ie/l'],
  ['m[IU]/L', 'miu/l', 'mie/l'],
  ['k[IU]/L', 'kiu/l', 'kie/l'],
  ['[IU]/mL', 'iu/ml', 'ie/ml'],
  ['10*12/L', '10*12/l'],
  ['10*9/L', '10*9/l'],
  ['10*6/L', '10*6/l'],
  ['10*3/L', '10*3/l'],
  ['/uL', '/ul'],
  ['mL/min', 'ml/min'],
  ['mL/min/{1.73_m2}', 'ml/min/1.73m2', 'ml/min/1.73m*2', 'ml/min/1.73', 'ml/min/{1.73_m2}', 'ml/min/(1.73m2)'],
  ['mmol/(24.h)', 'mmol/24h', 'mmol/24uur', 'mmol/24u'],
  ['mg/(24.h)', 'mg/24h', 'mg/24uur', 'mg/24u'],
  ['g/(24.h)', 'g/24h', 'g/24uur', 'g/24u'],
  ['mL/(24.h)', 'ml/24h', 'ml/24uur', 'ml/24u'],
  ['L/(24.h)', 'l/24h', 'l/24uur', 'l/24u'],
  ['ug/min', 'ug/min'],
  ['mm/h', 'mm/uur', 'mm/u', 'mm/h', 'mm/hr'],
  ['s', 's', 'sec'],
  ['mL', 'ml'],
  ['L', 'l'],
  ['L/min', 'l/min'],
  ['kg', 'kg'],
  ['kg/m2', 'kg/m2', 'kg/m*2'],
  ['cm', 'cm'],
  ['m', 'm'],
  ['mm[Hg]', 'mmhg', 'mm[hg]'],
  ['kPa', 'kpa'],
  ['/min', '/min'],
  ['mosm/kg', 'mosm/kg', 'mosmol/kg'],
  ['Cel', '°c'],
  ['{INR}', 'inr', '{inr}'],
];

// Where case is the meaning, not spelling: mega-units are not milli-units, giga and tera per litre are cell counts.
const MEANT_BY_CASE = /^(?:M(?:U|E|IU|IE)\/|[GT]\/)/;

const ucumBySpelling = new Map(UNITS.flatMap(([ucum, ...spellings]) => spellings.map((text) => [text, ucum] as const)));

/** Reads a unit as sent. */
export function readUnit(text: string | null): UnitReading {
  const ucum = text === null ? null : (ucumBySpelling.get(spelling(text)) ?? null);
  return { text, ucum, isMeasuringUnit: ucum !== null };
}

// One spelling of many: `10E12/l`, `10^12/L`, `x 10*12/l` and `10¹²/l` are the same unit.
function spelling(text: string): string {
  const bare = text.replace(/\s+/g, '');
  if (MEANT_BY_CASE.test(bare)) return bare;
  return bare
    .toLowerCase()
    .replace(/[µμ]/g, 'u')
    .replace(/[⁰¹²³⁴⁵⁶⁷⁸⁹]+/g, (digits) => `*${digits.normalize('NFKC')}`)
    .replace(/^x(?=10)/, '')
    .replace(/^10(?:e|\^|\*{1,2})\+?0*(?=[1-9])/, '10*')
    .replace(/\^(?=2)/, '*')
    .replace(/1,73/, '1.73');
}

/**
 * The determinations that the generated laboratories do: names, codes, units, ranges, and how a value of an adult comes
 * about. Codes are those of the mapping rows (lab/codes/determinations.csv) where there is one, so that the unit fits.
 */

import { Failure } from '../../shared/failure.ts';
import type { SandboxPatient } from '../people.ts';
import type { Random } from './random.ts';

type Range = readonly [low: number | null, high: number | null];
type Known = (id: string) => number;

export interface Determination {
  readonly id: string;
  readonly name: string;
  /** The NHG's key, 4+2+2 wide. */
  readonly memo: string;
  readonly nhg: string | null;
  readonly loinc: string | null;
  /** A laboratory's own code. */
  readonly local: string;
  readonly unit: string | null;
  readonly decimals: number;
  readonly range: Range | { readonly male: Range; readonly female: Range };
  /** What the analyser can measure: beyond it the limit is reported, with a comparator. */
  readonly measurable: Range;
  readonly draw: (random: Random, person: SandboxPatient) => number | string;
}

/** One that is calculated from others. A text: it could not be. */
export interface Derived extends Omit<Determination, 'draw'> {
  readonly from: readonly string[];
  readonly derive: (known: Known, person: SandboxPatient, year: number) => number | string;
}

const NO_RANGE: Range = [null, null];
const isDiabetic = ({ programme }: SandboxPatient) => programme === 'DM2';

export const DETERMINATIONS: readonly (Determination | Derived)[] = [
  measured('HBAC', 'HbA1c (IFCC)', ['HBACB', '2816', '59261-8'], 'mmol/mol', 0, [20, 42], (random, person) =>
    isDiabetic(person) ? random.bell(54, 11) : random.bell(37, 4),
  ),
  measured('GLUC', 'Glucose nuchter', ['GLUCBP', '372', null], 'mmol/l', 1, [4, 6], (random, person) =>
    isDiabetic(person) ? random.bell(7.8, 1.8) : random.bell(5.3, 0.5),
  ),
  measured('KREA', 'Kreatinine', ['KREAB', '523', '14682-9'], 'umol/l', 0, bySex([60, 110], [50, 100]), (random) =>
    random.bell(82, 20),
  ),
  derived(
    measured('KREC', 'eGFR (CKD-EPI)', ['KRECO FB', '3583', '62238-1'], 'ml/min/1.73m2', 0, [60, null], none, [
      null,
      90,
    ]),
    ['KREA'],
    ckdEpi,
  ),
  measured('K', 'Kalium', ['K   B', '513', '2823-3'], 'mmol/l', 1, [3.5, 5], (random) => random.bell(4.3, 0.4)),
  measured('NA', 'Natrium', ['NA  B', '624', '2951-2'], 'mmol/l', 0, [135, 145], (random) => random.bell(140, 3)),
  measured('CHOL', 'Cholesterol totaal', ['CHOLB', '192', '14647-2'], 'mmol/l', 1, [null, 5], (random) =>
    random.bell(4.9, 0.9),
  ),
  measured('HDL', 'HDL-cholesterol', ['HDL B', '446', '14646-4'], 'mmol/l', 1, [1, null], (random) =>
    random.bell(1.4, 0.3),
  ),
  measured(
    'TRIG',
    'Triglyceriden',
    ['TRIGB', '1377', '14927-8'],
    'mmol/l',
    1,
    [null, 2],
    (random) => Math.abs(random.bell(1.7, 1.2)) + 0.3,
  ),
  derived(
    measured('NHDL', 'Non-HDL-cholesterol', ['NHDLB', '3826', null], 'mmol/l', 1, [null, 3.8], none),
    ['CHOL', 'HDL'],
    (known) => known('CHOL') - known('HDL'),
  ),
  derived(
    measured('LDL', 'LDL-cholesterol', ['LDL B', '542', '22748-8'], 'mmol/l', 1, [null, 3], none, [0.3, null]),
    ['CHOL', 'HDL', 'TRIG'],
    // Friedewald: not to be used above 4.5 mmol/l triglycerides.
    (known) => (known('TRIG') > 4.5 ? 'Zie onder' : known('CHOL') - known('HDL') - known('TRIG') / 2.2),
  ),
  measured('ALBU', 'Albumine urine', ['ALB U', '38', null], 'mg/l', 0, [null, 20], albuminuria, [3, null]),
  measured('KREU', 'Kreatinine urine', ['KREAU', null, null], 'mmol/l', 1, NO_RANGE, (random) => random.bell(9, 2.5)),
  derived(
    measured('ALBK', 'Albumine/kreatinine', ['ALBKU MI', '40', '32294-1'], 'mg/mmol', 1, [null, 3], none, [0.3, null]),
    ['ALBU', 'KREU'],
    (known) => known('ALBU') / known('KREU'),
  ),
  measured('HB', 'Hemoglobine', ['HB  B', '412', '59260-0'], 'mmol/l', 1, bySex([8.5, 11], [7.5, 10]), (random) =>
    random.bell(8.7, 0.8),
  ),
  measured('HT', 'Hematocriet', ['HT  B', null, null], 'l/l', 2, bySex([0.4, 0.5], [0.35, 0.45]), (random) =>
    random.bell(0.42, 0.035),
  ),
  measured('ERY', 'Erytrocyten', ['ERY B MT', null, null], '10E12/l', 1, bySex([4.5, 5.5], [4, 5]), (random) =>
    random.bell(4.7, 0.4),
  ),
  derived(
    measured('MCV', 'MCV', ['MCV B', null, null], 'fl', 0, [80, 100], none),
    ['HT', 'ERY'],
    (known) => (1000 * known('HT')) / known('ERY'),
  ),
  measured('LEUK', 'Leukocyten', ['LEUKB MT', '547', '6690-2'], '10E9/l', 1, [4, 10], (random) =>
    random.bell(7.2, 1.9),
  ),
  measured('TROM', 'Trombocyten', ['TROMB MT', '1379', '777-3'], '10E9/l', 0, [150, 400], (random) =>
    random.bell(255, 60),
  ),
  measured('EOS', 'Eosinofielen', ['EOS B', null, null], '10E9/l', 2, [null, 0.3], (random) =>
    Math.abs(random.bell(0.22, 0.14)),
  ),
  measured(
    'BSE',
    'Bezinking',
    ['BSE B', null, null],
    'mm/uur',
    0,
    [null, 20],
    (random) => 1 + Math.abs(random.bell(10, 9)),
  ),
  measured('CRP', 'CRP', ['CRP B', '227', '1988-5'], 'mg/l', 0, [null, 10], (random) => random.bell(7, 8), [1, 500]),
  measured(
    'NTPR',
    'NT-proBNP',
    ['NTPRB', '1968', '33762-6'],
    'ng/l',
    0,
    [null, 125],
    (random) => random.bell(160, 120),
    [10, null],
  ),
  measured('TSH', 'TSH', ['TSH B', '1385', '3016-3'], 'mU/l', 2, [0.4, 4], (random) => random.bell(2.1, 1.1), [
    0.01,
    null,
  ]),
  measured('FT4', 'Vrij T4', ['FT4 B', '348', '14920-3'], 'pmol/l', 1, [10, 22], (random) => random.bell(15.5, 2.8)),
  // Its own unit would be 1: laboratories send none.
  measured('INR', 'INR', ['INR B', '508', '6301-6'], null, 1, NO_RANGE, (random) => Math.max(1, random.bell(2.7, 0.5))),
  inWords('UGLU', 'Glucose urine', 'GLUCU', ['negatief', 'negatief', 'negatief', '1+', '3+']),
  inWords('UEIW', 'Eiwit urine', 'EIW U', ['negatief', 'negatief', 'spoor', '1+']),
  inWords('UNIT', 'Nitriet', 'NITRU', ['negatief', 'negatief', 'negatief', 'positief']),
  inWords('ULEU', 'Leukocyten sediment', 'LEUKU SE', ['0-5', '0-5', '5-20', '>50'], '/gv'),
  inWords('UPH', 'pH urine', 'PH  U', ['5.0', '5.5', '6.0', '7.5']),
];

const byId = new Map(DETERMINATIONS.map((determination) => [determination.id, determination]));

export function determination(id: string): Determination | Derived {
  const found = byId.get(id);
  if (found === undefined) throw new Failure('sandbox.no-determination', { kind: 'defect', fields: { id } });
  return found;
}

export function isDerived(one: Determination | Derived): one is Derived {
  return 'derive' in one;
}

function measured(
  id: string,
  name: string,
  [memo, nhg, loinc]: readonly [memo: string, nhg: string | null, loinc: string | null],
  unit: string | null,
  decimals: number,
  range: Determination['range'],
  draw: Determination['draw'],
  measurable: Range = NO_RANGE,
): Determination {
  return { id, name, memo, nhg, loinc, local: localCode(id), unit, decimals, range, draw, measurable };
}

function derived(base: Determination, from: readonly string[], derive: Derived['derive']): Derived {
  const { draw: _, ...rest } = base;
  return { ...rest, from, derive };
}

function inWords(id: string, name: string, memo: string, words: readonly string[], unit: string | null = null) {
  return measured(id, name, [memo, null, null], unit, 0, NO_RANGE, (random) => random.pick(words));
}

// Digits in the first places: nothing that could be taken for a key of the NHG (edifact.md §3.3).
function localCode(id: string): string {
  return `7${id}9`;
}

function bySex(male: Range, female: Range): Determination['range'] {
  return { male, female };
}

function none(): number {
  return 0;
}

// Most people have next to none, some much.
function albuminuria(random: Random): number {
  return random.isLucky(0.75) ? Math.abs(random.bell(6, 5)) : Math.abs(random.bell(60, 40));
}

// CKD-EPI 2009, creatinine in umol/l.
function ckdEpi(known: Known, { sex, birthDate }: SandboxPatient, year: number): number {
  const [scale, exponent, factor] = sex === 'female' ? [61.9, -0.329, 1.018] : [79.6, -0.411, 1];
  const ratio = known('KREA') / scale;
  const age = year - Number(birthDate.slice(0, 4));
  return 141 * Math.min(ratio, 1) ** exponent * Math.max(ratio, 1) ** -1.209 * 0.993 ** age * factor;
}

/** A urine culture: in HL7 with sub-ids and an antibiogram per organism, in MEDLAB as a text under `Zie onder`. */

import type { DraftResult } from './draft.ts';
import type { Random } from './random.ts';
import type { Sender } from './senders.ts';

export interface Culture {
  /** What is known after a day, before the organism has its name; null where the format has no such stage. */
  readonly early: readonly DraftResult[] | null;
  readonly final: readonly DraftResult[];
}

/** A culture as this sender reports it. */
export function drawCulture(random: Random, { format }: Sender): Culture {
  const organisms = random.isLucky(0.3) ? random.pick(GROWTH_OF_TWO) : [random.pick(ORGANISMS)];
  const isNegative = random.isLucky(0.3);
  if (format === 'medlab-1') return { early: null, final: [asText(random, isNegative ? [] : organisms)] };
  if (isNegative) return { early: null, final: [growth('Geen groei', null)] };
  const early = organisms.map((_, index) => growth('Gramnegatieve staven', String(index + 1)));
  const found = organisms.flatMap((organism, index) => [
    growth(organism, String(index + 1)),
    ...ANTIBIOTICS.map((antibiotic) => susceptibility(random, organism, antibiotic, String(index + 1))),
  ]);
  return { early, final: [...found, conclusion(organisms)] };
}

const ORGANISMS = ['Escherichia coli', 'Klebsiella pneumoniae', 'Proteus mirabilis'] as const;
const GROWTH_OF_TWO = [
  [ORGANISMS[0], ORGANISMS[1]],
  [ORGANISMS[0], ORGANISMS[2]],
] as const;
const ANTIBIOTICS = [
  ['AMOX', 'Amoxicilline'],
  ['NITRO', 'Nitrofurantoïne'],
  ['TRIM', 'Trimethoprim'],
] as const;
type Antibiotic = (typeof ANTIBIOTICS)[number];
// Whatever else it is sensitive to (EUCAST, expected resistant phenotypes).
const INTRINSICALLY_RESISTANT: ReadonlyMap<string, string> = new Map([
  ['Klebsiella pneumoniae', 'AMOX'],
  ['Proteus mirabilis', 'NITRO'],
]);

const PLAIN = {
  system: 'L',
  loinc: null,
  subId: null,
  unit: null,
  low: null,
  high: null,
  flag: null,
  susceptibility: null,
  status: 'final',
  remarks: [],
} as const;

function growth(text: string, subId: string | null): DraftResult {
  return { ...PLAIN, name: 'Kweek', code: 'KWEEK', type: 'coded', text, subId };
}

function susceptibility(random: Random, organism: string, [code, name]: Antibiotic, subId: string): DraftResult {
  const isResistant = INTRINSICALLY_RESISTANT.get(organism) === code || random.isLucky(0.25);
  const [text, susceptibility] = isResistant ? ['>=32', 'R'] : [random.pick(['<=2', '<=16']), 'S'];
  return { ...PLAIN, name, code, type: 'text', text, unit: 'mg/l', subId, susceptibility };
}

function conclusion(organisms: readonly string[]): DraftResult {
  const text = `Groei van ${organisms.join(' & ')}.\nKiemgetal >10^5 kve/ml.\n\nOverleg bij recidief.`;
  return { ...PLAIN, name: 'Conclusie', code: 'CONCL', type: 'lines', text };
}

function asText(random: Random, organisms: readonly string[]): DraftResult {
  const base = { ...PLAIN, name: 'Urinekweek', code: 'KWEKU', type: 'text' } as const;
  if (organisms.length === 0) return { ...base, text: 'Geen groei' };
  const remarks = organisms.flatMap((organism) => [
    `Groei van: ${organism}`,
    ...ANTIBIOTICS.map((antibiotic) => susceptibility(random, organism, antibiotic, '')).map(
      (result) => `  ${result.name.padEnd(18)}${result.susceptibility}`,
    ),
  ]);
  return { ...base, text: 'Zie onder', remarks };
}

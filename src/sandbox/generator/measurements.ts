/** The values of a panel: drawn, calculated from each other, rounded, and spelt as the sender does. */

import type { SandboxPatient } from '../people.ts';
import { type Derived, type Determination, determination, isDerived } from './determinations.ts';
import type { DraftResult } from './draft.ts';
import type { Random } from './random.ts';
import type { Sender } from './senders.ts';

export interface Measurement {
  /** With a decimal point. */
  readonly text: string;
  readonly remarks: readonly string[];
}

export type Measurements = ReadonlyMap<string, Measurement>;

export interface Subject {
  readonly person: SandboxPatient;
  /** Of the collection: an eGFR depends on the age. */
  readonly year: number;
}

/** Values for these determinations of one person; what is calculated follows from what was drawn. */
export function measure(random: Random, ids: readonly string[], subject: Subject): Measurements {
  const drawn = ids.map(determination).flatMap((one): [string, Measurement][] => {
    if (isDerived(one)) return [];
    const remarks = random.isLucky(0.04) ? random.pick(REMARKS) : [];
    return [[one.id, { text: textOf(one, one.draw(random, subject.person)), remarks }]];
  });
  return withDerived(new Map(drawn), ids, subject);
}

/** The same with another number for one determination, and for what is calculated from it; null: there is no number. */
export function remeasure(random: Random, before: Measurements, subject: Subject): Measurements | null {
  const ids = [...before.keys()];
  const numbers = ids.map(determination).filter((one) => !isDerived(one) && isNumber(before.get(one.id)?.text ?? ''));
  if (numbers.length === 0) return null;
  const chosen = random.pick(numbers);
  const values = new Map(before);
  // A determination whose values are mostly one and the same (a limit) is tried a few times, and then left alone.
  for (let attempt = 0; attempt < 50; attempt++) {
    const text = isDerived(chosen) ? '' : textOf(chosen, chosen.draw(random, subject.person));
    values.set(chosen.id, { text, remarks: before.get(chosen.id)?.remarks ?? [] });
    if (text !== before.get(chosen.id)?.text) return withDerived(values, ids, subject);
  }
  return null;
}

/** A measurement as a line of a report, final. */
export function resultOf(
  one: Determination | Derived,
  { text, remarks }: Measurement,
  sender: Sender,
  person: SandboxPatient,
): DraftResult {
  const [low, high] = rangeOf(one, person);
  const spelt = (number: number | null) => (number === null ? null : spell(number.toFixed(one.decimals), sender));
  const { code, system } = codeOf(one, sender);
  const hasRange = low !== null || high !== null;
  return {
    name: one.name,
    code,
    system,
    loinc: system === 'NHG45' ? one.loinc : null,
    subId: null,
    type: isNumber(text) ? 'number' : 'text',
    text: spell(text, sender),
    unit: one.unit === null ? null : (sender.units[one.unit] ?? one.unit),
    low: spelt(low),
    high: spelt(high),
    flag: hasRange && isNumber(text) ? flagOf(numberIn(text), low, high) : null,
    susceptibility: null,
    status: 'final',
    remarks: remarks.map((line) => spell(line, sender)),
  };
}

function withDerived(
  values: Map<string, Measurement>,
  ids: readonly string[],
  { person, year }: Subject,
): Measurements {
  const known = (id: string) => numberIn(values.get(id)?.text ?? '');
  // In the order of the panel, in which a calculated value stands behind what it is calculated from.
  return new Map(
    ids.map((id) => {
      const one = determination(id);
      if (!isDerived(one)) return [id, values.get(id) ?? { text: '', remarks: [] }];
      const text = textOf(one, one.derive(known, person, year));
      return [id, { text, remarks: isNumber(text) ? [] : ['Niet te berekenen bij triglyceriden > 4.5 mmol/l.'] }];
    }),
  );
}

function textOf({ decimals, measurable: [low, high] }: Determination | Derived, value: number | string): string {
  if (typeof value === 'string') return value;
  if (high !== null && value > high) return `>${high.toFixed(decimals)}`;
  if (low !== null && value < low) return `<${low.toFixed(decimals)}`;
  // No measurement is below zero, nor is it nothing at all.
  return Math.max(value, 10 ** -decimals).toFixed(decimals);
}

function isNumber(text: string): boolean {
  return /^[<>]?\d+(?:\.\d+)?$/.test(text);
}

function numberIn(text: string): number {
  return Number(text.replace(/^[<>]/, ''));
}

function rangeOf({ range }: Determination | Derived, { sex }: SandboxPatient) {
  return 'male' in range ? range[sex] : range;
}

function flagOf(number: number, low: number | null, high: number | null): DraftResult['flag'] {
  if (low !== null && number < low) return 'low';
  return high !== null && number > high ? 'high' : null;
}

function codeOf(one: Determination | Derived, { codes }: Sender): Pick<DraftResult, 'code' | 'system'> {
  if (codes === 'memo') return { code: one.memo, system: 'L' };
  return codes === 'number' && one.nhg !== null ? { code: one.nhg, system: 'NHG45' } : { code: one.local, system: 'L' };
}

// A point between two digits is a decimal one, in remarks too.
function spell(text: string, { decimal }: Sender): string {
  return text.replace(/(\d)\.(?=\d)/g, `$1${decimal}`);
}

// With every character that EDIFACT or HL7 must release, and with leading blanks, which are layout.
const REMARKS: readonly (readonly string[])[] = [
  ['Monster licht hemolytisch.'],
  ["Vragen? Bel 'de dienstdoende': 0599-123456 + toestel 7."],
  ['Herhaald bepaald, zelfde uitslag.', '   Afwijkend t.o.v. vorige uitslag & bevestigd.'],
  ['Patiënt was niet nuchter (|t0 = 1.5 uur|) ~ zie 24^7 \\ protocol.'],
];

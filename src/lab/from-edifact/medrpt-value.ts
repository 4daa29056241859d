/** RSL.1 and RSL.2: the kind of a value, the value, and the comparator where it stands in a component of its own. */

import { elementText, type Segment } from '../../edifact/edifact.ts';
import type { UnitReading } from '../codes/codes.ts';
import type { ResultValue } from '../lab.ts';
import { readValue } from '../value.ts';
import type { Notes } from './notes.ts';

// AV alphanumerical, NV numerical; CV coded, NR numerical range, TV text. A code or a text of digits is no number.
const KINDS: ReadonlyMap<string, { readonly mayBeNumber: boolean }> = new Map([
  ['NV', { mayBeNumber: true }],
  ['AV', { mayBeNumber: true }],
  ['CV', { mayBeNumber: false }],
  ['NR', { mayBeNumber: false }],
  ['TV', { mayBeNumber: false }],
]);

// UN 6321, as the sister message NHS003 uses it in `RSL+NV+11.9:7`.
const COMPARATORS: ReadonlyMap<string, NonNullable<ResultValue['comparator']>> = new Map<
  string,
  NonNullable<ResultValue['comparator']>
>([
  ['5', '>='],
  ['6', '>'],
  ['7', '<'],
  ['8', '<='],
]);

/** Reads the value of an RSL. */
export function readMedrptValue(rsl: Segment, unit: UnitReading, isUnitOptional: boolean, notes: Notes): ResultValue {
  const kind = elementText(rsl, 1)?.trim().toUpperCase() ?? '';
  const known = KINDS.get(kind);
  if (known === undefined) notes.warn('edifact.result-kind-unknown', rsl, 1);
  // RSL.3 may be the upper end of a value that is a range, or the reference range: nobody says which.
  if (kind === 'NR' && elementText(rsl, 3) !== null) notes.hold('edifact.columns-slipped', rsl, 3);
  const text = valueText(rsl, kind, notes);
  if (known?.mayBeNumber !== true) return { text, number: null, comparator: null };
  return readValue(text, unit, isUnitOptional);
}

// A comparator that is sent as a code joins the text: without it the text would say another value.
function valueText(rsl: Segment, kind: string, notes: Notes): string | null {
  const [value = '', significance = '', ...others] = rsl.elements[1] ?? [];
  if (significance.trim() === '' && others.every((component) => component.trim() === '')) return elementTextOf(value);
  const comparator = others.length === 0 ? COMPARATORS.get(significance.trim()) : undefined;
  if (kind === 'NV' && comparator !== undefined && /^-?\d+(?:[.,]\d+)?$/.test(value.trim())) {
    return `${comparator}${value.trim()}`;
  }
  notes.warn('edifact.value-components', rsl, 2);
  // A number with more said of it than we know may be another value; a text only has a separator that was not released.
  if (kind !== 'TV' && kind !== 'AV') notes.hold('edifact.columns-slipped', rsl, 2);
  return elementText(rsl, 2);
}

function elementTextOf(component: string): string | null {
  return component.trim() === '' || component === '""' ? null : component;
}

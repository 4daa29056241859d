/** The segments about one observation, as fields by number: OBX, and the notes behind it. */

import { escapeText, type Separators } from '../../hl7/hl7.ts';
import type { DraftResult } from './draft.ts';
import type { Sender } from './senders.ts';

export const SEPARATORS: Separators = {
  field: '|',
  component: '^',
  repetition: '~',
  escapeCharacter: '\\',
  subcomponent: '&',
  truncation: '',
};

/** Fields by their number; the empty ones are left out. */
export function fieldsOf(name: string, fields: readonly (readonly [number, string | null])[]): readonly string[] {
  const values = new Map(fields);
  const last = Math.max(...fields.filter(([, value]) => value !== null && value !== '').map(([field]) => field));
  return [name, ...Array.from({ length: last }, (_, index) => values.get(index + 1) ?? '')];
}

/** OBX of a result. `collectedAt` as OBR-7 has it. */
export function resultFields(
  sender: Sender,
  result: DraftResult,
  setId: number,
  collectedAt: string,
): readonly string[] {
  const sign = result.flag === null ? null : result.flag === 'low' ? 'L' : 'H';
  const { type, value } = observed(result);
  return fieldsOf('OBX', [
    [1, String(setId)],
    [2, type],
    [3, codeField(result)],
    [4, result.subId],
    [5, value],
    [6, text(result.unit ?? '')],
    [7, text(rangeText(result))],
    [8, sign ?? result.susceptibility ?? sender.noFlag],
    [11, { final: 'F', preliminary: 'P', corrected: 'C' }[result.status]],
    [14, sender.codes === 'number' ? collectedAt : null],
  ]);
}

/** OBX of what is still to come: no value, status I. */
export function pendingFields(result: DraftResult, setId: number): readonly string[] {
  return fieldsOf('OBX', [
    [1, String(setId)],
    [2, 'ST'],
    [3, codeField(result)],
    [11, 'I'],
  ]);
}

function codeField({ code, name, system, loinc }: DraftResult): string {
  const other = loinc === null ? '' : `^${loinc}^${text(name)}^LN`;
  return `${text(code)}^${text(name)}^${system}${other}`;
}

// A comparator makes a number a structured one (SN); NM is digits only (v2 §2.A.47, §2.A.70).
function observed(result: DraftResult): { readonly type: string; readonly value: string } {
  const comparator = /^[<>]/.exec(result.text)?.[0];
  if (result.type === 'lines') return { type: 'TX', value: text(result.text) };
  if (result.type === 'text') return { type: 'ST', value: text(result.text) };
  if (result.type === 'coded') {
    return { type: 'CE', value: `${result.text.slice(0, 5).toUpperCase().trim()}^${text(result.text)}^L` };
  }
  return comparator === undefined
    ? { type: 'NM', value: result.text }
    : { type: 'SN', value: `${comparator}^${result.text.slice(1)}` };
}

function rangeText({ low, high }: DraftResult): string {
  if (low !== null && high !== null) return `${low} - ${high}`;
  return low !== null ? `>${low}` : high !== null ? `<${high}` : '';
}

/** NTE, one per line. */
export function notes(lines: readonly string[]): readonly (readonly string[])[] {
  return lines.map((line, index) =>
    fieldsOf('NTE', [
      [1, String(index + 1)],
      [3, text(line)],
    ]),
  );
}

/** Text made safe to stand in a field. */
export function text(plain: string): string {
  return escapeText(plain, SEPARATORS);
}

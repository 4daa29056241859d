/** BEP: one determination, or a heading between them (edifact.md §3.2). */

import { elementText, type Segment } from '../../edifact/edifact.ts';
import { type CodeList, readCode, readUnit } from '../codes/codes.ts';
import type { FlagMeaning, LabResult } from '../lab.ts';
import { readValue } from '../value.ts';
import type { Notes } from './notes.ts';

export interface ResultContext {
  readonly section: string | null;
  readonly codes: CodeList;
  readonly notes: Notes;
}

// BEP.6 is `<` or `>`; the others are seen elsewhere and tolerated (edifact.md §3.2). A bare + or - could also mean
// positive or negative, so it stays raw.
const FLAGS: ReadonlyMap<string, FlagMeaning | null> = new Map<string, FlagMeaning | null>([
  ['<', 'low'],
  ['>', 'high'],
  ['<<', 'critical-low'],
  ['>>', 'critical-high'],
  ['L', 'low'],
  ['H', 'high'],
  ['LL', 'critical-low'],
  ['HH', 'critical-high'],
  ['*', 'abnormal'],
  ['!', 'abnormal'],
  ['N', null],
  ['+', null],
  ['-', null],
]);

/** Reads BEP without its remarks, which follow it. The key is filled when the whole report is known. */
export function readResult(bep: Segment, { section, codes, notes }: ResultContext): LabResult {
  const name = elementText(bep, 2)?.trim() ?? '';
  const text = elementText(bep, 3);
  const unit = readUnit(elementText(bep, 5));
  const sent = { raw: elementText(bep, 9), name, system: null, alternatives: [] };
  const { code, isUnitOptional, isUnitUnexpected } = readCode(sent, unit, codes);
  const isHeading = elementText(bep, 1)?.trim() !== '0' && text === null;
  if (isUnitUnexpected && !isHeading) notes.warn('lab.unit-unexpected', bep, 5);
  if (name === '') notes.warn('edifact.determination-unnamed', bep, 2);
  if (name === '' && code.raw === null && !isHeading) notes.hold('lab.determination-unnamed', bep, 2);
  return {
    kind: isHeading ? 'heading' : 'result',
    key: '',
    subId: null,
    section,
    name,
    code,
    value: readValue(text, unit, isUnitOptional),
    unit: unit.text,
    unitUcum: unit.ucum,
    range: { low: elementText(bep, 7), high: elementText(bep, 8), text: null },
    flag: readFlag(bep, notes),
    status: isCorrected(bep) ? 'corrected' : 'final',
    observedAt: null,
    remarks: [],
  };
}

// Whatever IDE.1 says: what is printed is authorised; N only means that other determinations are still open.
function isCorrected(bep: Segment): boolean {
  return (elementText(bep, 4)?.trim() ?? '0') !== '0';
}

function readFlag(bep: Segment, notes: Notes): LabResult['flag'] {
  const raw = elementText(bep, 6);
  if (raw === null) return { raw: null, meaning: null };
  const flag = raw.trim().toUpperCase();
  const meaning = FLAGS.get(flag);
  if (meaning === undefined) notes.warn('edifact.flag-unknown', bep, 6);
  return { raw, meaning: meaning ?? null };
}

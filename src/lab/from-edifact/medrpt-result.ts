/** One determination of MEDRPT: INV says what it is, RSL its value, RND its range (edifact.md §4). */

import { componentText, elementText, type Segment } from '../../edifact/edifact.ts';
import { type CodeList, type CodeReading, readCode, readUnit, type UnitReading } from '../codes/codes.ts';
import type { FlagMeaning, LabResult, ResultStatus, ResultValue } from '../lab.ts';
import { readMedrptRange } from './medrpt-range.ts';
import { readMedrptValue } from './medrpt-value.ts';
import type { Notes } from './notes.ts';

export interface SentResult {
  readonly inv: Segment;
  readonly rsl: Segment | null;
  readonly rnd: Segment | null;
  readonly status: ResultStatus | null;
  readonly remarks: readonly string[];
}

// RSL.5 (UN 6079): HI and LO are seen, UN (abnormal) is in the writer's list.
const FLAGS: ReadonlyMap<string, FlagMeaning> = new Map<string, FlagMeaning>([
  ['HI', 'high'],
  ['LO', 'low'],
  ['UN', 'abnormal'],
]);

/** Reads a determination. The key is filled when the whole report is known. */
export function readMedrptResult(sent: SentResult, codes: CodeList, notes: Notes): LabResult {
  const { inv, rsl, rnd, status, remarks } = sent;
  const unit = readUnit(rsl === null ? null : unitText(rsl));
  const name = nameOf(inv) ?? '';
  if (name === '') notes.warn('edifact.determination-unnamed', inv, 2);
  const { code, isUnitOptional, isUnitUnexpected } = readDeterminationCode(inv, name, unit, codes, notes);
  if (name === '' && code.raw === null) notes.hold('lab.determination-unnamed', inv, 2);
  if (rsl === null) notes.warn('edifact.result-missing', inv);
  else if (isUnitUnexpected) notes.warn('lab.unit-unexpected', rsl, 4);
  const nothing: ResultValue = { text: null, number: null, comparator: null };
  return {
    kind: 'result',
    key: '',
    subId: null,
    section: null,
    name,
    code,
    value: rsl === null ? nothing : readMedrptValue(rsl, unit, isUnitOptional, notes),
    unit: unit.text,
    unitUcum: unit.ucum,
    range: readMedrptRange(rsl, rnd, notes),
    flag: readFlag(rsl, notes),
    status,
    observedAt: null,
    remarks,
  };
}

/**
 * INV.2, `code:list:agency:name`. A code is looked up as NHG's only where list and agency say so: MEDLAB's codes are NHG
 * keys by definition of the message, those of MEDRPT are what they are declared to be.
 */
function readDeterminationCode(
  inv: Segment,
  name: string,
  unit: UnitReading,
  codes: CodeList,
  notes: Notes,
): CodeReading {
  const raw = componentText(inv, 2, 1);
  const list = componentText(inv, 2, 2)?.trim() ?? null;
  const agency = componentText(inv, 2, 3)?.trim() ?? null;
  const isOfAgency = agency !== null && (list === null || list === 'AMB');
  const system = isOfAgency ? agency : [list, agency].filter((part) => part !== null).join(':');
  if (raw !== null && system === '') notes.warn('edifact.code-system-missing', inv, 2);
  const reading = readCode({ raw, name, system, alternatives: [] }, unit, codes);
  return { ...reading, code: { ...reading.code, system: system === '' ? null : system } };
}

function nameOf(inv: Segment): string | null {
  const text = inv.elements[1]?.slice(3).join(':').trim() ?? '';
  return text === '' || text === '""' ? null : text;
}

// RSL.4 is `code:list:agency:name`; the writer fills the first component, the sister message NHS003 the fourth.
function unitText(rsl: Segment): string | null {
  const filled = (rsl.elements[3] ?? []).filter((component) => component.trim() !== '');
  return filled.length === 1 ? (filled[0] ?? null) : elementText(rsl, 4);
}

function readFlag(rsl: Segment | null, notes: Notes): LabResult['flag'] {
  const raw = rsl === null ? null : elementText(rsl, 5);
  if (rsl === null || raw === null) return { raw: null, meaning: null };
  const meaning = FLAGS.get(raw.trim().toUpperCase());
  if (meaning === undefined) notes.warn('edifact.flag-unknown', rsl, 5);
  return { raw, meaning: meaning ?? null };
}

/** Which results of a report go to a card without a code, and why: what a mapping of determination codes lacks. */

import { type CodeList, readCode, readUnit } from './codes/codes.ts';
import type { LabReport, LabResult } from './lab.ts';

export type WhyUncoded = 'unknown-code' | 'other-unit' | 'codes-disagree';

/** So many results with this code. Never a name or a value: `code` is null where what was sent has no code's shape. */
export interface UncodedCount {
  readonly code: string | null;
  readonly why: WhyUncoded;
  readonly count: number;
}

/**
 * What may be shown to people who look after the mapping: an NHG key, a short number of a list, a LOINC. A slipped column
 * or a careless sender may have put anything else there: longer numbers are dates of birth and BSNs, lower case is text.
 */
const CODE_SHAPE = /^(?:[A-Z][A-Z0-9 ._-]{0,11}|\d{1,5}|\d{1,7}-\d)$/;

/** Counts the results that have a value and no NHG number, by the rows that their laboratory is read with. */
export function uncodedOf(report: LabReport, list: CodeList): readonly UncodedCount[] {
  const counts = new Map<string, UncodedCount>();
  for (const result of report.specimens.flatMap(({ results }) => results)) {
    if (!isValue(result) || result.code.nhg !== null) continue;
    const code = codeShown(result.code.raw);
    const why = whyUncoded(result, list);
    const place = JSON.stringify([code, why]);
    counts.set(place, { code, why, count: (counts.get(place)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}

// A heading, a retraction or a confirmation is about a result, and none itself.
function isValue({ kind, status, value }: LabResult): boolean {
  return kind === 'result' && value.text !== null && ['final', 'preliminary', 'corrected'].includes(status ?? '');
}

function codeShown(raw: string | null): string | null {
  const code = raw?.trim() ?? '';
  return CODE_SHAPE.test(code) ? code : null;
}

function whyUncoded({ code, name, unit }: LabResult, list: CodeList): WhyUncoded {
  const { raw, system, alternatives } = code;
  const reading = readCode({ raw, name, system, alternatives }, readUnit(unit), list);
  if (reading.isContradictory) return 'codes-disagree';
  return reading.isUnitUnexpected ? 'other-unit' : 'unknown-code';
}

/** A result's value: the text as sent, and the number in it where there is one. */

import type { UnitReading } from './codes/codes.ts';
import type { ResultValue } from './lab.ts';

// lab-report.md, `value.number`; edifact.md §3.2: a date (240208) or a clock time (22.15 uur) must not become a number.
const NUMBER = /^([<>]?=?)\s*(-?\d+(?:[.,]\d+)?)$/;

// Beyond this many digits a number no longer says what was sent: it stays text.
const DIGITS_MAX = 15;

/** Reads a value: `number` only where the text is one and the unit measures, or the code needs no unit (INR, pH). */
export function readValue(text: string | null, unit: UnitReading, isUnitOptional: boolean): ResultValue {
  const match = text === null ? null : NUMBER.exec(text);
  const hasNoUnit = unit.text === null || unit.text.trim() === '';
  if (match === null || !(unit.isMeasuringUnit || (isUnitOptional && hasNoUnit))) {
    return { text, number: null, comparator: null };
  }
  const digits = match[2] ?? '';
  if (digits.replace(/\D/g, '').length > DIGITS_MAX) return { text, number: null, comparator: null };
  return { text, number: Number(digits.replace(',', '.')), comparator: comparatorOf(match[1] ?? '') };
}

function comparatorOf(sign: string): ResultValue['comparator'] {
  return sign === '<' || sign === '<=' || sign === '>' || sign === '>=' ? sign : null;
}

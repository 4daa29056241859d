/** HL7 times (TS, DTM): `YYYY[MM[DD[HH[MM[SS[.S…]]]]]][±ZZZZ]`, v2 §2.A.22. */

import type { Hl7Segment } from '../../hl7/hl7.ts';
import { amsterdamTime } from '../../shared/amsterdam.ts';
import { type Context, positionOf, textAt, warn } from './context.ts';

const TIME = /^(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?(?:\.(\d{1,6}))?([+-]\d{4})?$/;

/**
 * A moment with its offset, or a date where no clock time was sent. A time without an offset is Amsterdam time by
 * agreement; in the hour that exists twice, or not at all, a warning says so. Unreadable: null and a warning.
 */
export function momentAt(context: Context, segment: Hl7Segment, field: number): string | null {
  const text = textAt(context, segment, field);
  if (text === null) return null;
  const moment = readMoment(text);
  if (moment === null) warn(context, 'hl7.time-unreadable', positionOf(segment, field));
  else if (moment.doubt !== null) warn(context, moment.doubt, positionOf(segment, field));
  return moment?.text ?? null;
}

/** `1980-10-25`, or `1980-10` / `1980` where the rest is unknown (`00` or left out). Null: no date at all. */
export function readDate(text: string): string | null {
  const match = /^\d{4}/.test(text) ? TIME.exec(text) : null;
  if (match === null) return null;
  const [, year = '', month = '00', day = '00'] = match;
  if (year === '0000') return null;
  if (month === '00') return day === '00' ? year : null;
  const isCalendarDate = localTime(match, day === '00' ? '01' : day) !== null;
  if (!isCalendarDate) return null;
  return day === '00' ? `${year}-${month}` : `${year}-${month}-${day}`;
}

function readMoment(text: string): { text: string; doubt: string | null } | null {
  const match = TIME.exec(text);
  const date = readDate(text);
  if (match === null || date === null) return null;
  const [, , , day = '00', hour, minute, second, fraction = '', offset] = match;
  if (hour === undefined) return { text: date, doubt: null };
  // An hour without its minutes is no clock time: minutes are not made up, and an hour of an unknown day says nothing.
  if (minute === undefined || day === '00') return { text: date, doubt: 'hl7.time-partial' };
  const zoned = localTime(match, day, Number(hour), Number(minute), Number(second ?? '0'));
  if (zoned === null) return null;
  const wall = zoned.text.slice(0, 19) + (Number(fraction) === 0 ? '' : `.${fraction}`);
  if (offset !== undefined) return isOffset(offset) ? { text: wall + withColon(offset), doubt: null } : null;
  return { text: wall + zoned.text.slice(19), doubt: zoned.doubt === null ? null : `lab.time-${zoned.doubt}` };
}

function localTime(match: RegExpExecArray, day: string, hour = 0, minute = 0, second = 0) {
  return amsterdamTime({ year: Number(match[1]), month: Number(match[2]), day: Number(day), hour, minute, second });
}

function isOffset(offset: string): boolean {
  return Number(offset.slice(1, 3)) <= 14 && Number(offset.slice(3)) < 60;
}

function withColon(offset: string): string {
  return `${offset.slice(0, 3)}:${offset.slice(3)}`;
}

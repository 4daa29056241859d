/** Dates and times of MEDLAB: local, without a zone, mostly with a year of two digits (edifact.md §2, "dates"). */

import { componentText, elementText, type Segment } from '../../edifact/edifact.ts';
import { amsterdamTime } from '../../shared/amsterdam.ts';
import type { Notes } from './notes.ts';

export interface DateParts {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

// No laboratory sent EDIFACT before 1980, so a year of two digits has one century only.
const CENTURY_TURN = 80;

/** UNB.4, `YYMMDD:HHMM`: when the message was made, which is also its version. */
export function readSentAt(interchange: Segment, notes: Notes): string | null {
  const date = /^(\d{2}|\d{4})(\d{2})(\d{2})$/.exec(componentText(interchange, 4, 1)?.trim() ?? '');
  const time = /^(\d{2})(\d{2})(\d{2})?$/.exec(componentText(interchange, 4, 2)?.trim() ?? '');
  const parts = date === null ? null : dateParts(date[1] ?? '', date[2] ?? '', date[3] ?? '');
  const moment = parts === null || time === null ? null : zoned(parts, time.slice(1), interchange, 4, notes);
  if (moment === null) notes.warn('edifact.sent-moment-unreadable', interchange, 4);
  return moment;
}

/** DET, `YY:MM:DD+HH:MM`: when the sample was taken; a date alone where there is no clock time; null where unreadable. */
export function readCollectedAt(det: Segment, notes: Notes): string | null {
  const date = /^(\d{2}|\d{4}):(\d{1,2}):(\d{1,2})$/.exec(elementText(det, 1)?.trim() ?? '');
  const parts = date === null ? null : dateParts(date[1] ?? '', date[2] ?? '', date[3] ?? '');
  if (parts === null || !isCalendarDay(parts)) {
    notes.warn('edifact.collection-date-unreadable', det, 1);
    // Without its date a result has no place in time, and a lab number that is used again next year no year to differ by.
    notes.hold('lab.no-collection-date', det, 1);
    return null;
  }
  const clockText = elementText(det, 2);
  if (clockText === null) return dayText(parts);
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(clockText.trim());
  const moment = clock === null ? null : zoned(parts, clock.slice(1), det, 2, notes);
  if (moment === null) notes.warn('edifact.collection-time-unreadable', det, 2);
  return moment ?? dayText(parts);
}

/** Whether there is such a day. */
export function isCalendarDay(parts: DateParts): boolean {
  return amsterdamTime({ ...parts, hour: 12, minute: 0, second: 0 }) !== null;
}

/** The parts as numbers, a year of two digits in its century. */
export function dateParts(yearText: string, month: string, day: string): DateParts {
  const short = Number(yearText);
  const year = yearText.length === 4 ? short : short < CENTURY_TURN ? 2000 + short : 1900 + short;
  return { year, month: Number(month), day: Number(day) };
}

/** A local clock time with its Amsterdam offset; null where it is none. The doubtful hours of a clock change are warned about. */
export function zoned(
  date: DateParts,
  [hour, minute, second]: readonly (string | undefined)[],
  segment: Segment,
  element: number,
  notes: Notes,
): string | null {
  const zonedTime = amsterdamTime({
    ...date,
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second ?? 0),
  });
  if (zonedTime !== null && zonedTime.doubt !== null) notes.warn(`lab.time-${zonedTime.doubt}`, segment, element);
  return zonedTime?.text ?? null;
}

/** A day as ISO 8601 has it. */
export function dayText({ year, month, day }: DateParts): string {
  return `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}

/** DTM of MEDRPT: `qualifier:digits:format`, local time without a zone (edifact.md §4). */

import { componentText, type Segment } from '../../edifact/edifact.ts';
import { type DateParts, dateParts, dayText, isCalendarDay, readSentAt, zoned } from './moment.ts';
import type { Notes } from './notes.ts';

// The formats that the writer names (UN 2379). Any other says that the digits mean something else.
const FORMATS: ReadonlyMap<string, RegExp> = new Map([
  ['102', /^(\d{4})(\d{2})(\d{2})$/],
  ['201', /^(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})$/],
  ['203', /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})$/],
]);

interface Moment {
  readonly day: DateParts;
  /** Hour and minute, or empty. */
  readonly clock: readonly string[];
}

/** The digits of a DTM, or null where there are none. */
export function momentDigits(dtm: Segment): string | null {
  return componentText(dtm, 1, 2)?.trim() ?? null;
}

/** The format that a DTM names, or null. */
export function momentFormat(dtm: Segment): string | null {
  return componentText(dtm, 1, 3)?.trim() ?? null;
}

/** DTM+SCO: when the sample was taken; a date alone where there is no clock time. Null, and held, where it is unreadable. */
export function readMedrptCollectedAt(dtm: Segment | null, owner: Segment, notes: Notes): string | null {
  const moment = dtm === null ? null : readMoment(dtm);
  if (dtm === null || moment === null) {
    const place = dtm ?? owner;
    notes.warn('edifact.collection-date-unreadable', place, dtm === null ? undefined : 1);
    // Neither the date of the request nor that of the report is one of collection: nothing stands in for it.
    notes.hold('lab.no-collection-date', place, dtm === null ? undefined : 1);
    return null;
  }
  if (moment.clock.length === 0) return dayText(moment.day);
  const text = zoned(moment.day, moment.clock, dtm, 1, notes);
  if (text === null) notes.warn('edifact.collection-time-unreadable', dtm, 1);
  return text ?? dayText(moment.day);
}

/**
 * DTM+ISR, as the sister message NHS003 has it: when the report was issued. The only known Dutch writer fills it with the
 * moment of the request, so it is never used for anything else.
 */
export function readIssuedAt(dtm: Segment | null, notes: Notes): string | null {
  return dtm === null ? null : readWhole(dtm, 'edifact.issue-moment-unreadable', notes);
}

/** UNB.4; where a bare message has none, or the writer left it empty, DTM+137: when the message was made. */
export function readSentMoment(interchange: Segment | null, dtm: Segment | null, notes: Notes): string | null {
  const sentAt = interchange === null ? null : readSentAt(interchange, notes);
  if (sentAt !== null || dtm === null) return sentAt;
  return readWhole(dtm, 'edifact.sent-moment-unreadable', notes);
}

// A moment that needs its clock time.
function readWhole(dtm: Segment, warning: string, notes: Notes): string | null {
  if (momentDigits(dtm) === null) return null;
  const moment = readMoment(dtm);
  const text = moment === null || moment.clock.length === 0 ? null : zoned(moment.day, moment.clock, dtm, 1, notes);
  if (text === null) notes.warn(warning, dtm, 1);
  return text;
}

function readMoment(dtm: Segment): Moment | null {
  const match = FORMATS.get(momentFormat(dtm) ?? '')?.exec(momentDigits(dtm) ?? '');
  if (match === null || match === undefined) return null;
  const [, year = '', month = '', date = '', ...clock] = match;
  const day = dateParts(year, month, date);
  return isCalendarDay(day) ? { day, clock } : null;
}

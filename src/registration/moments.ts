/** Dates and moments of a registration: whether they exist, and how MEDVRI and the heading write them (Amsterdam time). */

import { amsterdamIso } from '../shared/amsterdam.ts';

/** A moment that the calendar and the clock have; the form was looked at before. */
export function isMoment(text: string): boolean {
  return isDay(text.slice(0, 10)) && !Number.isNaN(new Date(text).getTime());
}

/** `1980-10-25`, `1980-10` or `1980`, of somebody who may be alive. */
export function isBirthDate(text: string): boolean {
  const [year = '', month = '01', day = '01'] = text.split('-');
  return /^(?:1[89]|20)\d\d$/.test(year) && isDay(`${year}-${month}-${day}`);
}

// `new Date` makes of 31 February the third of March.
function isDay(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 10) === text;
}

export interface WireMoment {
  /** `['26', '11', '25']` */
  readonly date: readonly string[];
  /** `['10', '15']` */
  readonly time: readonly string[];
  /** `25-11-2026 10:15` */
  readonly words: string;
}

export function wireMoment(moment: Date): WireMoment {
  const [day = '', clock = ''] = amsterdamIso(moment).split('T');
  const time = clock.slice(0, 5).split(':');
  return {
    date: day.slice(2).split('-'),
    time,
    words: `${day.split('-').reverse().join('-')} ${time.join(':')}`,
  };
}

/** A birth date for PID.1: an unknown day or month is `00`. */
export function wireBirthDate(birthDate: string): readonly string[] {
  const [year = '', month = '00', day = '00'] = birthDate.split('-');
  return [year, month, day];
}

/**
 * Working days in the Netherlands, in Amsterdam time: Monday to Friday without public holidays.
 *
 * Holidays are New Year, Easter Monday, King's Day, Ascension, Whit Monday and both days of Christmas. The fifth of May
 * counts once in five years (2025, 2030), when practices and laboratories are closed; Good Friday does not count. Where
 * it could be either, it is a working day: an alarm too early costs a look, one too late may cost a patient.
 */

import { amsterdamWallMs } from './amsterdam.ts';

const DAY_MS = 86_400_000;
const SUNDAY = 0;
const SATURDAY = 6;

/** `2026-04-27` and its like, in order. */
export function publicHolidays(year: number): readonly string[] {
  return [...holidaysOf(year)].sort((one, other) => one - other).map(dayText);
}

/** Whether a date (`2026-11-22`) is a working day. */
export function isWorkingDay(day: string): boolean {
  return isWorking(Date.parse(`${day}T00:00:00Z`) / DAY_MS);
}

/**
 * How many working days lie between two moments, with fractions: from Friday noon to Monday noon is one. Days without
 * work take no time. No working day has an hour more or less: clocks are set on Sundays.
 */
export function workingDaysBetween(from: Date, to: Date): number {
  const [start, end] = [amsterdamWallMs(from), amsterdamWallMs(to)];
  let sum = 0;
  for (let day = Math.floor(start / DAY_MS); day * DAY_MS < end; day += 1) {
    if (!isWorking(day)) continue;
    sum += Math.min(end, (day + 1) * DAY_MS) - Math.max(start, day * DAY_MS);
  }
  return sum / DAY_MS;
}

/** Days are counted from 1 January 1970. */
function isWorking(day: number): boolean {
  const date = new Date(day * DAY_MS);
  if (date.getUTCDay() === SATURDAY || date.getUTCDay() === SUNDAY) return false;
  return !holidaysOf(date.getUTCFullYear()).has(day);
}

const byYear = new Map<number, ReadonlySet<number>>();

function holidaysOf(year: number): ReadonlySet<number> {
  const known = byYear.get(year);
  if (known !== undefined) return known;
  const easter = easterSunday(year);
  const kingsDay = dayNumber(year, 4, 27);
  const isOnSunday = new Date(kingsDay * DAY_MS).getUTCDay() === SUNDAY;
  const holidays = new Set([
    dayNumber(year, 1, 1),
    easter + 1,
    isOnSunday ? kingsDay - 1 : kingsDay,
    ...(year % 5 === 0 ? [dayNumber(year, 5, 5)] : []),
    easter + 39,
    easter + 50,
    dayNumber(year, 12, 25),
    dayNumber(year, 12, 26),
  ]);
  byYear.set(year, holidays);
  return holidays;
}

/** The Gregorian computus: the golden number gives the full moon, the century corrects it, and the next Sunday is Easter. */
function easterSunday(year: number): number {
  const golden = year % 19;
  const century = Math.floor(year / 100);
  const sunCorrection = century - Math.floor(century / 4);
  const moonCorrection = Math.floor((8 * century + 13) / 25);
  const epact = (sunCorrection - moonCorrection + 19 * golden + 15) % 30;
  const isLate = epact === 29 || (epact === 28 && golden > 10);
  const fullMoon = dayNumber(year, 3, 21) + epact - (isLate ? 1 : 0);
  const weekday = new Date(fullMoon * DAY_MS).getUTCDay();
  return fullMoon + 7 - weekday;
}

function dayNumber(year: number, month: number, day: number): number {
  return Date.UTC(year, month - 1, day) / DAY_MS;
}

function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

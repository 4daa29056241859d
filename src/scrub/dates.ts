/**
 * All dates of a file, moved by one number of whole weeks: intervals and weekdays stay. It is chosen so that a moment in a
 * doubtful hour (when the clock is set) comes to stand in one again, and no other does, where there is such a number.
 */

import { amsterdamTime } from '../shared/amsterdam.ts';

interface Moment {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
}

const DAY_MS = 86_400_000;
const WEEKS_MIN = 6;
const WEEKS_MAX = 156;

export class Dates {
  private readonly noted: Moment[] = [];
  private days = 0;

  /** Chooses how far, for the dates that were met so far. */
  choose(noise: Buffer): void {
    const all = Array.from({ length: WEEKS_MAX - WEEKS_MIN }, (_, index) => WEEKS_MIN + index).flatMap((weeks) => [
      weeks * 7,
      weeks * -7,
    ]);
    const start = noise.readUInt32BE(0) % all.length;
    const inTurn = [...all.slice(start), ...all.slice(0, start)];
    this.days =
      inTurn.find((days) => this.noted.every((moment) => isAlike(moment, moved(moment, days)))) ?? inTurn[0] ?? 7;
  }

  /**
   * Moves a date given by its digits; each part keeps its width. A month or day that is unknown (`00`, empty) or that the
   * calendar does not have stays as it is, and the year moves.
   */
  move(yearText: string, monthText: string, dayText: string, hour = 12, minute = 0): readonly [string, string, string] {
    const year = fullYear(yearText);
    if (year === 0) return [yearText, monthText, dayText];
    const [month, day] = [Number(monthText), Number(dayText)];
    const isMonthKnown = month >= 1 && month <= 12;
    const isDate = isMonthKnown && isCalendarDay(year, month, day);
    if (isDate) this.noted.push({ year, month, day, hour, minute });
    if (!isMonthKnown || (!isDate && day !== 0)) {
      return [widthOf(year + Math.round(this.days / 365), yearText), monthText, dayText];
    }
    const to = moved({ year, month, day: isDate ? day : 15, hour, minute }, this.days);
    return [widthOf(to.year, yearText), widthOf(to.month, monthText), isDate ? widthOf(to.day, dayText) : dayText];
  }

  /** Whether these digits are a day of this or the last two centuries. */
  static isDate(yearText: string, monthText: string, dayText: string): boolean {
    const year = fullYear(yearText);
    return year >= 1800 && year < 2100 && isCalendarDay(year, Number(monthText), Number(dayText));
  }
}

// A year of two digits, as the EDIFACT reader has it.
function fullYear(text: string): number {
  const year = Number(text);
  return text.length > 2 ? year : year < 80 ? 2000 + year : 1900 + year;
}

function widthOf(number: number, like: string): string {
  const width = like.length;
  return String(width === 2 ? number % 100 : number).padStart(width, '0');
}

function isCalendarDay(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  return month >= 1 && month <= 12 && day >= 1 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

function moved(moment: Moment, days: number): Moment {
  const to = new Date(Date.UTC(moment.year, moment.month - 1, moment.day) + days * DAY_MS);
  return { ...moment, year: to.getUTCFullYear(), month: to.getUTCMonth() + 1, day: to.getUTCDate() };
}

function isAlike(from: Moment, to: Moment): boolean {
  const [before, after] = [from, to].map((moment) => amsterdamTime({ ...moment, second: 0 }));
  const isSameCentury = from.year < 1980 || (to.year >= 1980 && to.year < 2080);
  return isSameCentury && (before?.doubt ?? null) === (after?.doubt ?? null);
}

/**
 * Whether it is unusual that no mail came to a mailbox yet today: asked of its own earlier days of the same weekday.
 *
 * At least four of them, without public holidays, must be known, and on nine of ten mail must have come. The moment until
 * which one may wait is the median of their first mails plus three deviations (the median one, which a single odd day does
 * not move), and never less than two hours after it: an alarm every other Monday would soon be nobody's.
 */

import { amsterdamWallMs } from '../shared/amsterdam.ts';
import { publicHolidays } from '../shared/working-days.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** How many weeks say what is usual. */
export const WEEKS = 12;
const DAYS_LEAST = 4;
const SHARE_LEAST = 0.9;
const GRACE_LEAST_MINUTES = 120;
/** Makes of a median deviation what a standard deviation is of a normal distribution. */
const DEVIATION = 1.4826;

export interface History {
  /** Watched since: on the days after it silence is silence. */
  readonly firstDay: string;
  readonly days: readonly { readonly day: string; readonly firstAt: string }[];
}

/** The same weekdays of the last weeks, without public holidays; newest first. */
export function sameDaysBefore(today: string): readonly string[] {
  const todayMs = Date.parse(`${today}T00:00:00Z`);
  const days = Array.from({ length: WEEKS }, (_, index) => dayText(todayMs - (index + 1) * 7 * DAY_MS));
  return days.filter((day) => !isHoliday(day));
}

export function isUnusuallySilent(history: History, now: Date): boolean {
  const wallMs = amsterdamWallMs(now);
  const today = dayText(wallMs);
  if (isHoliday(today)) return false;
  const asked = sameDaysBefore(today);
  const came = history.days.filter(({ day }) => asked.includes(day));
  const known = asked.filter((day) => day > history.firstDay || came.some((one) => one.day === day));
  if (came.length < DAYS_LEAST || came.length < known.length * SHARE_LEAST) return false;
  const minutes = came.map(({ firstAt }) => minuteOfDay(amsterdamWallMs(new Date(firstAt))));
  const usual = median(minutes);
  const spread = median(minutes.map((minute) => Math.abs(minute - usual)));
  return minuteOfDay(wallMs) > usual + Math.max(GRACE_LEAST_MINUTES, 3 * DEVIATION * spread);
}

function isHoliday(day: string): boolean {
  return publicHolidays(Number(day.slice(0, 4))).includes(day);
}

function dayText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function minuteOfDay(wallMs: number): number {
  return Math.floor((wallMs % DAY_MS) / MINUTE_MS);
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = sorted.length % 2 === 1 ? [sorted[middle], sorted[middle]] : sorted.slice(middle - 1);
  return (low + high) / 2;
}

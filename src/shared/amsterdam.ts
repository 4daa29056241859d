/**
 * Dutch wall-clock time. Laboratory messages carry local times without a zone; by agreement that is Europe/Amsterdam
 * (formats/edifact.md §2, hl7v2.md). A time in the hour that the clock is set back exists twice, one in the hour that
 * is skipped not at all: both are reported, since nobody can know which was meant.
 */

const wallClock = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'Europe/Amsterdam',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

export interface LocalTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

export interface ZonedTime {
  /** ISO 8601 with offset, e.g. `2021-08-14T08:50:00+02:00`. */
  readonly text: string;
  /** 'ambiguous': the hour exists twice (the earlier, summer-time one is taken); 'skipped': it does not exist. */
  readonly doubt: 'ambiguous' | 'skipped' | null;
}

/** The local time with its Amsterdam offset, or null when it is no date at all (month 13, 31 April, hour 25). */
export function amsterdamTime(local: LocalTime): ZonedTime | null {
  if (!isCalendarTime(local)) return null;
  const utcGuess = Date.UTC(local.year, local.month - 1, local.day, local.hour, local.minute, local.second);
  const fitting = [120, 60].filter((minutes) => offsetMinutes(utcGuess - minutes * 60_000) === minutes);
  const offset = fitting[0] ?? 60;
  return {
    text: `${wallText(local)}${offsetText(offset)}`,
    doubt: fitting.length === 2 ? 'ambiguous' : fitting.length === 0 ? 'skipped' : null,
  };
}

/** The Amsterdam calendar date (`2026-11-22`) of a moment: the day a mail is accounted under. */
export function amsterdamDay(moment: Date): string {
  const parts = partsOf(moment.getTime());
  return `${parts['year']}-${parts['month']}-${parts['day']}`;
}

/** A moment as ISO 8601 in Amsterdam time with its offset, to the second. */
export function amsterdamIso(moment: Date): string {
  const p = partsOf(moment.getTime());
  const offset = offsetText(offsetMinutes(moment.getTime()));
  return `${p['year']}-${p['month']}-${p['day']}T${p['hour']}:${p['minute']}:${p['second']}${offset}`;
}

/** A moment as milliseconds on an Amsterdam clock, as if that were UTC: for counting days, never for telling moments apart. */
export function amsterdamWallMs(moment: Date): number {
  return moment.getTime() + offsetMinutes(moment.getTime()) * 60_000;
}

// The moments of a report come back with each of its results, and asking Intl is slower than all the rest of reading one.
const KNOWN_OFFSETS_MAX = 32;
const knownOffsets = new Map<number, number>();

function offsetMinutes(utcMs: number): number {
  const known = knownOffsets.get(utcMs);
  if (known !== undefined) return known;
  const minutes = askedOffsetMinutes(utcMs);
  if (knownOffsets.size >= KNOWN_OFFSETS_MAX) knownOffsets.clear();
  knownOffsets.set(utcMs, minutes);
  return minutes;
}

function askedOffsetMinutes(utcMs: number): number {
  const p = partsOf(utcMs);
  const local = Date.UTC(
    Number(p['year']),
    Number(p['month']) - 1,
    Number(p['day']),
    Number(p['hour']),
    Number(p['minute']),
    Number(p['second']),
  );
  return Math.round((local - Math.floor(utcMs / 1000) * 1000) / 60_000);
}

function partsOf(utcMs: number): Record<string, string> {
  return Object.fromEntries(wallClock.formatToParts(utcMs).map((part) => [part.type, part.value]));
}

function isCalendarTime(t: LocalTime): boolean {
  const date = new Date(Date.UTC(t.year, t.month - 1, t.day));
  return (
    [t.year, t.hour, t.minute, t.second].every((part) => Number.isInteger(part) && part >= 0) &&
    date.getUTCFullYear() === t.year &&
    date.getUTCMonth() === t.month - 1 &&
    date.getUTCDate() === t.day &&
    t.hour < 24 &&
    t.minute < 60 &&
    t.second < 60
  );
}

function wallText(t: LocalTime): string {
  const two = (n: number) => String(n).padStart(2, '0');
  return `${String(t.year).padStart(4, '0')}-${two(t.month)}-${two(t.day)}T${two(t.hour)}:${two(t.minute)}:${two(t.second)}`;
}

function offsetText(minutes: number): string {
  const two = (n: number) => String(n).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
}

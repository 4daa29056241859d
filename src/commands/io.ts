/** What a command may touch of the world: its words go out here, so that tests can read them. */

import { type Config, type Environment, loadConfig } from '../config/config.ts';

export type Language = 'nl' | 'en';

export interface Io {
  readonly env: Environment;
  /** Standard output: answers. */
  out(text: string): void;
  /** Standard error: progress. */
  progress(text: string): void;
  readStdin(): Promise<Buffer>;
}

/** A question wrongly put: printed as it is, exit code 2. */
export class UsageError extends Error {}

/** An answer in two languages: Customer Care reads Dutch, English is switchable (ZORGKOERIER_LANGUAGE). */
export interface Words {
  readonly nl: string;
  readonly en: string;
}

export function say(config: Pick<Config, 'language'>, words: Words): string {
  return words[config.language];
}

export function configOf(io: Io): Config {
  return loadConfig(io.env);
}

/** For commands that deliver: cKIS must be set too, and is named with everything else that is missing. */
export function deliveryConfigOf(io: Io): Config {
  return loadConfig(io.env, { requiresCkis: true });
}

/** For `serve`: its own settings are named with everything else that is missing. */
export function apiConfigOf(io: Io): Config {
  return loadConfig(io.env, { requiresApi: true });
}

/** Rows as aligned columns; the first row is the heading. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const MOMENT = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/;

/**
 * A date or a moment from a command line (`2026-11-22`, `2026-11-22T08:00:00+01:00`); a bare date begins at midnight in
 * Amsterdam, a moment says its zone.
 */
export function momentOf(text: string, option: string): Date {
  const stated = MOMENT.exec(text);
  const day = dayOf(stated?.[1] ?? text, option);
  if (stated === null) return amsterdamMidnight(new Date(`${day}T00:00:00Z`));
  const parsed = new Date(text);
  if (Number.isNaN(parsed.getTime())) throw notADate(option);
  return parsed;
}

/** A date that the calendar has. `new Date` makes of 31 February the third of March. */
export function dayOf(text: string, option: string): string {
  const parsed = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : new Date(Number.NaN);
  if (Number.isNaN(parsed.getTime()) || parsed.toISOString().slice(0, 10) !== text) throw notADate(option);
  return text;
}

function notADate(option: string): UsageError {
  return new UsageError(`${option}: a date is expected, such as 2026-11-22`);
}

function amsterdamMidnight(utcMidnight: Date): Date {
  const hour = new Intl.DateTimeFormat('en-GB', {
    timeZone: 'Europe/Amsterdam',
    hour: '2-digit',
    hourCycle: 'h23',
  }).format(utcMidnight);
  return new Date(utcMidnight.getTime() - Number(hour) * 3_600_000);
}

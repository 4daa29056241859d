import { describe, expect, it } from 'vitest';
import { isUnusuallySilent, sameDaysBefore } from '../../src/health/health.ts';

// A Monday in December: winter time, no holiday among its Mondays.
const MONDAY = '2026-12-07';
const at = (time: string, day = MONDAY) => new Date(`${day}T${time}:00+01:00`);
/** On each of these days the first mail came at this time of the day in Amsterdam. */
const history = (days: readonly string[], times: readonly string[], firstDay = '2026-01-01') => ({
  firstDay,
  days: days.map((day, index) => ({
    day,
    firstAt: new Date(
      `${day}T${times[index % times.length]}:00${day < '2026-10-25' ? '+02:00' : '+01:00'}`,
    ).toISOString(),
  })),
});
const mondays = sameDaysBefore(MONDAY);

describe('the days that say what is usual', () => {
  it('are the same weekdays of the last twelve weeks, newest first', () => {
    expect(mondays).toHaveLength(12);
    expect(mondays[0]).toBe('2026-11-30');
    expect(mondays.at(-1)).toBe('2026-09-14');
  });

  it('leave out public holidays', () => {
    // Easter Monday, King's Day and Whit Monday.
    expect(sameDaysBefore('2026-06-01')).not.toContain('2026-05-25');
    expect(sameDaysBefore('2026-06-01')).not.toContain('2026-04-06');
    expect(sameDaysBefore('2026-06-01')).not.toContain('2026-04-27');
    expect(sameDaysBefore('2026-06-01')).toHaveLength(9);
  });
});

describe('no mail today', () => {
  const steady = history(mondays, ['07:30', '07:40', '07:35']);

  it('is unusual two hours after it has always come, and not before', () => {
    expect(isUnusuallySilent(steady, at('09:34'))).toBe(false);
    expect(isUnusuallySilent(steady, at('09:37'))).toBe(true);
    expect(isUnusuallySilent(steady, at('23:59'))).toBe(true);
  });

  it('is judged by the time of day in Amsterdam, also where the clock was changed in between', () => {
    const summer = '2026-07-06';
    const days = sameDaysBefore(summer).filter((day) => day > '2026-04-01');
    const known = { firstDay: '2026-01-01', days: days.map((day) => ({ day, firstAt: `${day}T07:30:00+02:00` })) };
    expect(isUnusuallySilent(known, new Date(`${summer}T09:31:00+02:00`))).toBe(true);
    expect(isUnusuallySilent(known, new Date(`${summer}T09:29:00+02:00`))).toBe(false);
  });

  it('waits longer where mail comes at any time of the day', () => {
    const loose = history(mondays, ['07:30', '12:00', '16:30']);
    expect(isUnusuallySilent(loose, at('14:30'))).toBe(false);
  });

  it('is not moved by one odd day', () => {
    const odd = {
      ...steady,
      days: steady.days.map((day, index) => (index === 3 ? { ...day, firstAt: `${day.day}T21:00:00Z` } : day)),
    };
    expect(isUnusuallySilent(odd, at('09:45'))).toBe(true);
  });

  it('says nothing with fewer than four earlier days', () => {
    expect(isUnusuallySilent(history(mondays.slice(0, 3), ['07:30'], '2026-11-10'), at('15:00'))).toBe(false);
    expect(isUnusuallySilent(history(mondays.slice(0, 4), ['07:30'], '2026-11-08'), at('15:00'))).toBe(true);
  });

  it('is usual where it happens more often than one time in ten', () => {
    expect(isUnusuallySilent(history(mondays.slice(1), ['07:30']), at('15:00'))).toBe(true);
    expect(isUnusuallySilent(history(mondays.slice(2), ['07:30']), at('15:00'))).toBe(false);
  });

  it('counts days before the mailbox was watched only where mail of them is known', () => {
    expect(isUnusuallySilent(history(mondays.slice(0, 6), ['07:30'], mondays[5]), at('15:00'))).toBe(true);
  });

  it('is nothing on a public holiday', () => {
    const boxingDay = '2025-12-26';
    const days = sameDaysBefore(boxingDay);
    expect(isUnusuallySilent(history(days, ['07:30']), at('15:00', boxingDay))).toBe(false);
    expect(isUnusuallySilent(history(sameDaysBefore('2025-12-19'), ['07:30']), at('15:00', '2025-12-19'))).toBe(true);
  });
});

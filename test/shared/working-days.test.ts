import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWorkingDay, publicHolidays, workingDaysBetween } from '../../src/shared/working-days.ts';

describe('Dutch public holidays', () => {
  it.each([
    // Easter on 20 April; King's Day is moved from a Sunday; Liberation Day of a fifth year.
    [2025, '2025-01-01 2025-04-21 2025-04-26 2025-05-05 2025-05-29 2025-06-09 2025-12-25 2025-12-26'],
    [2026, '2026-01-01 2026-04-06 2026-04-27 2026-05-14 2026-05-25 2026-12-25 2026-12-26'],
    [2027, '2027-01-01 2027-03-29 2027-04-27 2027-05-06 2027-05-17 2027-12-25 2027-12-26'],
    [2028, '2028-01-01 2028-04-17 2028-04-27 2028-05-25 2028-06-05 2028-12-25 2028-12-26'],
    [2030, '2030-01-01 2030-04-22 2030-04-27 2030-05-05 2030-05-30 2030-06-10 2030-12-25 2030-12-26'],
    // King's Day is moved onto no other holiday; Easter as late as it comes.
    [2031, '2031-01-01 2031-04-14 2031-04-26 2031-05-22 2031-06-02 2031-12-25 2031-12-26'],
    [2038, '2038-01-01 2038-04-26 2038-04-27 2038-06-03 2038-06-14 2038-12-25 2038-12-26'],
  ])('of %i', (year, days) => {
    expect(publicHolidays(year).join(' ')).toBe(days);
  });

  it.each([
    ['2024-03-31', 2024],
    ['2029-04-01', 2029],
    ['2032-03-28', 2032],
    ['2035-03-25', 2035],
    ['2049-04-18', 2049],
    ['2076-04-19', 2076],
    ['1981-04-19', 1981],
  ])('follow Easter Sunday %s', (easter, year) => {
    const monday = new Date(Date.parse(easter) + 86_400_000).toISOString().slice(0, 10);
    expect(publicHolidays(year)).toContain(monday);
  });

  it('have their fixed weekdays in every year of two centuries', () => {
    for (let year = 1950; year < 2150; year += 1) {
      const days = publicHolidays(year);
      const weekdays = days.map((day) => new Date(`${day}T00:00:00Z`).getUTCDay());
      // Easter Monday, Ascension Thursday and Whit Monday, whatever the others are.
      expect(weekdays.filter((weekday) => weekday === 1).length).toBeGreaterThanOrEqual(2);
      expect(weekdays).toContain(4);
      expect(days.every((day) => day.startsWith(String(year)))).toBe(true);
      const easterMonday = days[1] ?? '';
      expect(easterMonday >= `${year}-03-23` && easterMonday <= `${year}-04-26`).toBe(true);
    }
  });

  it('are no working days, nor are weekends; Good Friday and a Liberation Day between are', () => {
    expect(['2026-04-06', '2026-11-28', '2026-11-29', '2030-05-05'].map(isWorkingDay)).not.toContain(true);
    expect(['2026-04-03', '2026-05-05', '2026-11-27', '2026-12-24'].map(isWorkingDay)).not.toContain(false);
  });
});

describe('working days between two moments', () => {
  it.each([
    ['within a day', '2026-11-24T09:00:00+01:00', '2026-11-24T15:00:00+01:00', 0.25],
    ['two days on', '2026-11-24T15:00:00+01:00', '2026-11-26T15:00:00+01:00', 2],
    ['over a weekend', '2026-11-27T12:00:00+01:00', '2026-11-30T12:00:00+01:00', 1],
    ['begun on a Saturday', '2026-11-28T10:00:00+01:00', '2026-12-02T00:00:00+01:00', 2],
    ['over Christmas and New Year', '2026-12-24T00:00:00+01:00', '2027-01-04T00:00:00+01:00', 5],
    ['over Easter and the change of the clock', '2024-03-29T12:00:00+01:00', '2024-04-02T12:00:00+02:00', 1],
    ['over the change back', '2026-10-23T12:00:00+02:00', '2026-10-26T12:00:00+01:00', 1],
    ['at a midnight that is yesterday in UTC', '2026-11-24T00:00:00+01:00', '2026-11-25T00:00:00+01:00', 1],
    ['backwards', '2026-11-25T00:00:00+01:00', '2026-11-24T00:00:00+01:00', 0],
  ])('%s', (_, from, to, days) => {
    expect(workingDaysBetween(new Date(from), new Date(to))).toBeCloseTo(days, 9);
  });

  it('add up, never go back, and are at most the days of the calendar', () => {
    const moment = fc.date({ min: new Date('2024-01-01'), max: new Date('2034-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(moment, moment, moment, (...moments) => {
        const [a, b, c] = moments.sort((one, other) => one.getTime() - other.getTime()) as [Date, Date, Date];
        const [ab, bc, ac] = [workingDaysBetween(a, b), workingDaysBetween(b, c), workingDaysBetween(a, c)];
        expect(ab + bc).toBeCloseTo(ac, 6);
        expect(ab).toBeGreaterThanOrEqual(0);
        // An hour more: the night in which the clock is set back lies in no working day, but the span may begin in it.
        expect(ac).toBeLessThanOrEqual((c.getTime() - a.getTime()) / 86_400_000 + 1 / 24);
      }),
      { numRuns: 300 },
    );
  });
});

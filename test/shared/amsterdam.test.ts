import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { amsterdamDay, amsterdamIso, amsterdamTime, type LocalTime } from '../../src/shared/amsterdam.ts';

function local(text: string): LocalTime {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = text.split(/[- :]/).map(Number);
  return { year, month, day, hour, minute, second };
}

describe('a local time', () => {
  it.each([
    ['2021-01-14 08:50:00', '2021-01-14T08:50:00+01:00'],
    ['2021-08-14 08:50:00', '2021-08-14T08:50:00+02:00'],
    ['2021-08-14 00:00:00', '2021-08-14T00:00:00+02:00'],
    ['2021-12-31 23:59:59', '2021-12-31T23:59:59+01:00'],
    ['2024-02-29 12:00:00', '2024-02-29T12:00:00+01:00'],
    ['1976-07-01 12:00:00', '1976-07-01T12:00:00+01:00'],
  ])('%s is %s', (text, expected) => {
    expect(amsterdamTime(local(text))).toEqual({ text: expected, doubt: null });
  });

  it.each([
    // 2021: forward on 28 March at 02:00, back on 31 October at 03:00.
    ['2021-03-28 01:59:59', '2021-03-28T01:59:59+01:00', null],
    ['2021-03-28 02:00:00', '2021-03-28T02:00:00+01:00', 'skipped'],
    ['2021-03-28 02:59:59', '2021-03-28T02:59:59+01:00', 'skipped'],
    ['2021-03-28 03:00:00', '2021-03-28T03:00:00+02:00', null],
    ['2021-10-31 01:59:59', '2021-10-31T01:59:59+02:00', null],
    ['2021-10-31 02:00:00', '2021-10-31T02:00:00+02:00', 'ambiguous'],
    ['2021-10-31 02:59:59', '2021-10-31T02:59:59+02:00', 'ambiguous'],
    ['2021-10-31 03:00:00', '2021-10-31T03:00:00+01:00', null],
    // 2026 too: other days.
    ['2026-03-29 02:30:00', '2026-03-29T02:30:00+01:00', 'skipped'],
    ['2026-10-25 02:30:00', '2026-10-25T02:30:00+02:00', 'ambiguous'],
  ])('%s around a change of the clock is %s, doubt: %s', (text, expected, doubt) => {
    expect(amsterdamTime(local(text))).toEqual({ text: expected, doubt });
  });

  it.each([
    '2021-00-10 08:00:00',
    '2021-13-10 08:00:00',
    '2021-04-31 08:00:00',
    '2021-02-29 08:00:00',
    '1900-02-29 08:00:00',
    '2021-04-00 08:00:00',
    '2021-04-10 24:00:00',
    '2021-04-10 08:60:00',
    '2021-04-10 08:00:60',
  ])('%s is no time at all', (text) => {
    expect(amsterdamTime(local(text))).toBeNull();
  });

  it('of fields that are no whole numbers is no time at all', () => {
    const fine = local('2021-04-10 08:00:00');
    for (const field of ['year', 'month', 'day', 'hour', 'minute', 'second'] as const) {
      for (const value of [Number.NaN, -1, 1.5]) expect(amsterdamTime({ ...fine, [field]: value })).toBeNull();
    }
  });

  it('without doubt names the moment whose wall clock it is', () => {
    const moments = fc.date({ min: new Date('1980-01-01'), max: new Date('2079-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(moments, (moment) => {
        const whole = new Date(Math.floor(moment.getTime() / 1000) * 1000);
        const iso = amsterdamIso(whole);
        expect(new Date(iso)).toEqual(whole);
        const zoned = amsterdamTime(local(iso.slice(0, 19).replace('T', ' ')));
        if (zoned?.doubt === null) expect(zoned.text).toBe(iso);
        else expect(zoned?.doubt).toBe('ambiguous');
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the day that a mail is accounted under', () => {
  it.each([
    ['2026-11-21T22:59:59.999Z', '2026-11-21'],
    ['2026-11-21T23:00:00Z', '2026-11-22'],
    ['2026-07-01T21:59:59Z', '2026-07-01'],
    ['2026-07-01T22:00:00Z', '2026-07-02'],
    ['2026-12-31T23:00:00Z', '2027-01-01'],
    // Both half past twos of the night that the clock is set back.
    ['2026-10-25T00:30:00Z', '2026-10-25'],
    ['2026-10-25T01:30:00Z', '2026-10-25'],
  ])('%s is %s', (moment, day) => {
    expect(amsterdamDay(new Date(moment))).toBe(day);
  });
});

describe('a moment as text', () => {
  it.each([
    ['2026-10-25T00:30:00Z', '2026-10-25T02:30:00+02:00'],
    ['2026-10-25T01:30:00Z', '2026-10-25T02:30:00+01:00'],
    ['2026-01-01T00:00:00.999Z', '2026-01-01T01:00:00+01:00'],
  ])('%s is %s: the two hours that look alike differ in their offset', (moment, text) => {
    expect(amsterdamIso(new Date(moment))).toBe(text);
  });
});

import { describe, expect, it } from 'vitest';
import { GROUP, HEAD, RESULT, readBody, reportOf, specimenOf, warningsOf } from './medlab-lines.ts';

const read = (det: string) => readBody([...HEAD, `DET:1+${det}`, GROUP[1] ?? '', RESULT]);
const sent = (moment: string) => readBody([...HEAD, ...GROUP, RESULT], `UNB+UNOA:1+500099001+500088001+${moment}+R1`);

describe('the moment of collection', () => {
  it.each([
    ['26:11:16+08:10', '2026-11-16T08:10:00+01:00'],
    ['26:07:01+8:10', '2026-07-01T08:10:00+02:00'],
    ['2026:11:16+08:10', '2026-11-16T08:10:00+01:00'],
    ['99:12:31+23:59', '1999-12-31T23:59:00+01:00'],
    ['26:11:16', '2026-11-16'],
    ['26:1:6', '2026-01-06'],
  ])('%s is %s', (det, collectedAt) => {
    const reading = read(det);
    expect(specimenOf(reading).collectedAt).toBe(collectedAt);
    expect(reading.warnings).toEqual([]);
  });

  it('in the hour that comes twice is the first one, with a warning', () => {
    const reading = read('26:10:25+02:30');
    expect(specimenOf(reading).collectedAt).toBe('2026-10-25T02:30:00+02:00');
    expect(warningsOf(reading)).toEqual(['lab.time-ambiguous DET 2']);
  });

  it('in the hour that is skipped says so', () => {
    expect(warningsOf(read('26:03:29+02:30'))).toEqual(['lab.time-skipped DET 2']);
  });

  it.each(['26:11:16+24:00', '26:11:16+ochtend'])('keeps its date where the clock time cannot be read: %s', (det) => {
    const reading = read(det);
    expect(specimenOf(reading).collectedAt).toBe('2026-11-16');
    expect(warningsOf(reading)).toEqual(['edifact.collection-time-unreadable DET 2']);
  });

  it.each(['', '26:13:01+08:10', '26:02:30', 'gisteren'])('without a date holds the report: %j', (det) => {
    const reading = read(det);
    expect(specimenOf(reading).collectedAt).toBeNull();
    expect(reportOf(reading).holds).toEqual([
      { code: 'lab.no-collection-date', position: { segment: 7, tag: 'DET', element: 1 } },
    ]);
  });
});

describe('the moment of sending', () => {
  it.each([
    ['261116:0915', '2026-11-16T09:15:00+01:00'],
    ['20260701:0915', '2026-07-01T09:15:00+02:00'],
    ['261116:091530', '2026-11-16T09:15:30+01:00'],
  ])('%s is %s', (moment, sentAt) => {
    expect(reportOf(sent(moment)).sentAt).toBe(sentAt);
  });

  it.each(['', '261116', '261316:0915', '261116:2515'])('that cannot be read is null, with a warning: %j', (moment) => {
    const reading = sent(moment);
    expect(reportOf(reading).sentAt).toBeNull();
    expect(warningsOf(reading)).toEqual(['edifact.sent-moment-unreadable UNB 4']);
  });
});

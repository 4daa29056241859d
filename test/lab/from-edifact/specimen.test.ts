import { describe, expect, it } from 'vitest';
import { GROUP, HEAD, RESULT, readBody, reportOf, specimenOf, warningsOf } from './medlab-lines.ts';

const read = (...lines: readonly string[]) => readBody([...HEAD, ...GROUP, ...lines]);

describe('a material group', () => {
  it('gives every remark to what it follows, leading blanks kept', () => {
    const reading = read(
      'OPM:1:1+   Nuchter',
      RESULT,
      'OPB:1:1:1:1+   eerste regel',
      'OPB:1:1:1:2',
      'OPB:1:1:1:3+derde regel ',
      'NUB:1:1+TSH',
      'OPU:1:1:1+volgt',
      'COM:1+Bel bij vragen',
    );
    expect(specimenOf(reading)).toMatchObject({
      remarks: ['   Nuchter'],
      results: [{ remarks: ['   eerste regel', '', 'derde regel '] }],
      pending: [{ name: 'TSH', remarks: ['volgt'] }],
    });
    expect(reportOf(reading).comments).toEqual(['Bel bij vragen']);
    expect(reading.warnings).toEqual([]);
  });

  it('goes by the order of the segments, and warns where a counter says otherwise', () => {
    const reading = read(RESULT, 'OPB:1:1:2:1+Over het volgende', 'BEP:1:1:2+0+Natrium+140++mmol/l');
    expect(specimenOf(reading).results.map(({ remarks }) => remarks.length)).toEqual([1, 0]);
    expect(warningsOf(reading)).toEqual(['edifact.counter-mismatch OPB']);
  });

  it('needs no counters', () => {
    const lines = ['DET+26:11:16', 'IDE+J+26110001', 'BEP+0+Kreatinine+78++umol/l', 'OPB+regel'];
    const reading = readBody([...HEAD, ...lines]);
    expect(specimenOf(reading).results).toMatchObject([{ name: 'Kreatinine', remarks: ['regel'] }]);
    expect(reading.warnings).toEqual([]);
  });

  it('has sections that end with it', () => {
    const second = ['DET:2+26:11:16', 'IDE:2+J+26110002', 'BEP:2:1:1+0+Glucose+5++mmol/l'];
    const reading = read('SEC:1:1+HAEMATOLOGIE', RESULT, ...second);
    const sections = reportOf(reading).specimens.flatMap(({ results }) => results.map(({ section }) => section));
    expect(sections).toEqual(['HAEMATOLOGIE', null]);
  });

  it('keeps a remark that follows nothing, as a remark on the material', () => {
    const reading = read('OPB:1:1:1:1+Zonder bepaling', RESULT);
    expect(specimenOf(reading).remarks).toEqual(['Zonder bepaling']);
    expect(warningsOf(reading)).toEqual(['edifact.remark-without-result OPB']);
  });

  it('puts a separator back that was not released in a line of text', () => {
    expect(specimenOf(read(RESULT, 'OPB:1:1:1:1+pH 7+ om 08:30')).results[0]?.remarks).toEqual(['pH 7+ om 08:30']);
  });

  it.each([
    ['J', true, []],
    ['N', false, []],
    ['C', null, ['edifact.completeness-unknown IDE 1']],
    ['', null, ['edifact.completeness-unknown IDE 1']],
  ])('is complete or not as IDE.1 = %j says', (word, isComplete, warnings) => {
    const reading = readBody([...HEAD, 'DET:1+26:11:16', `IDE:1+${word}+26110001`, RESULT]);
    expect(specimenOf(reading).isComplete).toBe(isComplete);
    expect(specimenOf(reading).results[0]?.status).toBe('final');
    expect(warningsOf(reading)).toEqual(warnings);
  });

  it('without a lab number holds the report', () => {
    const reading = readBody([...HEAD, 'DET:1+26:11:16', 'IDE:1+J', RESULT]);
    expect(reportOf(reading).holds).toMatchObject([{ code: 'lab.no-lab-number', position: { tag: 'IDE' } }]);
  });

  it.each([
    ['a determination before DET', [RESULT, ...GROUP]],
    ['a determination before IDE', [GROUP[0] ?? '', RESULT]],
    ['a second IDE under one DET', [...GROUP, RESULT, 'IDE:2+J+26110002']],
    ['a DET without IDE', [...GROUP, RESULT, 'DET:2+26:11:16']],
    ['nothing at all', []],
  ])('is quarantined where nobody can say what it is of: %s', (_name, lines) => {
    expect(readBody([...HEAD, ...lines])).toMatchObject({ code: 'edifact.no-specimen', reports: [] });
  });
});

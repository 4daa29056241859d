import { describe, expect, it } from 'vitest';
import type { PayloadReading } from '../../../src/lab/lab.ts';
import { GROUP, HEAD, RESULT, readBody, reportOf, warningsOf } from './medlab-lines.ts';

function read(pid: string): PayloadReading {
  return readBody([...HEAD.filter((line) => !line.startsWith('PID')), pid, ...GROUP, RESULT]);
}

function patientOf(pid: string) {
  return reportOf(read(pid)).patient;
}

describe('the name of a patient', () => {
  it.each([
    ['Berg:van de:Jansen:van::P.', ['Jansen', 'van', 'Berg', 'van de', null, 'P.']],
    ['::Groot:de::KM', ['Groot', 'de', null, null, null, 'KM']],
    ['Groot:de::::KM', ['Groot', 'de', null, null, null, 'KM']],
    ['Smit::Bakker::Els:E.', ['Bakker', null, 'Smit', null, 'Els', 'E.']],
    [' Groot : de ', ['Groot', 'de', null, null, null, null]],
    ["Hek:van ?'t", ['Hek', "van 't", null, null, null, null]],
    ['', [null, null, null, null, null, null]],
  ])('%s is taken apart in both orders', (name, [family, prefix, partnerFamily, partnerPrefix, given, initials]) => {
    expect(patientOf(`PID+1980:10:25+V+${name}++BSN999990019`).name).toEqual({
      family,
      prefix,
      partnerFamily,
      partnerPrefix,
      given,
      initials,
    });
  });
});

describe('the birth date', () => {
  it.each([
    ['1980:10:25', '1980-10-25'],
    ['1980:1:5', '1980-01-05'],
    ['19801025', '1980-10-25'],
    ['1980:10:00', '1980-10'],
    ['1980:10:', '1980-10'],
    ['1980:10', '1980-10'],
    ['1980:00:00', '1980'],
    ['1980::', '1980'],
    ['1980', '1980'],
    ['1980:00:25', '1980'],
    ['2024:02:29', '2024-02-29'],
  ])('%s is %s', (sent, birthDate) => {
    expect(patientOf(`PID+${sent}+V+::Jansen++BSN999990019`).birthDate).toBe(birthDate);
  });

  it.each([
    '',
    '0000:00:00',
    '1980:13:01',
    '2023:02:29',
    '80:10:25',
    '1780:10:25',
    'onbekend',
    '25:10:1980',
  ])('that cannot be read quarantines the message: %j', (sent) => {
    expect(read(`PID+${sent}+V+::Jansen++BSN999990019`)).toMatchObject({
      outcome: 'quarantined',
      code: 'edifact.birth-date',
      position: { segment: 6, tag: 'PID', element: 1 },
      reports: [],
    });
  });
});

describe('the BSN', () => {
  it.each([
    ['BSN999990019', '999990019', true],
    ['bsn 9999.90.019', '999990019', true],
    ['BSN12345672', '012345672', true],
    ['BSN999990018', '999990018', false],
    ['BSN000000000', '000000000', false],
  ])('%s is %s', (sent, bsn, isBsnValid) => {
    expect(patientOf(`PID+1980:10:25+V+::Jansen++${sent}`)).toMatchObject({ bsn, isBsnValid, otherIds: [] });
  });

  it.each([
    ['a number of the receiver', '999990019', 'lab.no-bsn', '999990019'],
    ['one that is no BSN', 'BSN99', 'lab.bsn-unreadable', 'BSN99'],
  ])('is not taken from %s, which is kept as what it is', (_name, sent, warning, value) => {
    const reading = read(`PID+1980:10:25+V+::Jansen++${sent}`);
    expect(reportOf(reading).patient).toMatchObject({
      bsn: null,
      isBsnValid: null,
      otherIds: [{ value, system: 'receiver' }],
    });
    expect(warningsOf(reading)).toEqual([`${warning} PID 5`]);
  });

  it.each(['', 'BSN', 'BSN '])('that is not filled in is none: %j', (sent) => {
    const reading = read(`PID+1980:10:25+V+::Jansen+N1+${sent}`);
    expect(reportOf(reading).patient).toMatchObject({
      bsn: null,
      isBsnValid: null,
      otherIds: [{ value: 'N1', system: 'sender' }],
    });
    expect(warningsOf(reading)).toEqual(['lab.no-bsn PID 5']);
  });

  it('in the place of the sender’s number is mentioned, not taken', () => {
    const reading = read('PID+1980:10:25+V+::Jansen+BSN999990019');
    expect(reportOf(reading).patient.bsn).toBeNull();
    expect(warningsOf(reading)).toEqual(['edifact.bsn-misplaced PID 4', 'lab.no-bsn PID 5']);
  });
});

describe('the sex', () => {
  it.each([
    ['M', 'male', []],
    ['V', 'female', []],
    ['v', 'female', []],
    ['', 'unknown', []],
    ['O', 'unknown', ['edifact.sex-unknown PID 2']],
  ])('%j is %s', (sent, sex, warnings) => {
    const reading = read(`PID+1980:10:25+${sent}+::Jansen++BSN999990019`);
    expect(reportOf(reading).patient.sex).toBe(sex);
    expect(warningsOf(reading)).toEqual(warnings);
  });
});

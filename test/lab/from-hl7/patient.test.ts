import { expect, test } from 'vitest';
import { MSH, OBR, OBX, readingOf, reportOf, warningsOf } from './reading.ts';

const pid = (identifiers: string, name = 'Bakker', birth = '19720618', sex = 'F') =>
  `PID|1||${identifiers}||${name}||${birth}|${sex}`;
const patientOf = (...parts: Parameters<typeof pid>) => reportOf(MSH, pid(...parts), OBR, OBX).patient;
const BSN = '999918606^^^NLMINBIZA^NNNLD';

test.each([
  ['first', `${BSN}~P-1^^^LAB^PI`],
  ['last', `P-1^^^LAB^PI~${BSN}`],
  ['named by its OID only', 'P-1^^^LAB^PI~999918606^^^&2.16.840.1.113883.2.4.6.3&ISO'],
  ['named by its authority only', 'P-1^^^LAB^PI~999918606^^^NLMINBIZA'],
  ['named by its type only', 'P-1^^^LAB^PI~999918606^^^^NNNLD'],
  ['there twice', `${BSN}~P-1^^^LAB^PI~${BSN}`],
])('the BSN is found wherever it stands: %s', (_, identifiers) => {
  expect(patientOf(identifiers)).toMatchObject({
    bsn: '999918606',
    isBsnValid: true,
    otherIds: [{ value: 'P-1', system: 'LAB' }],
  });
});

test('a number of nine digits that is not said to be a BSN is none', () => {
  expect(patientOf('999918606^^^LAB^PI')).toMatchObject({ bsn: null, isBsnValid: null });
});

test.each(['^^^NLMINBIZA^NNNLD', '""^^^NLMINBIZA^NNNLD', ''])('an empty BSN slot is no BSN: %s', (identifiers) => {
  expect(patientOf(identifiers)).toMatchObject({ bsn: null, isBsnValid: null, otherIds: [] });
  expect(warningsOf(MSH, pid(identifiers), OBR, OBX)).toEqual(['lab.no-bsn']);
});

test('a BSN that fails the 11-test is kept and said to be invalid', () => {
  expect(patientOf('999918607^^^NLMINBIZA^NNNLD')).toMatchObject({ bsn: '999918607', isBsnValid: false });
});

test('a BSN slot with something else in it is no BSN, and stays to be seen', () => {
  expect(patientOf('onbekend^^^NLMINBIZA^NNNLD')).toMatchObject({
    bsn: null,
    otherIds: [{ value: 'onbekend', system: 'NLMINBIZA' }],
  });
});

test('two different BSNs in one PID quarantine the message, also when only one passes the 11-test', () => {
  for (const other of ['999971384', '999971385']) {
    expect(readingOf(MSH, pid(`${BSN}~${other}^^^NLMINBIZA^NNNLD`), OBR, OBX)).toMatchObject({
      outcome: 'quarantined',
      code: 'hl7.two-bsns',
      position: { segment: 2, tag: 'PID', field: 3 },
      reports: [{ patient: { bsn: null } }],
    });
  }
});

test('NNNLD elsewhere in PID makes no BSN, and a number in PID-19 is only a hint', () => {
  const line = `${pid('P-1^^^LAB^PI')}|||||||||||999918606||||||||||||Y|NNNLD`;
  expect(reportOf(MSH, line, OBR, OBX).patient.bsn).toBeNull();
  expect(warningsOf(MSH, line, OBR, OBX)).toEqual(['lab.no-bsn', 'hl7.bsn-elsewhere']);
});

test.each([
  ['19720618', '1972-06-18'],
  ['19720618000000+0100', '1972-06-18'],
  ['19720600', '1972-06'],
  ['197206', '1972-06'],
  ['19720000', '1972'],
  ['1972', '1972'],
  ['', null],
  ['""', null],
  ['00000000', null],
])('the birth date %s is %s', (sent, birthDate) => {
  expect(patientOf(BSN, 'Bakker', sent).birthDate).toBe(birthDate);
});

test.each([
  '19720631',
  '18-06-1972',
  '19721318',
  'onbekend',
  '19720018',
])('the birth date %s cannot be read and quarantines the message', (sent) => {
  expect(readingOf(MSH, pid(BSN, 'Bakker', sent), OBR, OBX)).toMatchObject({
    outcome: 'quarantined',
    code: 'hl7.birth-date',
  });
});

test.each([
  ['F', 'female'],
  ['M', 'male'],
  ['O', 'other'],
  ['U', 'unknown'],
  ['', 'unknown'],
  ['V', 'unknown'],
])('the sex %s is %s', (sent, sex) => {
  expect(patientOf(BSN, 'Bakker', '1972', sent).sex).toBe(sex);
});

test.each([
  ['de Vries&de&Vries^Jan^P.', { family: 'Vries', prefix: 'de', given: 'Jan', initials: 'P.' }],
  ['de Vries&de^Jan', { family: 'Vries', prefix: 'de' }],
  ['van Dijk', { family: 'van Dijk', prefix: null, given: null, initials: null }],
  [
    'Berg-van Dijk&van&Dijk&van den&Berg^^J.P.',
    { family: 'Dijk', prefix: 'van', partnerFamily: 'Berg', partnerPrefix: 'van den', given: null, initials: 'J.P.' },
  ],
  ['Roepnaam^Bob^^^^^N~Bakker^Robert^^^^^L', { family: 'Bakker', given: 'Robert' }],
  ['Bakker^ANNA^Maria', { family: 'Bakker', given: 'ANNA Maria', initials: null }],
  ['', { family: null, prefix: null, partnerFamily: null, partnerPrefix: null, given: null, initials: null }],
])('the name %s is read without guessing', (sent, name) => {
  expect(patientOf(BSN, sent).name).toMatchObject(name);
});

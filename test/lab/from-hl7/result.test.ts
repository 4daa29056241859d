import { expect, test } from 'vitest';
import { MSH, OBR, OBX, PID, reportOf, resultOf, warningsOf } from './reading.ts';

const obx = (type: string, value: string, unit = 'mmol/l', code = 'X^Bepaling^L') =>
  `OBX|1|${type}|${code}||${value}|${unit}|||||F`;
const warnings = (line: string) => warningsOf(MSH, PID, OBR, line);

test.each([
  ['NM', '5.10', '5.10', 5.1, null],
  ['NM', '007', '007', 7, null],
  ['NM', '8,0', '8,0', 8, null],
  ['NM', '<5', '<5', 5, '<'],
  ['NM', '> 90', '> 90', 90, '>'],
  ['NM', 'neg', 'neg', null, null],
  ['NM', '5.1^^', '5.1', 5.1, null],
  ['NM', '5.1^H', '5.1^H', null, null],
  ['NM', '5.1~5.2', '5.1\n5.2', null, null],
  ['NM', '""', null, null, null],
  ['NM', '', null, null, null],
  ['ST', '>=16', '>=16', 16, '>='],
  ['ST', 'a&b^c', 'a&b^c', null, null],
  ['TX', 'Ca & Mg laag~  tweede', 'Ca & Mg laag\n  tweede', null, null],
  ['FT', 'een\\.br\\twee', 'een\ntwee', null, null],
  ['SN', '<^5', '<5', 5, '<'],
  ['SN', '^<^5', '<5', 5, '<'],
  ['SN', '^1^:^128', '1:128', null, null],
  ['SN', '^2^-^4', '2-4', null, null],
  ['SN', '^2^+', '2+', null, null],
  ['SN', '^10^^5', '^10^^5', null, null],
  ['CE', 'POS^Positief^L', 'Positief', null, null],
  ['CWE', '^^^POS^Positief^L', 'Positief', null, null],
  ['CWE^^HL70125', 'POS', 'POS', null, null],
  ['CWE', '^^^^^^^^zoals geschreven', 'zoals geschreven', null, null],
  ['CE', '5', '5', null, null],
  ['NR', '3^5', '3 - 5', null, null],
  ['DT', '20261120', '20261120', null, null],
  ['RP', '12345^ARCHIEF^Image^JPEG', '12345^ARCHIEF^Image^JPEG', null, null],
  ['ED', '^TEXT^plain^A^gewone tekst', 'gewone tekst', null, null],
  ['NUM', '5.1', '5.1', null, null],
  ['', '5.1', '5.1', null, null],
])('a value of type %s sent as %s is shown and not guessed', (type, sent, text, number, comparator) => {
  expect(resultOf(obx(type, sent)).value).toEqual({ text, number, comparator });
});

test.each([
  ['NUM', '5.1', 'hl7.value-type-unknown'],
  ['', '5.1', 'hl7.value-type-missing'],
  ['NM', '8,0', 'hl7.value-not-numeric'],
  ['NM', '""', 'hl7.value-deleted'],
  ['SN', '^10^^5', 'hl7.value-malformed'],
])('a value of type "%s" sent as %s is reported', (type, sent, code) => {
  expect(warnings(obx(type, sent))).toEqual([code]);
});

test('a number without a measuring unit stays text', () => {
  expect(resultOf(obx('NM', '240208', '')).value).toEqual({ text: '240208', number: null, comparator: null });
});

test.each([
  ['mmol/mol^mmol/mol^UCUM', 'mmol/mol', 'mmol/mol'],
  ['mm/uur', 'mm/uur', 'mm/h'],
  ['^mmol/l', 'mmol/l', 'mmol/L'],
  ['LOKAAL^mmol/l^L', 'mmol/l', 'mmol/L'],
  ['10^9/l', '10^9/l', '10*9/L'],
  ['10\\S\\9/l', '10^9/l', '10*9/L'],
  ['10*9/L^10*9/L^UCUM', '10*9/L', '10*9/L'],
  ['stuks', 'stuks', null],
  ['""', null, null],
])('the unit %s is %s', (sent, unit, unitUcum) => {
  expect(resultOf(obx('NM', '5', sent))).toMatchObject({ unit, unitUcum });
});

test('a unit whose code and text contradict each other is not believed, and the number stays text', () => {
  const line = obx('NM', '48', 'mmol/mol^%');
  expect(resultOf(line)).toMatchObject({ unitUcum: null, value: { text: '48', number: null } });
  expect(warnings(line)).toEqual(['hl7.unit-contradictory']);
});

test('a code is believed with its unit only: HbA1c in % is not HbA1c in mmol/mol', () => {
  expect(resultOf(obx('NM', '48', 'mmol/mol', '2816^HbA1c^NHG45')).code).toMatchObject({
    nhg: '2816',
    loinc: '59261-8',
  });
  expect(resultOf(obx('NM', '6.5', '%', '2816^HbA1c^NHG45')).code).toMatchObject({ nhg: null, loinc: null });
  expect(warnings(obx('NM', '6.5', '%', '2816^HbA1c^NHG45'))).toEqual(['lab.unit-unexpected']);
});

test('the second triplet of OBX-3 is looked at too', () => {
  const { code, name } = resultOf(obx('NM', '48', 'mmol/mol', 'HBA1C^Glycohemoglobine^L^59261-8^HbA1c^LN'));
  expect(name).toBe('Glycohemoglobine');
  expect(code).toMatchObject({
    raw: 'HBA1C',
    system: 'L',
    nhg: '2816',
    alternatives: [{ code: '59261-8', text: 'HbA1c', system: 'LN' }],
  });
});

test.each([
  ['3.5 - 5.1', '3.5', '5.1'],
  ['0-15', '0', '15'],
  ['-2.0-3.0', '-2.0', '3.0'],
  ['-3.0 - -1.0', '-3.0', '-1.0'],
  ['3,5 - 5,1', '3,5', '5,1'],
  ['<53', null, '53'],
  ['<= 53', null, '53'],
  ['>60', '60', null],
  ['Negatief', null, null],
  ['10-5', null, null],
  ['150.000 - 400.000', null, null],
  ['3.5-5.1 mmol/l', null, null],
  ['1-2-3', null, null],
  ['2^5', null, null],
])('the range %s is always text, and low %s and high %s only when unambiguous', (sent, low, high) => {
  expect(resultOf(OBX.replace('3.5 - 5.1', sent)).range).toEqual({ low, high, text: sent });
});

test.each([
  ['', null, null],
  ['""', null, null],
  ['H', 'H', 'high'],
  ['LL', 'LL', 'critical-low'],
  ['H~HH', 'H~HH', 'critical-high'],
  ['A~H', 'A~H', 'high'],
  ['H^Hoog^HL70078', 'H^Hoog^HL70078', 'high'],
  ['N', 'N', null],
  ['R', 'R', null],
  ['H~L', 'H~L', null],
])('the flag %s is kept as sent, and means %s → %s', (sent, raw, meaning) => {
  expect(resultOf(OBX.replace('||||F', `|${sent}|||F`)).flag).toEqual({ raw, meaning });
});

test.each([
  ['F', 'final'],
  ['V', 'final'],
  ['C', 'corrected'],
  ['A', 'corrected'],
  ['B', 'corrected'],
  ['P', 'preliminary'],
  ['R', 'preliminary'],
  ['S', 'preliminary'],
  ['X', 'cancelled'],
  ['D', 'retracted'],
  ['W', 'retracted'],
  ['U', 'confirmed'],
])('the status %s is %s', (sent, status) => {
  const report = reportOf(MSH, PID, OBR, OBX.replace(/F$/, sent));
  expect(report.specimens[0]?.results[0]?.status).toBe(status);
  expect(report.holds).toEqual([]);
});

test.each(['', '""', 'Q', 'f'])('the status "%s" is not taken for final: held at its position', (sent) => {
  const report = reportOf(MSH, PID, OBR, OBX, OBX.replace(/F$/, sent));
  expect(report.specimens[0]?.results.map(({ status }) => status)).toEqual(['final', null]);
  expect(report.holds).toEqual([{ code: 'hl7.status-missing', position: { segment: 5, tag: 'OBX', field: 11 } }]);
});

test('what is still to come is listed as pending, with its notes', () => {
  const report = reportOf(MSH, PID, OBR, OBX, 'OBX|2|NM|TSH^TSH^L||||||||I', 'NTE|1||volgt');
  expect(report.specimens[0]?.pending).toEqual([{ name: 'TSH', remarks: ['volgt'] }]);
  expect(report.specimens[0]?.results).toHaveLength(1);
});

test('what was not asked or is an order only is counted, and a value there is reported', () => {
  const lines = [MSH, PID, OBR, OBX.replace(/F$/, 'N'), OBX.replace(/F$/, 'O')] as const;
  const report = reportOf(...lines);
  expect(report.notCarried).toEqual([
    { code: 'hl7.not-asked', count: 1 },
    { code: 'hl7.order-only', count: 1 },
  ]);
  expect(report.specimens[0]?.results).toEqual([]);
  expect(warningsOf(...lines)).toEqual(['hl7.value-not-carried', 'hl7.value-not-carried']);
});

test.each([
  ['20261120083000', '2026-11-20T08:30:00+01:00', []],
  ['202608200830', '2026-08-20T08:30:00+02:00', []],
  ['20261120083000.250', '2026-11-20T08:30:00.250+01:00', []],
  ['20261120083000-0500', '2026-11-20T08:30:00-05:00', []],
  ['20261120', '2026-11-20', []],
  ['2026112008', '2026-11-20', ['hl7.time-partial']],
  ['20261025023000', '2026-10-25T02:30:00+02:00', ['lab.time-ambiguous']],
  ['20260329023000', '2026-03-29T02:30:00+01:00', ['lab.time-skipped']],
  ['20261131', null, ['hl7.time-unreadable']],
  ['gisteren', null, ['hl7.time-unreadable']],
])('the moment %s is %s', (sent, observedAt, codes) => {
  expect(resultOf(`${OBX}|||${sent}`).observedAt).toBe(observedAt);
  expect(warnings(`${OBX}|||${sent}`)).toEqual(codes);
});

test('a note of several lines is one remark per line, with leading blanks', () => {
  expect(resultOf(OBX, 'NTE|1||een~  twee\\.br\\drie', 'NTE|2||', 'NTE|3||vier').remarks).toEqual([
    'een',
    '  twee',
    'drie',
    '',
    'vier',
  ]);
});

test('a document that cannot be decoded is missed: the report waits for a person', () => {
  const damaged = 'OBX|2|ED|V1^Verslag^L||^application^pdf^Base64^JVBERi0x*geen base64*||||||';
  expect(reportOf(MSH, PID, OBR, OBX, `${damaged}F`)).toMatchObject({
    attachments: [],
    holds: [{ code: 'hl7.document-unreadable', position: { segment: 5, tag: 'OBX', field: 5 } }],
  });
  expect(reportOf(MSH, PID, OBR, OBX, `${damaged}X`).holds).toEqual([]);
});

test('a document that is retracted waits for a person, who can take it off the card', () => {
  const retracted = 'OBX|2|ED|V1^Verslag^L||^application^pdf^Base64^JVBERi0xLjQK||||||W';
  expect(reportOf(MSH, PID, OBR, OBX, retracted)).toMatchObject({
    attachments: [],
    holds: [{ code: 'hl7.document-retracted', position: { segment: 5, tag: 'OBX', field: 11 } }],
  });
});

test('a result without a name and a code is nobody’s to read: held', () => {
  expect(reportOf(MSH, PID, OBR, OBX, 'OBX|2|NM|||4.1|mmol/l|||||F').holds).toEqual([
    { code: 'lab.determination-unnamed', position: { segment: 5, tag: 'OBX', field: 3 } },
  ]);
  expect(reportOf(MSH, PID, OBR, 'OBX|1|NM|513||4.1|mmol/l|||||F').holds).toEqual([]);
});

/** hl7-standard as a second reader of a message that it is safe for: one MSH, CR, the usual separators, no escapes. */

import HL7 from 'hl7-standard';
import { expect, test } from 'vitest';
import { readHl7Payload } from '../../../src/lab/from-hl7/from-hl7.ts';
import { loadLaboratoryRegistry } from '../../../src/lab/registry.ts';
import { buildOruMessage } from '../../../src/sandbox/laboratory-hl7.ts';
import { SANDBOX_LABORATORIES, SANDBOX_PATIENTS, SANDBOX_PRACTICES } from '../../../src/sandbox/people.ts';
import { payloadOf } from './reading.ts';

function built(name: string) {
  const laboratory = SANDBOX_LABORATORIES.find(({ hl7Facility }) => hl7Facility === 'DIAGZUID');
  const practice = SANDBOX_PRACTICES.find(({ key }) => key === 'anker');
  const patient = SANDBOX_PATIENTS.find(({ bsn }) => bsn === '999918606');
  if (!laboratory || !practice || !patient) throw new Error('the sandbox changed');
  const result = { name, system: 'NHG45', low: '20', high: '42', flag: 'H' };
  return buildOruMessage({
    laboratory,
    practice,
    patient,
    labNumber: 'Z26-2001',
    sentAt: new Date('2026-11-20T08:00:00Z'),
    controlId: 'S1',
    results: [
      { ...result, code: '2816', value: '48', unit: 'mmol/mol', status: 'F' },
      { ...result, code: '513', value: '5.10', unit: 'mmol/l', status: 'P', low: null },
      { ...result, code: '227', value: '<5', unit: 'mg/l', status: 'C', low: null, high: null, flag: null },
    ],
  });
}

test('our reader and hl7-standard agree on patient, values, units and statuses of a canonical message', () => {
  const bytes = built('Bepaling');
  const [reading] = readHl7Payload(payloadOf(bytes), loadLaboratoryRegistry());
  const report = reading?.reports[0];
  const other = new HL7(bytes.toString('utf8'));
  other.transform();
  expect(report?.references.message).toBe(other.get('MSH.10'));
  expect(report?.recipient.zorgmail).toBe(other.get('MSH.6'));
  expect(report?.patient.bsn).toBe(other.get('PID.3.1'));
  expect(report?.specimens[0]?.labNumber).toBe(other.get('OBR.3'));
  const theirs = other
    .getSegments('OBX')
    .map((obx) => ['OBX.3.1', 'OBX.5', 'OBX.6', 'OBX.7', 'OBX.8', 'OBX.11'].map((field) => obx.get(field)));
  const letters = new Map([
    ['final', 'F'],
    ['preliminary', 'P'],
    ['corrected', 'C'],
  ]);
  const ours = report?.specimens[0]?.results.map((result) => [
    result.code.raw,
    result.value.text,
    result.unit,
    result.range.text ?? '',
    result.flag.raw ?? '',
    letters.get(result.status ?? ''),
  ]);
  expect(ours).toHaveLength(3);
  expect(ours).toEqual(theirs);
});

test('what the sandbox builds is read without a warning, delimiters in a name included', () => {
  const [reading] = readHl7Payload(payloadOf(built('Ca & Mg | x^2 ~ \\')), loadLaboratoryRegistry());
  expect(reading).toMatchObject({ outcome: 'reports', warnings: [] });
  expect(reading?.reports[0]?.specimens[0]?.results[0]?.name).toBe('Ca & Mg | x^2 ~ \\');
  expect(reading?.reports[0]?.patient.name).toMatchObject({ family: 'Bakker', partnerFamily: 'Smit' });
});

import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { EXPECTED } from '../../src/registration/expected.ts';
import { registrationJsonSchema, validateRegistration } from '../../src/registration/registration.ts';
import { REGISTRATION } from './sample.ts';

const { patient } = REGISTRATION;
const problemsOf = (input: unknown) => {
  const checked = validateRegistration(input);
  return checked.kind === 'valid' ? [] : checked.problems.map(({ field, code }) => `${field} ${code.split('.')[1]}`);
};
const earlier = { change: 'correction', writtenAt: '2026-11-24T10:00:00+01:00', references: ['CS1'] };

describe('a registration', () => {
  it('is valid as it should be, and what may be left out is null', () => {
    const { earlier: _, ...input } = { ...REGISTRATION, patient: { ...patient, name: { family: 'Jansen' } } };
    const checked = validateRegistration(input);
    expect(checked).toMatchObject({
      kind: 'valid',
      registration: { earlier: null, patient: { name: { family: 'Jansen', prefix: null, initials: null } } },
    });
    expect(problemsOf({ ...REGISTRATION, earlier })).toEqual([]);
    expect(problemsOf({ ...REGISTRATION, patient: { ...patient, birthDate: '1980-10' } })).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['a BSN that fails the 11-test', { patient: { ...patient, bsn: '999990018' } }, 'patient.bsn not-as-expected'],
    ['a BSN as a number', { patient: { ...patient, bsn: 999990019 } }, 'patient.bsn not-as-expected'],
    ['a BSN of eight digits', { patient: { ...patient, bsn: '99990019' } }, 'patient.bsn not-as-expected'],
    [
      'a birth date that is none',
      { patient: { ...patient, birthDate: '1980-02-30' } },
      'patient.birthDate not-as-expected',
    ],
    ['a birth date to come', { patient: { ...patient, birthDate: '2026-11-26' } }, 'patient.birthDate not-as-expected'],
    ['a sex that MEDVRI has not', { patient: { ...patient, sex: 'unknown' } }, 'patient.sex not-as-expected'],
    ['no family name', { patient: { ...patient, name: { family: ' ' } } }, 'patient.name.family not-as-expected'],
    [
      'a long given name',
      { patient: { ...patient, name: { family: 'A', given: 'a'.repeat(71) } } },
      'patient.name.given too-long',
    ],
    [
      'an account with letters',
      { practice: { ...REGISTRATION.practice, account: 'linde' } },
      'practice.account not-as-expected',
    ],
    [
      'an AGB code of seven digits',
      { practice: { ...REGISTRATION.practice, agb: '1099001' } },
      'practice.agb not-as-expected',
    ],
    ['no author', { author: undefined }, 'author missing'],
    ['no role', { author: { name: 'A' } }, 'author.role missing'],
    ['another source', { source: { kind: 'mail', field: 'x' } }, 'source.kind not-as-expected'],
    ['a time without a zone', { writtenAt: '2026-11-25T10:15:00' }, 'writtenAt not-as-expected'],
    ['31 February', { writtenAt: '2026-02-31T10:15:00Z' }, 'writtenAt not-as-expected'],
    ['hour 25', { writtenAt: '2026-02-03T25:15:00Z' }, 'writtenAt not-as-expected'],
    ['no text', { text: '\n ' }, 'text not-as-expected'],
    ['a text of 10,001 characters', { text: 'a'.repeat(10_001) }, 'text too-long'],
    ['a field that there is not', { patient: { ...patient, naam: 'x' } }, 'patient.naam unknown-field'],
    ['a field whose name is a text', { 'Jansen, 999990019': 1 }, '? unknown-field'],
    [
      'an earlier one that is later',
      { earlier: { ...earlier, writtenAt: '2026-11-26T00:00:00Z' } },
      'earlier.writtenAt not-as-expected',
    ],
    [
      'an earlier one without a reference',
      { earlier: { ...earlier, references: [] } },
      'earlier.references not-as-expected',
    ],
    [
      'a reference in small letters',
      { earlier: { ...earlier, references: ['CS1', 'cs2'] } },
      'earlier.references.1 not-as-expected',
    ],
  ])('is refused with the name of the field: %s', (_, change, expected) => {
    expect(problemsOf({ ...REGISTRATION, ...change })).toEqual([expected]);
  });

  it('has everything that is wrong named at once, and no value repeated', () => {
    const input = { ...REGISTRATION, patient: { ...patient, bsn: '999990018', sex: 'x' }, writtenAt: 'gisteren' };
    expect(problemsOf(input)).toHaveLength(3);
    expect(JSON.stringify(validateRegistration(input))).not.toMatch(/999990018|gisteren/);
    expect(problemsOf(null)).toEqual([' not-as-expected']);
    expect(problemsOf([])).toEqual([' not-as-expected']);
  });

  it('may be without a text only where it withdraws', () => {
    expect(problemsOf({ ...REGISTRATION, text: '', earlier: { ...earlier, change: 'withdrawal' } })).toEqual([]);
    expect(problemsOf({ ...REGISTRATION, text: '', earlier })).toEqual(['text not-as-expected']);
  });
});

describe('the JSON Schema', () => {
  const validate = new Ajv({ allErrors: true }).compile(registrationJsonSchema());

  it('takes and refuses by shape what validateRegistration does', () => {
    expect(validate(REGISTRATION)).toBe(true);
    expect(validate({ ...REGISTRATION, earlier })).toBe(true);
    const { earlier: _, ...withoutEarlier } = REGISTRATION;
    expect(validate(withoutEarlier)).toBe(true);
    for (const change of [{ extra: 1 }, { text: 'a'.repeat(10_001) }, { writtenAt: 'x' }, { patient: {} }]) {
      expect(validate({ ...REGISTRATION, ...change })).toBe(false);
    }
  });

  it('describes every field', () => {
    const text = JSON.stringify(registrationJsonSchema());
    const missing = Object.entries(EXPECTED).filter(
      ([name, { en }]) => name !== '' && !text.includes(JSON.stringify(en)),
    );
    expect(missing).toEqual([]);
  });
});

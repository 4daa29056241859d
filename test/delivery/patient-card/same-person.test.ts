import type { Patient } from '@medplum/fhirtypes';
import { describe, expect, it } from 'vitest';
import { isSameBirthDate, likeness } from '../../../src/delivery/patient-card/same-person.ts';
import type { PersonName } from '../../../src/lab/lab.ts';
import { patientOf } from '../../../src/sandbox/fhir/population.ts';
import { SANDBOX_PATIENTS } from '../../../src/sandbox/people.ts';
import { labPatient, person, practice } from '../sample.ts';

const petra = person('999990019');
const NAMELESS: PersonName = {
  family: null,
  prefix: null,
  partnerFamily: null,
  partnerPrefix: null,
  given: null,
  initials: null,
};

function card(bsn: string): Patient {
  return patientOf(person(bsn), practice('linde'), 'o');
}

function compare(bsn: string, name: Partial<PersonName>): string {
  return likeness(labPatient(person(bsn), { name: { ...NAMELESS, ...name } }), card(bsn));
}

it('knows every person of the sandbox by the name that a laboratory would send', () => {
  const likenesses = SANDBOX_PATIENTS.map((who) => likeness(labPatient(who), card(who.bsn)));
  expect(new Set(likenesses)).toEqual(new Set(['same']));
});

describe('surnames', () => {
  it.each<[string, string, Partial<PersonName>]>([
    ['case', '999990019', { family: 'JANSEN' }],
    ['diacritics', '999942542', { family: 'Ozdemir' }],
    ['apostrophes and prefixes', '999986296', { family: 'van ’t Hek' }],
    ['a prefix in the wrong field', '999911120', { family: 'de Groot' }],
    ['a prefix behind a comma', '999911120', { family: 'Groot, de' }],
    ['a missing prefix', '999971384', { family: 'Dijk' }],
    ['the partner’s name only', '999990019', { family: 'Berg', prefix: 'van de' }],
    ['both names in one field', '999918606', { family: 'Smit-Bakker' }],
    ['both names the other way round', '999918606', { family: 'Bakker Smit' }],
  ])('are alike whatever the %s', (_title, bsn, name) => {
    expect(compare(bsn, name)).toBe('same');
  });

  it.each<[string, string, Partial<PersonName>]>([
    ['another name', '999990019', { family: 'Jansens' }],
    ['the prefix alone', '999990019', { family: 'van' }],
    ['the given name', '999990019', { family: 'Petra' }],
  ])('differ: %s', (_title, bsn, name) => {
    expect(compare(bsn, name)).toBe('name-differs');
  });

  it('are read from a plain family name where a card has no parts', () => {
    const plain: Patient = {
      resourceType: 'Patient',
      birthDate: petra.birthDate,
      name: [{ family: 'van de Berg-van Jansen' }],
    };
    expect(likeness(labPatient(petra), plain)).toBe('same');
    expect(likeness(labPatient(petra, { name: { ...NAMELESS, family: 'Pietersen' } }), plain)).toBe('name-differs');
  });

  it('that were not sent are no difference, but only if the birth date was compared', () => {
    expect(compare('999990019', {})).toBe('same');
    const nobody = labPatient(petra, { name: NAMELESS, birthDate: null });
    expect(likeness(nobody, card(petra.bsn))).toBe('name-differs');
  });
});

it('compares a birth date in the parts that both sides know', () => {
  expect(isSameBirthDate('1980-10-25', '1980-10')).toBe(true);
  expect(isSameBirthDate('1980', '1980-10-25')).toBe(true);
  expect(isSameBirthDate('1980-11', '1980-10-25')).toBe(false);
  expect(isSameBirthDate('1980-10-25', '1980-10-26')).toBe(false);
});

it('takes an unknown sex for no difference', () => {
  expect(likeness(labPatient(petra, { sex: 'unknown' }), card(petra.bsn))).toBe('same');
  expect(likeness(labPatient(petra, { sex: 'male' }), card(petra.bsn))).toBe('sex-differs');
});

/**
 * People and results that nobody else has: made anew for every run, so that one of them found anywhere is a leak and
 * nothing else. Their BSNs begin with 999 and pass the 11-test.
 */

import { randomInt } from 'node:crypto';
import type { SandboxPatient, SandboxPractice } from '../../src/sandbox/people.ts';
import { passesElevenTest } from '../../src/shared/scrub.ts';

export interface MarkedPerson {
  readonly person: SandboxPatient;
  readonly street: string;
  readonly phone: string;
}

export interface Marks {
  readonly people: readonly MarkedPerson[];
  /** Of whom no card exists. */
  readonly stranger: MarkedPerson;
  readonly remark: string;
  readonly subject: string;
  readonly sender: string;
  readonly determination: string;
  readonly fileName: string;
  /** A number that is a value, and one that is a laboratory's number. */
  value(): string;
  labNumber(): string;
  /** Everything of the above that was given out, as it must be found nowhere. */
  all(): readonly string[];
}

const LETTERS = 'bcdfghjklmnpqrstvwxz';
const word = (length: number) => Array.from({ length }, () => LETTERS[randomInt(LETTERS.length)]).join('');
const digits = (length: number) => Array.from({ length }, () => String(randomInt(10))).join('');

function markedBsn(): string {
  for (;;) {
    const bsn = `999${digits(6)}`;
    if (passesElevenTest(bsn)) return bsn;
  }
}

function markedPerson(followedBy: SandboxPractice['key'] | null): MarkedPerson {
  const year = 1940 + randomInt(60);
  return {
    person: {
      bsn: markedBsn(),
      family: `Kanarie${word(9)}`,
      prefix: null,
      partnerFamily: `Vink${word(9)}`,
      partnerPrefix: null,
      given: `Zang${word(8)}`,
      initials: 'Q.X.',
      birthDate: `${year}-0${1 + randomInt(9)}-1${randomInt(10)}`,
      sex: 'female',
      followedBy,
      programme: null,
    },
    street: `Kooi${word(8)}`,
    phone: `06${digits(8)}`,
  };
}

export function newMarks(practices: readonly SandboxPractice['key'][]): Marks {
  const numbers: string[] = [];
  const kept = (number: string) => {
    numbers.push(number);
    return number;
  };
  const people = practices.map((practice) => markedPerson(practice));
  const stranger = markedPerson(null);
  const texts = {
    remark: `het zingt ${word(9)} zeer`,
    subject: `Betreft ${word(9)}`,
    sender: `${word(9)}@lab.example`,
    determination: `Gele${word(8)}`,
    fileName: `${word(10)}.edi`,
  };
  return {
    people,
    stranger,
    ...texts,
    value: () => kept(`7.${digits(9)}`),
    labNumber: () => kept(`8${digits(9)}`),
    all: () => [
      ...[...people, stranger].flatMap(({ person, street, phone }) => [
        person.bsn,
        person.family,
        person.partnerFamily ?? '',
        person.given,
        street,
        phone,
      ]),
      ...Object.values(texts),
      ...numbers,
    ],
  };
}

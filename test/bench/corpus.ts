/**
 * Laboratory messages of an exact size: what a benchmark reads. Drawn from a seed, so that two runs read the same bytes,
 * and different from one another, so that no reader profits from having seen the same text before.
 */

import { type WrittenSegment, writeSegments } from '../../src/edifact/edifact.ts';
import { DETERMINATIONS, type Determination } from '../../src/sandbox/generator/determinations.ts';
import { enveloped, personSegment } from '../../src/sandbox/generator/medlab.ts';
import { derivedSeed, type Random, seededRandom } from '../../src/sandbox/generator/random.ts';
import {
  SANDBOX_LABORATORIES,
  SANDBOX_PATIENTS,
  SANDBOX_PRACTICES,
  type SandboxPatient,
} from '../../src/sandbox/people.ts';

/**
 * `medlab`: as a laboratory sends it. `plain-edifact`: the same content, with the counters as an element of their own and
 * in capitals, since the npm package edifact knows neither counters behind a tag nor small letters at level A.
 * `oru`: HL7 2.5.1 in UTF-8; some names have letters beyond ASCII.
 */
export type InputName = 'medlab' | 'plain-edifact' | 'oru';

/** What every reader must find in a message. */
export interface Expected {
  readonly segments: number;
  readonly familyName: string;
  readonly results: readonly (readonly [code: string, value: string, unit: string])[];
}

export interface BenchMessage {
  readonly bytes: Buffer;
  readonly expected: Expected;
}

interface Draft {
  readonly index: number;
  readonly person: SandboxPatient;
  readonly results: readonly DraftResult[];
}

interface DraftResult {
  readonly determination: Determination;
  readonly text: string;
}

type Writer = (draft: Draft, remark: string) => { readonly text: string; readonly expected: Expected };

const [PRACTICE] = SANDBOX_PRACTICES;
const [NOORD, ZUID] = SANDBOX_LABORATORIES;
// Determinations with a code of every kind, that are measured and not calculated.
const MEASURED = DETERMINATIONS.filter((one): one is Determination => 'draw' in one && one.nhg !== null);

/** Messages of exactly `size` bytes: as many results as fit, and a remark that fills the rest. */
export function messagesOf(input: InputName, size: number, count: number): readonly BenchMessage[] {
  return Array.from({ length: count }, (_, index) => {
    const message = fitted(draftOf(input, index), size, WRITERS[input]);
    if (message.bytes.length !== size) throw new Error(`a ${input} of ${size} bytes cannot be made`);
    return message;
  });
}

function fitted(draft: Draft, size: number, write: Writer): BenchMessage {
  const measure = (results: number) => bytesOf(write({ ...draft, results: draft.results.slice(0, results) }, 'x').text);
  let count = 1;
  while (count < draft.results.length && measure(count + 1).length <= size) count++;
  const filler = size - measure(count).length + 1;
  const { text, expected } = write({ ...draft, results: draft.results.slice(0, count) }, remarkOf(filler));
  return { bytes: bytesOf(text), expected };
}

function draftOf(input: InputName, index: number): Draft {
  const random = seededRandom(derivedSeed(2026, index + 1));
  const people = SANDBOX_PATIENTS.filter(({ family }) => input !== 'plain-edifact' || /^[A-Za-z]+$/.test(family));
  const person = random.pick(people);
  return { index, person, results: Array.from({ length: 150 }, () => drawResult(random, person)) };
}

function drawResult(random: Random, person: SandboxPatient): DraftResult {
  const determination = random.pick(MEASURED);
  const value = determination.draw(random, person);
  return { determination, text: typeof value === 'number' ? value.toFixed(determination.decimals) : value };
}

const WRITERS: Readonly<Record<InputName, Writer>> = {
  medlab: (draft, remark) => {
    const segments = medlabSegments(draft, remark);
    return { text: writeSegments(segments, '\r\n'), expected: expectedOf(draft, segments.length, 'memo') };
  },
  'plain-edifact': (draft, remark) => {
    const plain = medlabSegments(draft, remark).map(withoutCounters);
    const { segments, familyName, results } = expectedOf(draft, plain.length, 'memo');
    const capitals = results.map(([code, value, unit]) => [capital(code), capital(value), capital(unit)] as const);
    return {
      text: writeSegments(plain, '\r\n').toUpperCase(),
      expected: { segments, familyName: capital(familyName), results: capitals },
    };
  },
  oru: (draft, remark) => {
    const lines = oruLines(draft, remark);
    return { text: lines.map((line) => `${line}\r`).join(''), expected: expectedOf(draft, lines.length, 'nhg') };
  },
};

function medlabSegments({ index, person, results }: Draft, remark: string): readonly WrittenSegment[] {
  const body: readonly WrittenSegment[] = [
    { tag: 'ZKH', elements: [NOORD?.name ?? '', ['Zeeweg', '12', '', 'Noordhaven', '9901AA'], '0599-123456'] },
    personSegment(person, 'third'),
    { tag: 'ART', elements: ['H', '099001', ['Linde', 'ter', 'A.B.']] },
    { tag: 'AFD', elements: ['Klinische chemie'] },
    { tag: 'ARA', counters: [1], elements: ['Dr. C. Chemicus'] },
    {
      tag: 'DET',
      counters: [1],
      elements: [
        ['26', '11', dayOf(index)],
        ['08', '10'],
      ],
    },
    { tag: 'IDE', counters: [1], elements: ['J', `2611${String(index).padStart(4, '0')}`, 'Serum'] },
    { tag: 'OPM', counters: [1, 1], elements: [remark] },
    ...results.map(({ determination, text }, at) => {
      const { low, high } = rangeOf(determination, person);
      const { name, unit, memo } = determination;
      return { tag: 'BEP', counters: [1, 1, at + 1], elements: ['0', name, text, '', unit, '', low, high, memo] };
    }),
  ];
  return enveloped('MEDLAB', body, {
    from: NOORD?.zorgmail ?? '',
    to: PRACTICE?.zorgmail ?? '',
    sentAt: new Date(`2026-11-${dayOf(index)}T08:15:00Z`),
    reference: `NRD${String(index).padStart(8, '0')}`,
  });
}

function withoutCounters({ tag, counters, elements }: WrittenSegment): WrittenSegment {
  return counters === undefined ? { tag, elements } : { tag, elements: [counters.map(String), ...elements] };
}

function oruLines({ index, person, results }: Draft, remark: string): readonly string[] {
  const { bsn, family, prefix, given, initials, birthDate, sex } = person;
  const surname = `${[prefix, family].filter((part) => part !== null).join(' ')}&${prefix ?? ''}&${family}`;
  const id = String(index).padStart(4, '0');
  const day = dayOf(index);
  return [
    `MSH|^~\\&|LABSYSTEEM|${ZUID?.hl7Facility}||${PRACTICE?.zorgmail}|202611${day}091500||ORU^R01^ORU_R01|Z${id}|P|2.5.1||||||UNICODE UTF-8`,
    `PID|1||${bsn}^^^NLMINBIZA^NNNLD~P-${id}^^^DIAGZUID^PI||${surname}^${given}^${initials}^^^^L||${birthDate.replaceAll('-', '')}|${sex === 'female' ? 'F' : 'M'}`,
    `OBR|1||Z26-${id}|CHEM^Klinische chemie^L|||202611${day}081000||||||||BLD&Bloed&L|01099001^Linde^A.B.^^^^^^VEKTIS||||||202611${day}091000|||F`,
    `NTE|1||${remark}`,
    ...results.map(({ determination, text }, at) => {
      const { name, unit, nhg, loinc } = determination;
      const { low, high } = rangeOf(determination, person);
      const code = `${nhg}^${name}^NHG45${loinc === null ? '' : `^${loinc}^${name}^LN`}`;
      const range = low === '' || high === '' ? '' : `${low} - ${high}`;
      const type = /^-?\d+(?:\.\d+)?$/.test(text) ? 'NM' : 'ST';
      return `OBX|${at + 1}|${type}|${code}||${text}|${unit ?? ''}|${range}||||F|||202611${day}081000`;
    }),
  ];
}

function expectedOf({ person, results }: Draft, segments: number, codes: 'memo' | 'nhg'): Expected {
  return {
    segments,
    familyName: person.family,
    results: results.map(({ determination, text }) => [determination[codes] ?? '', text, determination.unit ?? '']),
  };
}

function dayOf(index: number): string {
  return String((index % 28) + 1).padStart(2, '0');
}

function rangeOf({ range }: Determination, { sex }: SandboxPatient): { readonly low: string; readonly high: string } {
  const [low, high] = 'male' in range ? range[sex] : range;
  return { low: String(low ?? ''), high: String(high ?? '') };
}

// Letters and blanks only, and no blank at the end: nothing that a reader takes for syntax.
function remarkOf(length: number): string {
  const words = 'Afgenomen in de praktijk en dezelfde dag bepaald ';
  return `${words.repeat(Math.ceil(length / words.length)).slice(0, length - 1)}x`;
}

function capital(text: string): string {
  return text.toUpperCase();
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'utf8');
}

import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import {
  type PostedRegistration,
  postedJsonSchema,
  TEXT_CHARACTERS_MAX,
  validatePosted,
} from '../../src/registration/registration.ts';
import { REGISTRATION } from './sample.ts';

const POSTED: PostedRegistration = { ...REGISTRATION, practice: { agb: '01099001' }, earlier: null };
const EARLIER = { change: 'correction', registration: '0199f3a2-7c11-7a4e-9b11-2f7f0a6d1c11' } as const;
const problemsOf = (input: unknown) => {
  const checked = validatePosted(input);
  return checked.kind === 'valid' ? [] : checked.problems.map(({ field, code }) => `${field} ${code.split('.')[1]}`);
};

/** Every path of the schema: a field without its own broken example below would be noticed. */
const BROKEN: Readonly<Record<string, unknown>> = {
  practice: 'De Linde',
  'practice.agb': 1099001,
  patient: [],
  'patient.bsn': '999990018',
  'patient.birthDate': '1980-02-30',
  'patient.sex': 'unknown',
  'patient.name': 'Jansen',
  'patient.name.family': ' ',
  'patient.name.prefix': 7,
  'patient.name.partnerFamily': '',
  'patient.name.partnerPrefix': {},
  'patient.name.given': 'a'.repeat(71),
  'patient.name.initials': false,
  author: null,
  'author.name': '',
  'author.role': 'a'.repeat(71),
  source: 'card',
  'source.kind': 'mail',
  'source.field': ' ',
  writtenAt: '2026-11-25T10:15:00',
  text: 7,
  earlier: 'the former',
  'earlier.change': 'addition',
  'earlier.registration': EARLIER.registration.toUpperCase(),
};

function changed(path: string, value: unknown): unknown {
  const copy = structuredClone({ ...POSTED, earlier: EARLIER }) as Record<string, unknown>;
  const names = path.split('.');
  const last = names.pop() ?? '';
  const holder = names.reduce((at, name) => at[name] as Record<string, unknown>, copy);
  holder[last] = value;
  return copy;
}

function pathsOf(schema: Record<string, unknown>, path: readonly string[] = []): string[] {
  const { properties = {}, anyOf = [] } = schema as {
    properties?: Record<string, Record<string, unknown>>;
    anyOf?: Record<string, unknown>[];
  };
  const own = Object.entries(properties).flatMap(([name, one]) => [
    [...path, name].join('.'),
    ...pathsOf(one, [...path, name]),
  ]);
  return [...own, ...anyOf.flatMap((one) => pathsOf(one, path))];
}

describe('what a source posts', () => {
  it('is a registration with only the AGB code of the practice, and the id of an earlier one', () => {
    expect(validatePosted(POSTED)).toEqual({ kind: 'valid', posted: POSTED });
    expect(problemsOf({ ...POSTED, earlier: EARLIER })).toEqual([]);
    expect(problemsOf(REGISTRATION)).toEqual(['practice.name unknown-field', 'practice.account unknown-field']);
  });

  it('is broken in every field here', () => {
    expect(Object.keys(BROKEN).sort()).toEqual([...new Set(pathsOf(postedJsonSchema()))].sort());
  });

  it.each(Object.entries(BROKEN))('names the field that is wrong: %s', (path, value) => {
    const problems = problemsOf(changed(path, value));
    expect(problems).toEqual([expect.stringMatching(new RegExp(`^${path} (not-as-expected|too-long)$`))]);
  });

  it.each(
    Object.keys(BROKEN).filter((path) => !/^earlier$|^patient\.name\.(?!family)/.test(path)),
  )('names the field that is missing: %s', (path) =>
    expect(problemsOf(changed(path, undefined))).toEqual([`${path} missing`]));

  it('says of each problem what is expected, in Dutch and English, and never a value', () => {
    const checked = validatePosted(changed('practice', 'Jansen 999990018'));
    expect(checked).toMatchObject({
      problems: [{ field: 'practice', expected: { nl: 'de praktijk: agb', en: 'the practice: agb' }, place: null }],
    });
    for (const [path, value] of Object.entries(BROKEN)) {
      const said = JSON.stringify(validatePosted(changed(path, value)));
      expect(said).toMatch(/"nl":"[^"]{5,}","en":"[^"]{5,}"/);
      expect(said).not.toMatch(/999990018|De Linde"/);
    }
  });

  it('may have a text of 10,000 characters, whatever each of them takes', () => {
    const validate = new Ajv2020().compile(postedJsonSchema());
    for (const character of ['a', 'é', '€', '😀']) {
      const text = character.repeat(TEXT_CHARACTERS_MAX);
      expect(problemsOf({ ...POSTED, text })).toEqual([]);
      expect(validate({ ...POSTED, text })).toBe(true);
      expect(problemsOf({ ...POSTED, text: `${text}a` })).toEqual(['text too-long']);
      expect(validate({ ...POSTED, text: `${text}a` })).toBe(false);
    }
  });

  it('may be without a text only where it withdraws, and is not older than its patient', () => {
    expect(problemsOf({ ...POSTED, text: ' ' })).toEqual(['text not-as-expected']);
    expect(problemsOf({ ...POSTED, text: '', earlier: { ...EARLIER, change: 'withdrawal' } })).toEqual([]);
    const patient = { ...POSTED.patient, birthDate: '2026-11-26' };
    expect(problemsOf({ ...POSTED, patient })).toEqual(['patient.birthDate not-as-expected']);
  });
});

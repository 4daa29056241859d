/**
 * The shape of a registration, once: its type, its check and the JSON Schema that an HTTP route publishes all come from
 * here. What a JSON Schema cannot say (the 11-test, dates of the calendar) is checked by validateRegistration alone.
 */

import { z } from 'zod';
import { passesElevenTest } from '../shared/scrub.ts';
import { EXPECTED, type FieldName } from './expected.ts';
import { isBirthDate, isMoment } from './moments.ts';
import type { Problem, RegistrationRefused } from './registration.ts';

/** Characters of one text: more than anybody writes on a card, and at most PARTS_MAX messages whatever stands in it. */
export const TEXT_CHARACTERS_MAX = 10_000;
/** A control reference, UNB.5 and UNH.1 (an..14): capitals and digits, which every receiver keeps as they are. */
export const REFERENCE_PATTERN = /^[A-Z0-9]{1,14}$/;
/** GGA.2 and .3 are an..70; nothing in one line needs more. */
export const FIELD_CHARACTERS_MAX = 70;
/** As many as an earlier registration can have had parts. */
const REFERENCES_MAX = 99;

const field = <Schema extends z.ZodType>(name: FieldName, schema: Schema): Schema =>
  schema.describe(EXPECTED[name].en) as Schema;
// Characters are code points, as JSON Schema counts them and as the places of refused ones do: `.max` counts UTF-16 units.
const upTo = (charactersMax: number) =>
  z
    .string()
    .check((context) => {
      if (context.value.length <= charactersMax || [...context.value].length <= charactersMax) return;
      const { value: input } = context;
      context.issues.push({ code: 'too_big', origin: 'string', maximum: charactersMax, input });
    })
    .meta({ maxLength: charactersMax });
const line = (charactersMax = FIELD_CHARACTERS_MAX) => upTo(charactersMax).regex(/\S/);
const optionalLine = () => line().nullable().default(null);
const moment = () =>
  z
    .string()
    .regex(/^20\d\d-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/)
    .refine(isMoment);

const practice = z.strictObject({
  agb: field('practice.agb', z.string().regex(/^\d{8}$/)),
  name: field('practice.name', line()),
  account: field('practice.account', z.string().regex(/^\d{8,10}$/)),
});

const patientName = z.strictObject({
  family: field('patient.name.family', line()),
  prefix: field('patient.name.prefix', optionalLine()),
  partnerFamily: field('patient.name.partnerFamily', optionalLine()),
  partnerPrefix: field('patient.name.partnerPrefix', optionalLine()),
  given: field('patient.name.given', optionalLine()),
  initials: field('patient.name.initials', optionalLine()),
});

const patient = z.strictObject({
  bsn: field(
    'patient.bsn',
    z
      .string()
      .regex(/^\d{9}$/)
      .refine(passesElevenTest),
  ),
  birthDate: field(
    'patient.birthDate',
    z
      .string()
      .regex(/^\d{4}(-\d\d(-\d\d)?)?$/)
      .refine(isBirthDate),
  ),
  sex: field('patient.sex', z.enum(['male', 'female'])),
  name: field('patient.name', patientName),
});

const earlier = z.strictObject({
  change: field('earlier.change', z.enum(['correction', 'withdrawal'])),
  writtenAt: field('earlier.writtenAt', moment()),
  references: field('earlier.references', z.array(z.string().regex(REFERENCE_PATTERN)).min(1).max(REFERENCES_MAX)),
});

/** As it comes in; colleagues may omit or extend parts of it. */
export const registrationSchema = z.strictObject({
  practice: field('practice', practice),
  patient: field('patient', patient),
  author: field('author', z.strictObject({ name: field('author.name', line()), role: field('author.role', line()) })),
  source: field(
    'source',
    z.strictObject({ kind: field('source.kind', z.enum(['card', 'board'])), field: field('source.field', line()) }),
  ),
  writtenAt: field('writtenAt', moment()),
  text: field('text', upTo(TEXT_CHARACTERS_MAX)),
  earlier: field('earlier', earlier.nullable().default(null)),
});

export type Registration = z.output<typeof registrationSchema>;

/** JSON Schema draft 7, as Fastify takes it. */
export function registrationJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(registrationSchema, { target: 'draft-7', io: 'input' }) as Record<string, unknown>;
}

/** Everything that is wrong with its shape, at once. What cannot be written of it, planMedvri says. */
export function validateRegistration(
  input: unknown,
): { readonly kind: 'valid'; readonly registration: Registration } | RegistrationRefused {
  const parsed = registrationSchema.safeParse(input);
  if (!parsed.success) return { kind: 'refused', problems: problemsOf(parsed.error, input) };
  const registration = parsed.data;
  const problems = acrossFields(registration);
  return problems.length > 0 ? { kind: 'refused', problems } : { kind: 'valid', registration };
}

function acrossFields(registration: Registration): readonly Problem[] {
  const { earlier, writtenAt } = registration;
  return [
    ...contradictions(registration),
    ...(earlier !== null && new Date(earlier.writtenAt) > new Date(writtenAt)
      ? [problem('earlier.writtenAt', 'registration.not-as-expected')]
      : []),
  ];
}

/** What two fields say of each other. A withdrawal may say no more than that; anything else without a text says nothing. */
export function contradictions({
  text,
  earlier,
  patient,
  writtenAt,
}: Pick<Registration, 'text' | 'patient' | 'writtenAt'> & {
  readonly earlier: Pick<NonNullable<Registration['earlier']>, 'change'> | null;
}): readonly Problem[] {
  const isEmptyAllowed = earlier?.change === 'withdrawal';
  return [
    ...(text.trim() === '' && !isEmptyAllowed ? [problem('text', 'registration.not-as-expected')] : []),
    ...(patient.birthDate > writtenAt.slice(0, patient.birthDate.length)
      ? [problem('patient.birthDate', 'registration.not-as-expected')]
      : []),
  ];
}

/** Everything that a schema of this shape found wrong with an input, each field once. */
export function problemsOf({ issues }: z.ZodError, input: unknown): readonly Problem[] {
  return onceEach(issues.flatMap((one) => asProblems(one, input)));
}

function asProblems(issue: z.core.$ZodIssue, input: unknown): Problem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => problem(nameOf([...path, key]), 'registration.unknown-field'));
  }
  const name = path.join('.');
  if (issue.code === 'too_big' && issue.origin === 'string') return [problem(name, 'registration.too-long')];
  const isMissing = valueAt(input, path) === undefined;
  return [problem(name, isMissing ? 'registration.missing' : 'registration.not-as-expected')];
}

// A field may fail its form and its sum: that is one thing to say of it.
function onceEach(problems: readonly Problem[]): readonly Problem[] {
  const key = ({ field: name, code }: Problem) => `${code} ${name}`;
  return problems.filter((one, index) => problems.findIndex((other) => key(other) === key(one)) === index);
}

// A name that we did not give may hold anything, so only what looks like a name is repeated.
function nameOf(path: readonly string[]): string {
  return path.map((part) => (/^[A-Za-z][A-Za-z0-9_-]{0,39}$/.test(part) ? part : '?')).join('.');
}

function valueAt(input: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[part] : undefined,
    input,
  );
}

/** A problem of a field as a whole, in that field's own words. */
export function problem(name: string, code: Problem['code']): Problem {
  if (code === 'registration.unknown-field') {
    return { field: name, code, expected: { nl: 'dit veld bestaat niet', en: 'there is no such field' }, place: null };
  }
  return {
    field: name,
    code,
    expected: EXPECTED[name.replace(/\.\d+$/, '') as FieldName] ?? EXPECTED[''],
    place: null,
  };
}

/**
 * What a source system posts: a registration, less what the ledger knows better. Which HIS a practice has stands there under
 * its AGB code, and which control references an earlier registration got under the id that the source got for it.
 */

import { z } from 'zod';
import type { Problem, RegistrationRefused, Words } from './registration.ts';
import { contradictions, problemsOf, registrationSchema } from './schema.ts';

const REGISTRATION_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Where a posted field is another than a registration's: all others have the words of expected.ts. */
const EXPECTED: Readonly<Record<'practice' | 'earlier' | 'earlier.registration', Words>> = {
  practice: { nl: 'de praktijk: agb', en: 'the practice: agb' },
  earlier: {
    nl: 'null, of de eerdere registratie: change, registration',
    en: 'null, or the earlier registration: change, registration',
  },
  'earlier.registration': {
    nl: 'het id van de eerdere registratie, zoals het antwoord daarop het gaf',
    en: 'the id of the earlier registration, as the answer to it gave it',
  },
};

const { practice, earlier } = registrationSchema.shape;

/** From registrationSchema, so that both stay one shape. */
const postedSchema = registrationSchema.extend({
  practice: practice.pick({ agb: true }).describe(EXPECTED.practice.en),
  earlier: z
    .strictObject({
      change: earlier.unwrap().unwrap().shape.change,
      registration: z.string().regex(REGISTRATION_ID).describe(EXPECTED['earlier.registration'].en),
    })
    .nullable()
    .default(null)
    .describe(EXPECTED.earlier.en),
});

export type PostedRegistration = z.output<typeof postedSchema>;

/** Everything that is wrong with its shape, at once. What cannot be written of it, planMedvri says once the HIS is known. */
export function validatePosted(
  input: unknown,
): { readonly kind: 'valid'; readonly posted: PostedRegistration } | RegistrationRefused {
  const parsed = postedSchema.safeParse(input);
  const problems = parsed.success ? contradictions(parsed.data) : problemsOf(parsed.error, input);
  if (parsed.success && problems.length === 0) return { kind: 'valid', posted: parsed.data };
  return { kind: 'refused', problems: problems.map(inOwnWords) };
}

function inOwnWords(problem: Problem): Problem {
  const own = EXPECTED[problem.field as keyof typeof EXPECTED];
  return own === undefined || problem.code === 'registration.unknown-field' ? problem : { ...problem, expected: own };
}

/** JSON Schema draft 2020-12, which is what OpenAPI 3.1 speaks. */
export function postedJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(postedSchema, { target: 'draft-2020-12', io: 'input' }) as Record<string, unknown>;
}

/** Every answer that is not what was asked for, as a problem document (RFC 9457): a list, so that each is documented. */

import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import type { Problem } from '../registration/registration.ts';

/** Each code has one status and one sentence; neither ever says anything of what was sent. */
export const PROBLEMS = {
  'api.malformed': [400, 'The body must be one JSON document in UTF-8.'],
  'api.idempotency-key': [
    400,
    'The header Idempotency-Key must hold one UUID, the same for every try of one registration.',
  ],
  'api.bad-request': [400, 'This is not a request that can be answered.'],
  'api.no-assertion': [401, 'Sign every request: Authorization: Bearer, and an assertion (JWT) made for it.'],
  'api.assertion-refused': [401, 'The assertion is not one of a key that is good here.'],
  'api.assertion-claims': [
    401,
    'iss and sub must be the name of the source, aud this intake alone, jti 16 to 128 characters.',
  ],
  'api.assertion-time': [401, 'exp must be in the future, by at most five minutes; iat must not be.'],
  'api.assertion-used': [401, 'An assertion is good once: make a new one for every request, also for a repeated one.'],
  'api.not-enabled': [403, 'Registrations are not taken for this practice.'],
  'api.not-found': [404, 'There is nothing here, or it is not yours to ask for.'],
  'api.key-reused': [409, 'This Idempotency-Key was used for another registration.'],
  'api.too-large': [413, 'The body is larger than any registration can be.'],
  'api.media-type': [415, 'The body must be application/json in UTF-8, not compressed.'],
  'api.refused': [422, 'The registration is not as expected: see problems.'],
  'api.too-many': [429, 'Too many requests: ask again after the seconds that Retry-After names.'],
  'api.unexpected': [500, 'Something went wrong here. Try again later, with the same Idempotency-Key.'],
  'api.unavailable': [
    503,
    'The ledger cannot be reached: nothing was promised. Try again, with the same Idempotency-Key.',
  ],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;

export type ProblemName = keyof typeof PROBLEMS;
export const PROBLEM_NAMES = Object.keys(PROBLEMS) as readonly ProblemName[];

const words = z.strictObject({ nl: z.string(), en: z.string() });
const place = z.strictObject({
  character: z.int().min(1).describe('in code points, from 1'),
  line: z.int().min(1),
  column: z.int().min(1),
  codePoint: z.string().regex(/^U\+[0-9A-F]{4,6}$/),
  times: z.int().min(1).describe('how often this character stands in the field; the place is that of the first'),
});
const fieldProblem = z.strictObject({
  field: z.string().describe('from the registration, such as patient.bsn; empty for the whole'),
  code: z.enum([
    'registration.missing',
    'registration.unknown-field',
    'registration.not-as-expected',
    'registration.too-long',
    'registration.character',
  ] satisfies Problem['code'][]),
  expected: words.describe(
    'what is expected or, for a character, what to do; for the author (nl) and for developers (en)',
  ),
  place: place.nullable().describe('of a character that cannot be sent'),
});

export const problemSchema = z.strictObject({
  type: z.literal('about:blank'),
  title: z.string(),
  status: z.int(),
  code: z.enum(PROBLEM_NAMES as [ProblemName, ...ProblemName[]]),
  detail: z.string(),
});
export const refusedSchema = problemSchema.extend({ problems: z.array(fieldProblem).min(1) });

export type ProblemDocument = z.output<typeof problemSchema> & { readonly problems?: readonly Problem[] };

export function problemDocument(code: ProblemName, problems?: readonly Problem[]): ProblemDocument {
  const [status, detail] = PROBLEMS[code];
  const document = { type: 'about:blank', title: STATUS_CODES[status] ?? '', status, code, detail } as const;
  return problems === undefined ? document : { ...document, problems };
}

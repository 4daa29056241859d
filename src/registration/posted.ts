/** What a source system posts: a registration, less what the ledger knows better (the practice's HIS, earlier references). */

import { z } from 'zod';
import type { RegistrationRefused } from './registration.ts';
import { problem, registrationSchema } from './schema.ts';

const { practice, earlier } = registrationSchema.shape;

const postedSchema = registrationSchema.extend({
  practice: practice.pick({ agb: true }),
  earlier: z
    .strictObject({ change: earlier.unwrap().unwrap().shape.change, registration: z.uuid() })
    .nullable()
    .default(null),
});

export type PostedRegistration = z.output<typeof postedSchema>;

/** What is wrong with its shape. What cannot be written of it, planMedvri says once the HIS is known. */
export function validatePosted(
  input: unknown,
): { readonly kind: 'valid'; readonly posted: PostedRegistration } | RegistrationRefused {
  const parsed = postedSchema.safeParse(input);
  if (parsed.success) return { kind: 'valid', posted: parsed.data };
  const fields = parsed.error.issues.map(({ path }) => path.map(String).join('.'));
  return {
    kind: 'refused',
    problems: fields.map((field) => problem(field, 'registration.not-as-expected')),
  };
}

export function postedJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(postedSchema, { target: 'draft-2020-12', io: 'input' }) as Record<string, unknown>;
}

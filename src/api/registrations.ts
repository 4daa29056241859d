/** What a source may know of a registration that it posted: how far it is, and under which references its HIS got it. */

import { z } from 'zod';
import type { RegistrationView } from '../records/records.ts';
import { REASONS } from '../shared/reasons.ts';

const STATES = ['accepted', 'queued', 'sent', 'delivered', 'bounced', 'held', 'shadowed', 'discarded'] as const;
const PART_STATES = ['queued', 'sent', 'delivered', 'bounced', 'superseded'] as const;

const moment = () => z.string().meta({ format: 'date-time' });

export const registrationAnswerSchema = z.strictObject({
  id: z.string().meta({ format: 'uuid' }),
  state: z
    .enum(STATES)
    .describe(
      'accepted → queued → sent → delivered or bounced (a late bounce may still turn delivered into bounced); held: a person decides; shadowed: kept, not sent; discarded: a person decided against it',
    ),
  reason: z
    .strictObject({ code: z.string(), nl: z.string(), en: z.string() })
    .nullable()
    .describe('why it is held, bounced or discarded'),
  createdAt: moment(),
  sentAt: moment().nullable().describe('when the relay had taken its last part'),
  settledAt: moment().nullable(),
  parts: z
    .array(
      z.strictObject({
        part: z.int().min(1),
        parts: z.int().min(1),
        controlReference: z.string().describe('under which the HIS knows it'),
        state: z.enum(PART_STATES),
      }),
    )
    .describe('the messages that it became; empty until it is queued'),
});

export type RegistrationAnswer = z.output<typeof registrationAnswerSchema>;

export function registrationAnswer(view: RegistrationView): RegistrationAnswer {
  return {
    id: view.id,
    state: shown(view.state, STATES),
    reason: reasonOf(view.reason),
    createdAt: view.createdAt.toISOString(),
    sentAt: view.sentAt?.toISOString() ?? null,
    settledAt: view.settledAt?.toISOString() ?? null,
    parts: view.parts.map(({ part, parts, controlReference, state }) => ({
      part,
      parts,
      controlReference,
      state: shown(state, PART_STATES),
    })),
  };
}

// That a mail is on its way, or that nobody answered for it yet, is our concern: to the source it waits.
function shown<State extends string>(state: string, states: readonly State[]): State | 'queued' {
  return states.find((each) => each === state) ?? 'queued';
}

function reasonOf(code: string | null): RegistrationAnswer['reason'] {
  if (code === null) return null;
  const words: { readonly nl: string; readonly en: string } | undefined = Object.entries(REASONS).find(
    ([name]) => name === code,
  )?.[1];
  return { code, nl: words?.nl ?? code, en: words?.en ?? code };
}

/** The part of `status` about registrations: per practice and state, and what waits for a person. */

import { REGISTRATION_STATES, type RegistrationState } from '../ledger/ledger.ts';
import type { RegistrationCounts } from '../records/records.ts';
import { type Language, say, table } from './io.ts';

export const STATE_WORDS: Readonly<Record<RegistrationState, string>> = {
  accepted: 'aangenomen',
  queued: 'in de rij',
  sending: 'onderweg',
  uncertain: 'onzeker',
  sent: 'verstuurd',
  delivered: 'bezorgd',
  bounced: 'teruggekomen',
  held: 'vastgehouden',
  shadowed: 'schaduw',
  discarded: 'afgewezen',
};
export const STATES = Object.keys(REGISTRATION_STATES) as readonly RegistrationState[];

/** Nothing where there is none: most installations send no registrations. */
export function registrationLines(counts: readonly RegistrationCounts[], language: Language): readonly string[] {
  if (counts.length === 0) return [];
  const heading = [
    say({ language }, { nl: 'registraties', en: 'registrations' }),
    ...STATES.map((state) => (language === 'nl' ? STATE_WORDS[state] : state)),
  ];
  const rows = counts.map(({ practiceAgb, states }) => [
    practiceAgb,
    ...STATES.map((state) => String(states[state] ?? 0)),
  ]);
  const attention = counts.reduce((sum, each) => sum + each.attention, 0);
  const asked = say(
    { language },
    {
      nl: `${attention} registraties wachten op een besluit: zorgkoerier registration list --attention`,
      en: `${attention} registrations wait for a decision: zorgkoerier registration list --attention`,
    },
  );
  return ['', table([heading, ...rows]), ...(attention === 0 ? [] : [asked])];
}

/** `zorgkoerier registration retry|discard`: a person's decision on what is held or came back. */

import { compose } from '../compose.ts';
import {
  discardRegistration,
  type RegistrationDecision,
  type RegistrationRetry,
  retryRegistration,
} from '../pipeline/pipeline.ts';
import { DISCARD_ASKED, explain } from './decision-words.ts';
import { configOf, type Io, say } from './io.ts';
import { withOffice } from './office.ts';

const RETRIED = {
  nl: 'Gaat opnieuw: dezelfde mails, behalve wat al is aangekomen.',
  en: 'Goes again: the same mails, but for what was taken.',
};
const RETRIED_ANEW = {
  nl: 'Wordt opnieuw gemaakt en verstuurd, onder nieuwe kenmerken. Wat het HIS van de eerdere mails al heeft, blijft daar staan.',
  en: 'Is rendered and sent anew, under new control references. What the HIS has of the former mails stays there.',
};

export async function runRegistrationRetry(io: Io, id: string, wish: RegistrationRetry): Promise<number> {
  const config = configOf(io);
  const { courier, release } = await compose(config);
  try {
    await retryRegistration(courier, id, wish).catch((thrown) => explain(config, thrown));
    io.out(say(config, wish.anew ? RETRIED_ANEW : RETRIED));
    return 0;
  } finally {
    await release();
  }
}

const DISCARDED = {
  nl: 'Afgewezen: dit gaat niet naar het HIS, en de tekst is gewist. Laat de auteur het weten.',
  en: 'Discarded: it goes to no HIS, and its text is erased. Tell its author.',
};

export async function runRegistrationDiscard(io: Io, id: string, decision: RegistrationDecision): Promise<number> {
  return withOffice(io, async (office, config) => {
    const { kind } = await discardRegistration(office, id, decision).catch((thrown) => explain(config, thrown));
    io.out(say(config, kind === 'asked' ? DISCARD_ASKED : DISCARDED));
    // Asked is not done: it still waits, for a second person.
    return kind === 'asked' ? 3 : 0;
  });
}

/** What Customer Care is told of decisions, on mail and on registrations: why one is refused, and who is asked. */

import type { Alarm } from '../alarms/alarms.ts';
import type { Config } from '../config/config.ts';
import { HOLD_ALARMS } from '../pipeline/pipeline.ts';
import { asFailure } from '../shared/failure.ts';
import { isReasonCode, reasonOf } from '../shared/reasons.ts';
import { type Language, say, UsageError, type Words } from './io.ts';

export const OWNERS: Readonly<Record<string, string>> = { practice: 'praktijk', laboratory: 'laboratorium', us: 'wij' };

export const DISCARD_ASKED = {
  nl: 'Genoteerd, nog niet afgewezen: dit wacht langer dan 90 dagen, en dan beslissen twee personen. Een ander bevestigt het met dezelfde opdracht.',
  en: 'Noted, not discarded yet: this has waited for more than 90 days, and then two persons decide. Another confirms it with the same command.',
};

export function wishText(askedBy: string | null, language: Language): string[] {
  if (askedBy === null) return [];
  const words = { nl: `Afwijzen gevraagd door ${askedBy}.`, en: `Discard asked by ${askedBy}.` };
  return [words[language]];
}

export type Alarmed = 'owner' | 'customer-care';
export const ALARMED: Readonly<Record<Alarmed, Words>> = {
  owner: { nl: 'wie aan zet is', en: 'owner' },
  'customer-care': { nl: 'Customer Care', en: 'Customer Care' },
};

/** Who was alarmed about what waits under this id. */
export function alarmedAbout(objectId: string, alarms: readonly Alarm[]): readonly Alarmed[] {
  const kinds = alarms.filter((alarm) => alarm.objectId === objectId).map(({ kind }) => kind);
  const alarmed = HOLD_ALARMS.filter(({ kind }) => kinds.includes(kind));
  return alarmed.map(({ kind }) => (kind === 'hold.owner' ? 'owner' : 'customer-care'));
}

const REFUSALS: Readonly<Record<string, Words>> = {
  'decision.not-found': {
    nl: 'Onder dit nummer wacht niets (meer) op een besluit.',
    en: 'Nothing waits for a decision under this id (any more).',
  },
  'decision.not-allowed': {
    nl: 'Dit kan bij deze reden niet; `held show` of `registration show` noemt wat wel kan.',
    en: 'Its reason does not allow this; `held show` or `registration show` names what may be done.',
  },
  'decision.switched-off': {
    nl: 'Registraties staan voor deze praktijk uit: opnieuw versturen kan pas na `zorgkoerier practice enable AGB registrations`. Afwijzen kan wel.',
    en: 'Registrations are disabled for this practice: retry after `zorgkoerier practice enable AGB registrations`. It can be discarded.',
  },
  'decision.receiver-changed': {
    nl: 'Het ZorgMail-account of de vorm van de praktijk is sindsdien veranderd, dus dezelfde mails versturen kan niet. Vraag wat de praktijk ontving, en verstuur opnieuw met --anew.',
    en: 'The practice’s account or form has changed since, so the same mails cannot go. Ask what arrived, then retry with --anew.',
  },
  'decision.corrected-since': {
    nl: 'Een correctie of intrekking van deze registratie is al verstuurd; de oude tekst zou er nu achteraan komen. Wijs deze af, of laat de auteur opnieuw schrijven.',
    en: 'A correction or withdrawal of it went already, and the old text would now come after it. Discard this one, or have the author write again.',
  },
  'decision.nothing-to-send': {
    nl: 'Er is niets meer om te versturen: elk deel is aangenomen, of de inhoud is gewist (zie registration show). Staat de tekst er nog, dan kan het met --anew; wijs het anders af.',
    en: 'Nothing is left to send: every part was taken, or its content is erased (see registration show). Where the text is there, --anew works; else discard.',
  },
  'decision.sender-missing': {
    nl: 'Vrijgeven kan niet: het bericht noemt geen afzender, dus er is geen laboratorium om in orde te bevinden. Vraag het laboratorium zijn ZorgMail-account of naam mee te sturen, en wijs dit bericht af.',
    en: 'It cannot be released: the report names no sender, so there is no laboratory to accept. Ask the laboratory to send its account or name, and discard this one.',
  },
  'decision.first-card-unclear': {
    nl: 'Intrekken kan niet: er is niet precies één eerste kaart bekend (zie held show). Trek de uitslagen in cKIS met de hand in en geef daarna vrij met --number-reused.',
    en: 'It cannot be retracted: not exactly one first card is known (see held show). Retract in cKIS by hand, then release with --number-reused.',
  },
  'decision.reason-bsn': {
    nl: 'De reden bevat een getal dat een BSN kan zijn. De reden blijft jaren bewaard en kan niet worden gewist: schrijf hem zonder.',
    en: 'The reason has a number in it that may be a BSN. A reason is kept for years and cannot be erased: write it without.',
  },
  'decision.same-person': {
    nl: 'Dit wacht langer dan 90 dagen: afwijzen doen twee personen. U vroeg het al; iemand anders moet het bevestigen.',
    en: 'This has waited for more than 90 days: a discard needs two persons. You have asked already; somebody else must confirm it.',
  },
  'decision.card-invalid': {
    nl: 'Dit is geen kaartnummer van cKIS (Patient-id), of het lijkt op een BSN. Is het echt een kaartnummer, schrijf dan Patient/nummer.',
    en: 'This is no card id of cKIS (Patient id), or it looks like a BSN. If it is an id after all, write Patient/id.',
  },
};

/** Throws it again, with what to do where the code alone would not say it; the code stays in it, for who looks it up. */
export function explain(config: Config, thrown: unknown): never {
  const { code, fields } = asFailure(thrown);
  const reason = String(fields['reason'] ?? '');
  if (code === 'decision.not-allowed' && isReasonCode(reason))
    throw new UsageError(`${code} (${reason}): ${reasonOf(reason)[config.language]}`);
  const words = REFUSALS[code];
  throw words === undefined ? thrown : new UsageError(`${code}: ${say(config, words)}`);
}

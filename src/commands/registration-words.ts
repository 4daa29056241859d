/** One registration as `registration show` prints it: what it is, its mails, what came back, and where asked for the text. */

import type { RegistrationAction } from '../pipeline/pipeline.ts';
import type { ShownPart } from '../records/records.ts';
import type { PostedRegistration } from '../registration/registration.ts';
import { OWNERS, wishText } from './decision-words.ts';
import { type Language, table, type Words } from './io.ts';
import type { RegistrationFacts } from './registration.ts';
import { printable } from './show-table.ts';
import { STATE_WORDS } from './status-registrations.ts';

/** `2026-11-25 10:15`, as in every list. */
export function minuteOf(iso: string): string {
  return iso.slice(0, 16).replace('T', ' ');
}

export function shownRegistration(
  facts: RegistrationFacts,
  content: PostedRegistration | null,
  language: Language,
): string {
  const { mails } = facts;
  const receipts = mails.flatMap((mail) => mail.receipts.map((receipt) => ({ mail, receipt })));
  return [
    table(factsOf(facts, language)),
    ...(facts.text === null ? [] : ['', facts.text, ...wishText(facts.discardAskedBy, language)]),
    ...(facts.actions.length === 0 ? [] : ['', ...actionLines(facts, language)]),
    ...(mails.length === 0
      ? []
      : ['', table([PART_HEADING[language], ...mails.map((mail) => partRow(mail, language))])]),
    ...(receipts.length === 0
      ? []
      : [
          '',
          table([
            RECEIPT_HEADING[language],
            ...receipts.map(({ mail, receipt }) => [
              mail.controlReference,
              wordOf(KINDS, receipt.kind, language),
              receipt.status ?? '-',
              minuteOf(receipt.at.toISOString()),
              receipt.isSetAside ? SET_ASIDE[language] : '',
            ]),
          ]),
        ]),
    ...(content === null ? [] : ['', ...contentLines(content, language)]),
  ].join('\n');
}

const LABELS = {
  id: { nl: 'nummer', en: 'id' },
  practice: { nl: 'praktijk', en: 'practice' },
  source: { nl: 'bron', en: 'source' },
  state: { nl: 'staat', en: 'state' },
  reason: { nl: 'reden', en: 'reason' },
  detail: { nl: 'bijzonderheid', en: 'detail' },
  owner: { nl: 'aan zet', en: 'owner' },
  earlier: { nl: 'wijzigt registratie', en: 'changes registration' },
  acceptedAt: { nl: 'aangenomen', en: 'accepted' },
  sentAt: { nl: 'verstuurd', en: 'sent' },
  settledAt: { nl: 'afgerond', en: 'settled' },
  text: { nl: 'tekst', en: 'text' },
} as const satisfies Readonly<Record<string, Words>>;

const ORIGINS: Readonly<Record<string, Words>> = {
  card: { nl: 'kaart', en: 'card' },
  board: { nl: 'board', en: 'board' },
};
const PARKED: Words = { nl: 'wacht op de praktijk, die gepauzeerd is', en: 'waits for the practice, which is paused' };
const ERASED: Words = { nl: 'gewist', en: 'erased' };
const KEPT: Words = { nl: 'bewaard', en: 'kept' };

function factsOf(facts: RegistrationFacts, language: Language): readonly (readonly string[])[] {
  const line = (label: keyof typeof LABELS, value: string | null) => [LABELS[label][language], value ?? '-'];
  const moment = (iso: string | null) => (iso === null ? null : minuteOf(iso));
  const state = language === 'nl' ? STATE_WORDS[facts.state] : facts.state;
  const owner = language === 'nl' && facts.owner !== null ? (OWNERS[facts.owner] ?? facts.owner) : facts.owner;
  return [
    line('id', facts.id),
    line('practice', facts.practiceAgb),
    line('source', `${facts.source} (${wordOf(ORIGINS, facts.origin, language)})`),
    line('state', facts.isParked ? `${state} (${PARKED[language]})` : state),
    line('reason', facts.reason),
    line('detail', facts.detail),
    line('owner', owner),
    ...(facts.earlier === null ? [] : [line('earlier', facts.earlier)]),
    line('acceptedAt', moment(facts.acceptedAt)),
    line('sentAt', moment(facts.sentAt)),
    line('settledAt', moment(facts.settledAt)),
    line('text', (facts.isErased ? ERASED : KEPT)[language]),
  ];
}

const ACTIONS: Readonly<Record<RegistrationAction, { readonly command: string; readonly says: Words }>> = {
  retry: {
    command: 'registration retry ID --reason …',
    says: { nl: 'opnieuw versturen: dezelfde mails', en: 'send again: the same mails' },
  },
  'retry-anew': {
    command: 'registration retry ID --anew --reason …',
    says: {
      nl: 'opnieuw maken en versturen, met nieuwe kenmerken',
      en: 'render and send anew, new control references',
    },
  },
  discard: {
    command: 'registration discard ID --reason …',
    says: { nl: 'afwijzen: niet versturen, tekst wissen', en: 'discard: not sent, text erased' },
  },
};
const TWO_PERSONS: Words = { nl: ' (door twee personen)', en: ' (by two persons)' };

function actionLines({ id, actions, needsTwoToDiscard }: RegistrationFacts, language: Language): readonly string[] {
  const rows = actions.map((action) => {
    const { command, says } = ACTIONS[action];
    const byTwo = action === 'discard' && needsTwoToDiscard ? TWO_PERSONS[language] : '';
    return [command.replace('ID', id), `${says[language]}${byTwo}`];
  });
  return table(rows).split('\n');
}

const PART_HEADING: Readonly<Record<Language, readonly string[]>> = {
  nl: ['deel', 'kenmerk', 'aan', 'staat', 'antwoord', 'code', 'verstuurd'],
  en: ['part', 'reference', 'to', 'state', 'reply', 'code', 'sent'],
};
const RECEIPT_HEADING: Readonly<Record<Language, readonly string[]>> = {
  nl: ['kenmerk', 'ontvangst', 'code', 'gelezen', ''],
  en: ['reference', 'receipt', 'code', 'read', ''],
};
const SET_ASIDE: Words = { nl: 'over een eerdere poging', en: 'about an earlier try' };
const MAIL_STATES: Readonly<Record<string, Words>> = {
  queued: { nl: 'in de rij', en: 'queued' },
  uncertain: { nl: 'onzeker', en: 'uncertain' },
  sent: { nl: 'verstuurd', en: 'sent' },
  delivered: { nl: 'bezorgd', en: 'delivered' },
  bounced: { nl: 'teruggekomen', en: 'bounced' },
  superseded: { nl: 'vervangen', en: 'superseded' },
};
const KINDS: Readonly<Record<string, Words>> = {
  delivered: { nl: 'bezorgd', en: 'delivered' },
  failed: { nl: 'niet bezorgd', en: 'failed' },
  delayed: { nl: 'vertraagd', en: 'delayed' },
  relayed: { nl: 'doorgegeven', en: 'relayed' },
  displayed: { nl: 'gelezen', en: 'displayed' },
  acknowledged: { nl: 'bevestigd door het HIS', en: 'acknowledged by the HIS' },
  rejected: { nl: 'geweigerd door het HIS', en: 'rejected by the HIS' },
  seen: { nl: 'gezien in de mailbox', en: 'seen in the mailbox' },
};

function partRow(mail: ShownPart, language: Language): readonly string[] {
  return [
    mail.rendering === 1 ? String(mail.part) : `${mail.part} (${mail.rendering})`,
    mail.controlReference,
    mail.recipient,
    wordOf(MAIL_STATES, mail.state, language),
    mail.reply === null ? '-' : String(mail.reply),
    mail.status ?? '-',
    mail.sentAt === null ? '-' : minuteOf(mail.sentAt.toISOString()),
  ];
}

function wordOf(words: Readonly<Record<string, Words>>, name: string, language: Language): string {
  return words[name]?.[language] ?? name;
}

const CONTENT = {
  patient: { nl: 'Patiënt', en: 'Patient' },
  born: { nl: 'geboren', en: 'born' },
  author: { nl: 'Auteur', en: 'Author' },
  field: { nl: 'Veld', en: 'Field' },
  written: { nl: 'Geschreven', en: 'Written' },
  correction: { nl: 'correctie van', en: 'corrects' },
  withdrawal: { nl: 'intrekking van', en: 'withdraws' },
} as const satisfies Readonly<Record<string, Words>>;

function contentLines({ patient, author, source, writtenAt, text, earlier }: PostedRegistration, language: Language) {
  const { family, prefix, partnerFamily, partnerPrefix, given, initials } = patient.name;
  const own = [prefix, family].filter((part) => part !== null).join(' ');
  const partner = [partnerPrefix, partnerFamily].filter((part) => part !== null).join(' ');
  const name = [partner === '' ? own : `${partner} - ${own}`, initials, given === null ? null : `(${given})`];
  const said = (label: keyof typeof CONTENT) => CONTENT[label][language];
  return [
    ...table([
      [
        said('patient'),
        `${name.filter((part) => part !== null).join(' ')} · ${said('born')} ${patient.birthDate} · BSN ${patient.bsn}`,
      ],
      [said('author'), `${author.name} (${author.role})`],
      [said('field'), source.field],
      [said('written'), writtenAt],
      ...(earlier === null ? [] : [['', `${said(earlier.change)} ${earlier.registration}`]]),
    ])
      .split('\n')
      .map(printable),
    '',
    ...text.split(/\r\n|[\n\r]/).map(printable),
  ];
}

/** docs/runbook.md: every reason of src/shared/reasons.ts, in Dutch for Customer Care and in English for developers. */

import {
  REASONS,
  type Reason,
  type ReasonAction,
  type ReasonCode,
  type ReasonOutcome,
  type ReasonOwner,
} from '../../src/shared/reasons.ts';

interface Words {
  readonly nl: string;
  readonly en: string;
}

const OUTCOMES: Readonly<Record<ReasonOutcome, Words>> = {
  held: { nl: 'vastgehouden', en: 'held' },
  quarantined: { nl: 'onbegrepen', en: 'quarantined' },
  settled: { nl: 'afgehandeld', en: 'settled' },
};
const OWNERS: Readonly<Record<ReasonOwner, Words>> = {
  practice: { nl: 'praktijk', en: 'the practice' },
  laboratory: { nl: 'laboratorium', en: 'the laboratory' },
  us: { nl: 'wij', en: 'us' },
};
const ACTIONS: Readonly<Record<ReasonAction, Words>> = {
  release: { nl: 'vrijgeven', en: 'release' },
  acknowledge: { nl: 'bewust vrijgeven', en: 'release knowingly' },
  discard: { nl: 'afwijzen', en: 'discard' },
  override: { nl: 'kaart aanwijzen', en: 'override with a card' },
  'number-reused': { nl: 'nummer hergebruikt', en: 'number reused' },
  'retract-first': { nl: 'eerst intrekken', en: 'retract first' },
  'same-determination': { nl: 'zelfde bepaling', en: 'same determination' },
  retry: { nl: 'opnieuw versturen', en: 'retry' },
};
/** What the first part of a code is about. A new folder of reasons needs its line here. */
const SUBJECTS: Readonly<Record<string, Words>> = {
  mail: { nl: 'De mail', en: 'the mail' },
  edifact: { nl: 'EDIFACT-berichten', en: 'EDIFACT messages' },
  hl7: { nl: 'HL7-berichten', en: 'HL7 messages' },
  lab: { nl: 'Wat het laboratorium bedoelt', en: 'what the laboratory means' },
  card: { nl: 'De patiëntkaart in cKIS', en: 'the patient card in cKIS' },
  board: { nl: 'Het board in cBoards', en: 'the board in cBoards' },
  registration: { nl: 'Vrije tekst naar de huisarts', en: 'free text to the practice’s HIS' },
  practice: { nl: 'De praktijk en haar keuzes', en: 'the practice and its choices' },
  receipt: { nl: 'Wat er op onze mail terugkomt', en: 'what comes back about our mails' },
  queue: { nl: 'De verwerking', en: 'the processing' },
  ledger: { nl: 'Het grootboek', en: 'the ledger' },
};

const INTRODUCTION = `# Draaiboek: wat een reden betekent, en wat te doen

*Runbook: what a reason means and what to do. Each entry is in Dutch first, then in English.*

<!-- Made from src/shared/reasons.ts by \`npm run docs\`: change it there. -->

**Zo werkt het.** \`zorgkoerier held list\` toont wat op een besluit wacht, met nummer en reden; \`zorgkoerier held show NUMMER\`
de bijzonderheden (met \`--content\` ook de uitslag zelf; dat inzien wordt vastgelegd). *How: list, then show; \`--content\` shows
the report itself and is audited.* Registraties, de vrije tekst naar de huisarts, toont \`zorgkoerier registration list --attention\`, en
\`registration show NUMMER\` op dezelfde wijze. *Registrations, free text to the practice’s HIS, are listed and shown by commands of their own.*

| | Nederlands | English |
|---|---|---|
| vastgehouden · held | Wij begrijpen het bericht, maar een mens moet beslissen. | Understood, but a person must decide. |
| onbegrepen · quarantined | Wij begrijpen het bericht niet; het is in zijn geheel bewaard. | Not understood; kept as it came. |
| afgehandeld · settled | Geen besluit gevraagd. | No decision is asked. |
| vrijgeven · release | \`held release NUMMER --reason "…"\`: alle controles worden opnieuw gedaan. | All checks run again. |
| bewust vrijgeven · release knowingly | \`held release NUMMER --reason "…"\`: alleen deze controle wordt overgeslagen, alle andere worden opnieuw gedaan. | This one check is passed over; all others run again. |
| afwijzen · discard | \`held discard NUMMER --reason "…"\`: het gaat niet naar een kaart; de inhoud wordt gewist. | It goes to no card; its content is erased. |
| kaart aanwijzen · override | \`held release NUMMER --override-card PATIËNT-ID --reason "…"\`: alleen nadat de praktijk de kaart heeft bevestigd. Alleen deze twijfel wordt overgeslagen; een ander BSN op de kaart nooit. | Only after the practice confirmed the card. Only this doubt is passed over, another BSN on the card never. |
| nummer hergebruikt · number reused | \`held release NUMMER --number-reused --reason "…"\`: het laboratorium gebruikt het labnummer opnieuw; beide patiënten houden hun uitslag. | The laboratory uses the number anew: both patients keep their results. |
| eerst intrekken · retract first | \`held release NUMMER --retract-first --reason "…"\`: alles onder dit labnummer wordt van de eerste kaart en het board ingetrokken, daarna wordt afgeleverd. | All under the lab number is taken back from the first card and board, then it is delivered. |
| zelfde bepaling · same determination | \`held release NUMMER --same-determination --reason "…"\`: de uitslag komt op de plaats van de eerdere, in de volgorde van het bericht. | The result takes the earlier one’s place, in the order sent. |
| opnieuw versturen · retry | \`registration retry NUMMER --reason "…"\`: dezelfde mails nog eens, behalve wat al is aangekomen; met \`--anew\` opnieuw gemaakt onder nieuwe kenmerken. | The same mails again, but for what was taken; with \`--anew\` rendered anew under new control references. |
| afwijzen van een registratie · discard | \`registration discard NUMMER --reason "…"\`: het gaat niet naar het HIS; de tekst wordt gewist. Laat de auteur het weten. | It goes to no HIS; the text is erased. Tell its author. |

Elk besluit vraagt een reden en wordt vastgelegd met naam. *Every decision needs a reason and is audited by name.*`;

/** The whole page. */
export function runbook(): string {
  const codes = Object.keys(REASONS) as readonly ReasonCode[];
  const bySubject = Map.groupBy(codes, (code) => code.split('.')[0] ?? '');
  const chapters = [...bySubject].map(([subject, members]) => {
    const words = SUBJECTS[subject];
    if (words === undefined) throw new Error(`no words for reasons of ${subject}`);
    return [`## ${words.nl} · ${words.en}`, ...members.map(entry)].join('\n\n');
  });
  return `${[INTRODUCTION, ...chapters].join('\n\n')}\n`;
}

function entry(code: ReasonCode): string {
  const reason: Reason = REASONS[code];
  const line = (language: keyof Words) =>
    [
      OUTCOMES[reason.outcome][language],
      `${language === 'nl' ? 'aan zet' : 'owner'}: ${OWNERS[reason.owner][language]}`,
      ...(reason.actions.length === 0 ? [] : [reason.actions.map((action) => ACTIONS[action][language]).join(', ')]),
    ].join(' · ');
  return [`### ${code}`, `${reason.nl}\\\n${line('nl')}`, `*${reason.en}*\\\n*${line('en')}*`].join('\n\n');
}

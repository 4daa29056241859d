/** docs/alarms.md: every kind of src/alarms/kinds.ts, in Dutch for Customer Care and in English for developers. */

import { ALARM_KINDS, type AlarmKind, type AlarmMeaning, type AlarmOwner } from '../../src/alarms/alarms.ts';

interface Words {
  readonly nl: string;
  readonly en: string;
}

const OWNERS: Readonly<Record<AlarmOwner, Words>> = {
  'customer-care': { nl: 'Customer Care', en: 'Customer Care' },
  operations: { nl: 'beheer', en: 'operations' },
  'hold-owner': { nl: 'wie aan zet is volgens de reden', en: 'whose turn it is, as the reason says' },
};
const LEVELS: Readonly<Record<AlarmMeaning['level'], Words>> = {
  error: { nl: 'nu', en: 'now' },
  warn: { nl: 'in werktijd', en: 'in working hours' },
};
const OBJECTS: Readonly<Record<AlarmMeaning['object'], Words>> = {
  mailbox: { nl: 'per mailbox', en: 'per mailbox' },
  practice: { nl: 'per praktijk', en: 'per practice' },
  delivery: { nl: 'per uitslag', en: 'per result' },
  registration: { nl: 'per registratie', en: 'per registration' },
  stage: { nl: 'per stap of doel', en: 'per step or target' },
  target: { nl: 'per doel', en: 'per target' },
};

const INTRODUCTION = `# Alarmen: wat er aan de hand is, wie het aangaat, en wat te doen

*Alarms: what is the matter, whom it concerns and what to do. Each entry is in Dutch first, then in English.*

<!-- Made from src/alarms/kinds.ts by \`npm run docs\`: change it there. -->

**Zo werkt het.** Een alarm wordt één keer gemeld als het begint (een regel in het log, met de code) en één keer als het voorbij
is. Daartussen staat het in \`zorgkoerier status\`, in \`zorgkoerier alarm list\` en in de metriek \`zorgkoerier_alarms_open\`.
Niemand hoeft een alarm te sluiten: dat gebeurt zodra het niet meer zo is. *An alarm is said once when it begins and once when it
is over; in between it stands in \`status\`, \`alarm list\` and the metric. Nobody closes one: it closes when it is no longer so.*

**Dempen.** \`alarm mute KIND [OBJECT] --until MOMENT --reason "…"\`: tot dat moment wordt er niets gemeld, hoogstens 92 dagen.
Een demping eindigt vanzelf, en wat dan nog openstaat wordt opnieuw gemeld; \`alarm unmute\` eindigt haar eerder. Dempen
wordt vastgelegd met naam en reden. *A mute ends by itself; what is open then is said again. It is audited by name and reason.*`;

/** The whole page. */
export function alarmsPage(): string {
  const entries = (Object.keys(ALARM_KINDS) as readonly AlarmKind[]).map(entry);
  return `${[INTRODUCTION, ...entries].join('\n\n')}\n`;
}

function entry(kind: AlarmKind): string {
  const { owner, level, object, nl, en, doNl, doEn }: AlarmMeaning = ALARM_KINDS[kind];
  const line = (language: keyof Words, calls: string) =>
    `${calls}: ${OWNERS[owner][language]}, ${LEVELS[level][language]} · ${OBJECTS[object][language]}`;
  return [
    `## ${kind}`,
    `${nl}\\\n${doNl}\\\n${line('nl', 'roept')}`,
    `*${en}*\\\n*${doEn}*\\\n*${line('en', 'calls')}*`,
  ].join('\n\n');
}

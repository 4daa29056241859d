/** `zorgkoerier registration list|show`: where free text to a HIS is, and what became of it. Showing content is audited. */

import { type Alarm, openAlarms } from '../alarms/alarms.ts';
import { appendAudit } from '../audit/audit.ts';
import type { Office } from '../compose.ts';
import type { RegistrationState } from '../ledger/ledger.ts';
import { openPosted, type RegistrationAction, registrationActions } from '../pipeline/pipeline.ts';
import {
  heldRegistrationById,
  type ListedRegistration,
  listRegistrations,
  registrationContent,
  registrationShown,
  type ShownRegistration,
} from '../records/records.ts';
import type { PostedRegistration } from '../registration/registration.ts';
import { systemClock } from '../shared/clock.ts';
import { Failure } from '../shared/failure.ts';
import { isReasonCode, reasonOf } from '../shared/reasons.ts';
import { workingDaysBetween } from '../shared/working-days.ts';
import { ALARMED, alarmedAbout, OWNERS, wishText } from './decision-words.ts';
import { type Io, type Language, say, table, UsageError } from './io.ts';
import { requirePractice, withOffice } from './office.ts';
import { minuteOf, shownRegistration } from './registration-words.ts';
import { STATE_WORDS } from './status-registrations.ts';

export interface RegistrationListOptions {
  readonly practice: string | null;
  readonly state: RegistrationState | null;
  readonly attention: boolean;
  readonly json: boolean;
}

export async function runRegistrationList(io: Io, options: RegistrationListOptions): Promise<number> {
  return withOffice(io, async (office, config) => {
    const { state, attention, json } = options;
    const practiceId = options.practice === null ? null : (await requirePractice(office, options.practice)).id;
    const items = await listRegistrations(office.ledger, { practiceId, state, attention });
    const now: Now = { moment: systemClock.now(), alarms: await openAlarms(office.ledger) };
    const rows = items.map((item) => described(item, config.language, now));
    if (json) io.out(JSON.stringify(rows));
    else if (rows.length === 0)
      io.out(
        attention
          ? say(config, { nl: 'Geen registratie wacht op een besluit.', en: 'No registration waits for a decision.' })
          : say(config, { nl: 'Er zijn geen registraties.', en: 'There are no registrations.' }),
      );
    else io.out(listing(rows, config.language));
    return 0;
  });
}

interface Now {
  readonly moment: Date;
  readonly alarms: readonly Alarm[];
}

export type DescribedRegistration = ReturnType<typeof described>;

function described(item: ListedRegistration, language: Language, { moment, alarms }: Now) {
  const reason = item.reason !== null && isReasonCode(item.reason) ? reasonOf(item.reason) : null;
  const isWaiting = item.state === 'held' || item.state === 'bounced';
  const waitsSince = isWaiting ? (item.settledAt ?? item.createdAt) : null;
  return {
    id: item.id,
    practiceAgb: item.practiceAgb,
    source: item.source,
    origin: item.origin,
    state: item.state,
    reason: item.reason,
    detail: item.detail,
    owner: isWaiting ? (reason?.owner ?? 'us') : null,
    text: reason?.[language] ?? item.reason,
    earlier: item.earlierId,
    parts: item.parts,
    isParked: item.isParked,
    acceptedAt: item.createdAt.toISOString(),
    sentAt: item.sentAt?.toISOString() ?? null,
    settledAt: item.settledAt?.toISOString() ?? null,
    workingDays: waitsSince === null ? null : Math.floor(workingDaysBetween(waitsSince, moment)),
    alarmed: alarmedAbout(item.id, alarms),
    discardAskedBy: item.discardAskedBy,
    isErased: item.isErased,
  };
}

const HEADING: Readonly<Record<Language, readonly string[]>> = {
  nl: [
    'nummer',
    'aangenomen',
    'praktijk',
    'bron',
    'staat',
    'delen',
    'werkdagen',
    'gealarmeerd',
    'aan zet',
    'reden',
    '',
  ],
  en: ['id', 'accepted', 'practice', 'source', 'state', 'parts', 'working days', 'alarmed', 'owner', 'reason', ''],
};

function listing(rows: readonly DescribedRegistration[], language: Language): string {
  const owner = (name: string) => (language === 'nl' ? (OWNERS[name] ?? name) : name);
  return table([
    HEADING[language],
    ...rows.map((row) => [
      row.id,
      minuteOf(row.acceptedAt),
      row.practiceAgb,
      row.source,
      language === 'nl' ? STATE_WORDS[row.state] : row.state,
      row.parts === 0 ? '-' : String(row.parts),
      row.workingDays === null ? '-' : String(row.workingDays),
      row.alarmed.map((who) => ALARMED[who][language]).join(', ') || '-',
      row.owner === null ? '-' : owner(row.owner),
      row.reason ?? '-',
      [...(row.text === null ? [] : [row.text]), ...wishText(row.discardAskedBy, language)].join(' '),
    ]),
  ]);
}

export async function runRegistrationShow(
  io: Io,
  id: string,
  options: { readonly json: boolean; readonly content: boolean; readonly by: string },
): Promise<number> {
  return withOffice(io, async (office, config) => {
    const found = await registrationShown(office.ledger, id);
    if (found === null)
      throw new UsageError(
        say(config, { nl: `Er is geen registratie met nummer ${id}`, en: `There is no registration ${id}` }),
      );
    const now: Now = { moment: systemClock.now(), alarms: await openAlarms(office.ledger) };
    const facts = {
      ...described(found, config.language, now),
      ...(await decidable(office, found)),
      mails: found.mails,
    };
    const content = options.content ? await lookedInto(office, found, options.by) : null;
    if (options.json) io.out(JSON.stringify(content === null ? facts : { ...facts, content }));
    else io.out(shownRegistration(facts, content, config.language));
    return 0;
  });
}

export type RegistrationFacts = DescribedRegistration & Pick<ShownRegistration, 'mails'> & Decidable;

interface Decidable {
  readonly actions: readonly RegistrationAction[];
  readonly needsTwoToDiscard: boolean;
}

async function decidable(office: Office, { id }: ShownRegistration): Promise<Decidable> {
  const held = await office.ledger.transaction((tx) => heldRegistrationById(tx, id));
  return {
    actions: held === null ? [] : registrationActions(held),
    needsTwoToDiscard: held?.needsTwoToDiscard ?? false,
  };
}

// A person looks at what a doctor wrote about a patient: that is an act of its own, and audited before it happens.
async function lookedInto(office: Office, shown: ShownRegistration, by: string): Promise<PostedRegistration> {
  const { id, practiceId, patientKey } = shown;
  const sealed = await registrationContent(office.ledger, id);
  if (sealed === null)
    throw new Failure('pipeline.content-erased', { kind: 'permanent', fields: { registration: id } });
  await appendAudit(office.ledger, [
    {
      event: 'registration.shown',
      actor: by,
      objectKind: 'registration',
      objectId: id,
      practiceId,
      patientKey,
    },
  ]);
  return openPosted(office.keys, id, practiceId, sealed);
}

/** `zorgkoerier held list|show|release|discard`: what waits for a person's decision. Showing content is audited. */

import { type Alarm, openAlarms } from '../alarms/alarms.ts';
import { appendAudit } from '../audit/audit.ts';
import { compose, composeOffice, type Office } from '../compose.ts';
import type { Config } from '../config/config.ts';
import type { PayloadReading } from '../lab/lab.ts';
import type { ReadableMail } from '../mail/mail.ts';
import { discardHold, type ReleaseChoice, releaseHold, reopenContent, reopenMail } from '../pipeline/pipeline.ts';
import { findPractice } from '../practice/practice.ts';
import { type HeldItem, heldItemById, heldItems, type OtherCard, restedDelivery } from '../records/records.ts';
import { systemClock } from '../shared/clock.ts';
import { isReasonCode, reasonOf } from '../shared/reasons.ts';
import { workingDaysBetween } from '../shared/working-days.ts';
import { ALARMED, alarmedAbout, DISCARD_ASKED, explain, OWNERS, wishText } from './decision-words.ts';
import { releasedWords } from './held-released.ts';
import { configOf, type Io, type Language, say, table, UsageError } from './io.ts';
import { showMail } from './show-mail.ts';
import { showDocument } from './show-report.ts';

export async function runHeldList(
  io: Io,
  options: { readonly json: boolean; readonly practice: string | null },
): Promise<number> {
  const config = configOf(io);
  const office = await composeOffice(config);
  try {
    const practice = options.practice === null ? null : await findPractice(office.ledger, options.practice);
    if (options.practice !== null && practice === null) throw new UsageError(`no practice ${options.practice}`);
    const items = await heldItems(office.ledger, practice?.id ?? null);
    const now: Now = { moment: systemClock.now(), alarms: await openAlarms(office.ledger) };
    if (options.json) {
      io.out(JSON.stringify(items.map((item) => described(item, config.language, now))));
      return 0;
    }
    if (items.length === 0)
      io.out(say(config, { nl: 'Niets wacht op een besluit.', en: 'Nothing waits for a decision.' }));
    else io.out(listing(items, config.language, now));
    return 0;
  } finally {
    await office.release();
  }
}

interface Now {
  readonly moment: Date;
  readonly alarms: readonly Alarm[];
}

function described(item: HeldItem, language: Language, { moment, alarms }: Now) {
  const reason = isReasonCode(item.reason) ? reasonOf(item.reason) : null;
  return {
    id: item.deliveryId,
    mailId: item.mailId,
    mailbox: item.mailbox,
    target: item.target,
    state: item.state,
    reason: item.reason,
    detail: item.detail,
    owner: reason?.owner ?? 'us',
    actions: reason?.actions ?? [],
    text: reason?.[language] ?? item.reason,
    practiceAgb: item.practiceAgb,
    laboratory: item.laboratory ?? item.sender,
    since: item.settledAt.toISOString(),
    joined: item.originalId,
    ...(item.cards === null ? {} : { cards: item.cards }),
    workingDays: Math.floor(workingDaysBetween(item.settledAt, moment)),
    // About it, or about the hold that it joined.
    alarmed: alarmedAbout(item.originalId ?? item.deliveryId, alarms),
    needsTwoToDiscard: item.needsTwoToDiscard,
    discardAskedBy: item.discardWish?.by ?? null,
  };
}

function listing(items: readonly HeldItem[], language: Language, now: Now): string {
  const heading =
    language === 'nl'
      ? ['nummer', 'sinds', 'werkdagen', 'gealarmeerd', 'mailbox', 'praktijk', 'aan zet', 'reden', '']
      : ['id', 'since', 'working days', 'alarmed', 'mailbox', 'practice', 'owner', 'reason', ''];
  const rows = items.map((item) => described(item, language, now));
  return table([
    heading,
    ...rows.map((row) => [
      row.id,
      row.since.slice(0, 16).replace('T', ' '),
      String(row.workingDays),
      row.alarmed.map((who) => ALARMED[who][language]).join(', ') || '-',
      row.mailbox ?? '-',
      row.practiceAgb ?? '-',
      language === 'nl' ? (OWNERS[row.owner] ?? row.owner) : row.owner,
      row.reason,
      [row.text, ...wishText(row.discardAskedBy, language)].join(' '),
    ]),
  ]);
}

export async function runHeldShow(
  io: Io,
  id: string,
  options: { readonly json: boolean; readonly content: boolean; readonly by: string },
): Promise<number> {
  const config = configOf(io);
  const office = await composeOffice(config);
  try {
    const item = await office.ledger.transaction((tx) => heldItemById(tx, id));
    if (item === null) throw new UsageError(await whyNothing(office, config, id));
    const now: Now = { moment: systemClock.now(), alarms: await openAlarms(office.ledger) };
    const facts = described(item, config.language, now);
    const looked = options.content ? await lookedInto(office, item, options.by) : null;
    if (options.json) io.out(JSON.stringify(looked === null ? facts : { ...facts, content: looked.content }));
    else {
      io.out(table(shown(facts).map(([name, value]) => [name, String(value ?? '-')])));
      if (looked?.kind === 'mail') io.out(showMail(looked.content, config.language));
      if (looked?.kind === 'readings')
        io.out(showDocument({ file: item.mailId, payloads: looked.content }, { language: config.language }));
    }
    return 0;
  } finally {
    await office.release();
  }
}

// What was held once may be asked for later: what became of it is said, and whether its content is still there.
async function whyNothing(office: Office, config: Config, id: string): Promise<string> {
  const nothing = say(config, { nl: `Er wacht niets onder ${id}`, en: `Nothing is held under ${id}` });
  const rested = await restedDelivery(office.ledger, id);
  if (rested === null) return nothing;
  const { state, erasedAt } = rested;
  const gone = erasedAt?.toISOString().slice(0, 10) ?? null;
  const kept =
    gone === null
      ? { nl: 'de inhoud is er nog', en: 'its content is kept' }
      : { nl: `de inhoud is gewist op ${gone}`, en: `its content has gone (erased ${gone})` };
  return `${nothing} (${state}; ${say(config, kept)})`;
}

// Both cards, where two are in doubt: by the ids of cKIS, which a person of the practice can look up.
function shown({ cards, ...facts }: ReturnType<typeof described>): readonly (readonly [string, unknown])[] {
  const said = ({ card, practiceAgb }: OtherCard) =>
    `${card === null ? '?' : `Patient/${card}`} (${practiceAgb ?? '?'})`;
  const lines: readonly (readonly [string, unknown])[] = Object.entries(facts);
  if (cards === undefined) return lines;
  return [...lines, ['card', said(cards.reported)], ['first card', cards.first.map(said).join(', ')]];
}

type Looked =
  | { readonly kind: 'readings'; readonly content: readonly PayloadReading[] }
  | { readonly kind: 'mail'; readonly content: ReadableMail };

// A person looks at a patient's data: that is an act of its own, and audited before it happens.
async function lookedInto(office: Office, named: HeldItem, by: string): Promise<Looked> {
  // What joined a hold has its content there.
  const { originalId } = named;
  const original = originalId === null ? null : await office.ledger.transaction((tx) => heldItemById(tx, originalId));
  const item = original ?? named;
  await appendAudit(office.ledger, [
    {
      event: 'report.shown',
      actor: by,
      objectKind: 'delivery',
      objectId: item.deliveryId,
      practiceId: item.practiceId,
      patientKey: item.patientKey,
      participants: { mail: item.mailId, report: item.reportId, delivery: item.deliveryId },
    },
  ]);
  // What came into the return mailbox is read by eye: laboratories' readers would say nothing of it.
  if (item.purpose === 'return') return { kind: 'mail', content: await reopenMail(office, item) };
  return { kind: 'readings', content: await reopenContent(office, item) };
}

export interface DecideOptions {
  readonly by: string;
  readonly reason: string;
  readonly overrideCard: string | null;
  readonly choice?: ReleaseChoice | null;
}

/** The flags of `held release`; at most one of them, since each ends the doubt in another way. */
export interface ReleaseFlags {
  readonly numberReused?: boolean;
  readonly retractFirst?: boolean;
  readonly sameDetermination?: boolean;
}

/** The choice that was made, or null. */
export function choiceOf({ numberReused, retractFirst, sameDetermination }: ReleaseFlags): ReleaseChoice | null {
  const chosen: ReleaseChoice[] = [
    ...(numberReused === true ? (['number-reused'] as const) : []),
    ...(retractFirst === true ? (['retract-first'] as const) : []),
    ...(sameDetermination === true ? (['same-determination'] as const) : []),
  ];
  if (chosen.length > 1) throw new UsageError(`choose one of ${chosen.map((one) => `--${one}`).join(', ')}`);
  return chosen[0] ?? null;
}

export async function runHeldRelease(io: Io, id: string, options: DecideOptions): Promise<number> {
  const config = configOf(io);
  const { courier, release } = await compose(config);
  try {
    const { action, othersCount } = await releaseHold(courier, id, options).catch((thrown) => explain(config, thrown));
    io.out(say(config, releasedWords(action)));
    if (othersCount > 0)
      io.out(
        say(config, {
          nl: `Van hetzelfde laboratorium zijn er nog ${othersCount} vrijgegeven.`,
          en: `${othersCount} more of the same laboratory were released.`,
        }),
      );
    return 0;
  } finally {
    await release();
  }
}

export async function runHeldDiscard(io: Io, id: string, options: DecideOptions): Promise<number> {
  const config = configOf(io);
  const office = await composeOffice(config);
  try {
    const { kind } = await discardHold(office, id, options).catch((thrown) => explain(config, thrown));
    io.out(say(config, kind === 'asked' ? DISCARD_ASKED : { nl: 'Afgewezen.', en: 'Discarded.' }));
    // Asked is not done: it still waits, for a second person.
    return kind === 'asked' ? 3 : 0;
  } finally {
    await office.release();
  }
}

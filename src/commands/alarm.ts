/** `zorgkoerier alarm list|mute|unmute`: what is open, and a mute that ends by itself. Muting is audited; it changes nothing else. */

import { type Alarm, hasAlarm, isAlarmKind, meaningOf, muteAlarm, openAlarms, unmuteAlarm } from '../alarms/alarms.ts';
import { appendAudit } from '../audit/audit.ts';
import { mentionsBsn } from '../lab/lab.ts';
import type { Sql } from '../ledger/ledger.ts';
import { systemClock } from '../shared/clock.ts';
import { type Io, type Language, momentOf, say, UsageError } from './io.ts';
import { withOffice } from './office.ts';

/** Longer is forgetting. */
const MUTE_MAX_DAYS = 92;
const DAY_MS = 86_400_000;

export function runAlarmList(io: Io, options: { readonly json: boolean }): Promise<number> {
  return withOffice(io, async ({ ledger }, config) => {
    const alarms = await openAlarms(ledger);
    const names = await mailboxNames(ledger);
    if (options.json)
      io.out(JSON.stringify({ alarms: alarms.map((alarm) => asDocument(alarm, names, config.language)) }));
    else if (alarms.length === 0) io.out(say(config, { nl: 'Er staat geen alarm open.', en: 'No alarm is open.' }));
    else for (const alarm of alarms) for (const line of linesOf(alarm, names, config.language)) io.out(line);
    return 0;
  });
}

export interface MuteOptions {
  readonly until: string;
  readonly reason: string;
  readonly by: string;
}

export function runAlarmMute(io: Io, kind: string, objectId: string | null, options: MuteOptions): Promise<number> {
  const until = muteEnd(options.until);
  if (options.reason.trim() === '') throw new UsageError('--reason: say why');
  if (mentionsBsn(options.reason) || mentionsBsn(options.by))
    throw new UsageError('--reason: there is a number in it that may be a BSN; write it without');
  return withOffice(io, async ({ ledger }, config) => {
    await requireKnown(ledger, kind, objectId);
    const { reason, by } = options;
    await ledger.transaction(async (tx) => {
      await muteAlarm(tx, { kind, objectId, until, reason, by });
      const fields = { object: objectId, until: until.toISOString() };
      await appendAudit(tx, [{ event: 'alarm.muted', actor: by, objectKind: 'alarm', objectId: kind, reason, fields }]);
    });
    io.out(
      say(config, {
        nl: `Gedempt tot ${until.toISOString()}. Wat dan nog openstaat, wordt opnieuw gemeld.`,
        en: `Muted until ${until.toISOString()}. What is open then is said again.`,
      }),
    );
    return 0;
  });
}

export function runAlarmUnmute(
  io: Io,
  kind: string,
  objectId: string | null,
  { by }: { readonly by: string },
): Promise<number> {
  return withOffice(io, async ({ ledger }, config) => {
    await requireKnown(ledger, kind, objectId);
    const isEnded = await ledger.transaction(async (tx) => {
      if (!(await unmuteAlarm(tx, kind, objectId))) return false;
      const fields = { object: objectId };
      await appendAudit(tx, [{ event: 'alarm.unmuted', actor: by, objectKind: 'alarm', objectId: kind, fields }]);
      return true;
    });
    io.out(
      isEnded
        ? say(config, { nl: 'Niet meer gedempt.', en: 'No longer muted.' })
        : say(config, { nl: 'Dit was niet gedempt.', en: 'This was not muted.' }),
    );
    return isEnded ? 0 : 3;
  });
}

function muteEnd(text: string): Date {
  const until = momentOf(text, '--until');
  const fromNowMs = until.getTime() - systemClock.now().getTime();
  if (fromNowMs <= 0) throw new UsageError('--until: that moment has passed');
  if (fromNowMs > MUTE_MAX_DAYS * DAY_MS) throw new UsageError(`--until: no more than ${MUTE_MAX_DAYS} days from now`);
  return until;
}

// Only what an alarm was about: so nothing that a person types by mistake (a BSN, a name) stands in the audit.
async function requireKnown(sql: Sql, kind: string, objectId: string | null): Promise<void> {
  if (!isAlarmKind(kind)) throw new UsageError('no such kind of alarm: see docs/alarms.md');
  if (objectId !== null && !(await hasAlarm(sql, kind, objectId)))
    throw new UsageError('no alarm of this kind was ever about this object: see `alarm list`');
}

type Names = ReadonlyMap<string, string>;

/** Labels for people, by id. */
async function mailboxNames(sql: Sql): Promise<Names> {
  const { rows } = await sql.query<{ id: string; name: string }>('select id, name from mailbox');
  return new Map(rows.map(({ id, name }) => [id, name]));
}

function asDocument(alarm: Alarm, names: Names, language: Language) {
  const meaning = meaningOf(alarm.kind);
  return {
    ...alarm,
    mailbox: names.get(alarm.objectId) ?? null,
    owner: meaning?.owner ?? null,
    meaning: meaning?.[language] ?? null,
    toDo: meaning === null ? null : language === 'nl' ? meaning.doNl : meaning.doEn,
  };
}

function linesOf(alarm: Alarm, names: Names, language: Language): readonly string[] {
  const { meaning, toDo } = asDocument(alarm, names, language);
  const name = names.get(alarm.objectId);
  const { kind, objectId, openedAt, mutedUntil } = alarm;
  const since = say({ language }, { nl: 'sinds', en: 'since' });
  const muted = say({ language }, { nl: 'gedempt tot', en: 'muted until' });
  return [
    `${kind}  ${objectId}${name === undefined ? '' : ` (${name})`}  ${since} ${openedAt.toISOString()}${mutedUntil === null ? '' : `  ${muted} ${mutedUntil.toISOString()}`}`,
    ...(meaning === null ? [] : [`  ${meaning}`]),
    ...(toDo === null ? [] : [`  → ${toDo}`]),
  ];
}

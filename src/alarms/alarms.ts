/**
 * The door of alarms/: what needs a person's eye, kept so that it is said once when it begins and once when it ends.
 *
 * It receives, per kind, all objects of which it is so at this moment, or one object of which it is so or no longer. It promises that an alarm opens once, whoever
 * looks how often, and closes when its object is no longer among them. One that is muted opens and closes as others do and
 * is not said; when its mute ends and it is still open, it is said then. It says nothing itself: who calls it logs what it
 * answers. Ids and codes only. What each kind means stands in kinds.ts.
 */

import type { Sql } from '../ledger/ledger.ts';

export interface AlarmObject {
  readonly objectId: string;
  readonly practiceId: string | null;
}

export interface Alarm extends AlarmObject {
  /** A code, such as `hold.owner`. */
  readonly kind: string;
  readonly level: 'warn' | 'error';
  readonly openedAt: Date;
  /** null: it is not muted. */
  readonly mutedUntil: Date | null;
}

/** What is to be said now. */
export interface SettledAlarms {
  readonly opened: readonly AlarmObject[];
  readonly closed: readonly AlarmObject[];
}

const NOTHING: SettledAlarms = { opened: [], closed: [] };

/**
 * Opens what is new and closes what is over, of one kind; `look` answers every object of which it is so now. One at a
 * time per kind: while another worker does the same, nothing is done and nothing answered, since that one answers it.
 */
export async function settleAlarms(
  tx: Sql,
  kind: string,
  level: Alarm['level'],
  look: () => Promise<readonly AlarmObject[]>,
): Promise<SettledAlarms> {
  const { rows } = await tx.query<{ isMine: boolean }>(
    'select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as "isMine"',
    [`zorgkoerier alarm ${kind}`],
  );
  if (rows[0]?.isMine !== true) return NOTHING;
  const current = await look();
  const ids = current.map(({ objectId }) => objectId);
  const closed = await tx.query<AlarmObject & { readonly wasSaid: boolean }>(
    `update alarm set closed_at = now() where kind = $1 and closed_at is null and object_id <> all($2::text[])
     returning object_id as "objectId", practice_id as "practiceId", said_at is not null as "wasSaid"`,
    [kind, ids],
  );
  await tx.query(
    `insert into alarm (kind, level, object_id, practice_id)
     select $1, $2, u.object_id, u.practice_id from unnest($3::text[], $4::uuid[]) as u (object_id, practice_id)
     on conflict (kind, object_id) where closed_at is null do nothing`,
    [kind, level, ids, current.map(({ practiceId }) => practiceId)],
  );
  // Who never heard that it began need not hear that it ended.
  const over = closed.rows.filter(({ wasSaid }) => wasSaid);
  return {
    opened: (await sayDue(tx, kind)).map(({ objectId, practiceId }) => ({ objectId, practiceId })),
    closed: over.map(({ objectId, practiceId }) => ({ objectId, practiceId })),
  };
}

/**
 * Opens or closes the alarm of one object, for who looks at objects one by one. True: it is to be said now, by whoever
 * called it.
 */
export async function setAlarm(
  sql: Sql,
  alarm: Pick<Alarm, 'kind' | 'level' | 'objectId' | 'practiceId'>,
  isSo: boolean,
): Promise<boolean> {
  const { kind, level, objectId, practiceId } = alarm;
  if (isSo) {
    await sql.query(
      `insert into alarm (kind, level, object_id, practice_id) values ($1, $2, $3, $4)
       on conflict (kind, object_id) where closed_at is null do nothing`,
      [kind, level, objectId, practiceId],
    );
    return (await sayDue(sql, kind, objectId)).length > 0;
  }
  const { rows } = await sql.query<{ wasSaid: boolean }>(
    `update alarm set closed_at = now() where kind = $1 and object_id = $2 and closed_at is null
     returning said_at is not null as "wasSaid"`,
    [kind, objectId],
  );
  return rows.some(({ wasSaid }) => wasSaid);
}

const MUTES = `alarm_mute u where u.kind = a.kind and coalesce(u.object_id, a.object_id) = a.object_id
  and u.ended_at is null and u.until > now()`;

/**
 * What is open, not muted and not said yet, or was muted since and is to be said again: of one kind and object, or of all.
 * Each is answered once, whoever asks how often.
 */
export async function sayDue(
  sql: Sql,
  kind: string | null = null,
  objectId: string | null = null,
): Promise<readonly Pick<Alarm, 'kind' | 'level' | 'objectId' | 'practiceId'>[]> {
  const { rows } = await sql.query<Alarm>(
    `update alarm a set said_at = now(), say_again = false
     where a.closed_at is null and (a.said_at is null or a.say_again) and not exists (select 1 from ${MUTES})
       and a.kind = coalesce($1, a.kind) and a.object_id = coalesce($2, a.object_id)
     returning a.kind, a.level, a.object_id as "objectId", a.practice_id as "practiceId"`,
    [kind, objectId],
  );
  return rows;
}

/** Everything that is open, the gravest and oldest first. */
export async function openAlarms(sql: Sql): Promise<readonly Alarm[]> {
  const { rows } = await sql.query<Alarm>(
    `select a.kind, a.level, a.object_id as "objectId", a.practice_id as "practiceId", a.opened_at as "openedAt",
       (select max(u.until) from ${MUTES}) as "mutedUntil"
     from alarm a where a.closed_at is null order by a.level, a.opened_at, a.id`,
  );
  return rows;
}

export {
  ALARM_KINDS,
  type AlarmKind,
  type AlarmMeaning,
  type AlarmOwner,
  isAlarmKind,
  meaningOf,
} from './kinds.ts';
export { hasAlarm, type Mute, muteAlarm, unmuteAlarm } from './mute.ts';

/**
 * The door of alarms/: what needs a person's eye, kept so that it is said once when it begins and once when it ends.
 *
 * It receives, per kind, all objects of which it is so at this moment, or one object of which it is so or no longer. It promises that an alarm opens once, whoever
 * looks how often, and closes when its object is no longer among them. It says nothing itself: who calls it logs what it
 * answers. Ids and codes only.
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
}

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
  const closed = await tx.query<AlarmObject>(
    `update alarm set closed_at = now() where kind = $1 and closed_at is null and object_id <> all($2::text[])
     returning object_id as "objectId", practice_id as "practiceId"`,
    [kind, ids],
  );
  const opened = await tx.query<AlarmObject>(
    `insert into alarm (kind, level, object_id, practice_id)
     select $1, $2, u.object_id, u.practice_id from unnest($3::text[], $4::uuid[]) as u (object_id, practice_id)
     on conflict (kind, object_id) where closed_at is null do nothing
     returning object_id as "objectId", practice_id as "practiceId"`,
    [kind, level, ids, current.map(({ practiceId }) => practiceId)],
  );
  return { opened: opened.rows, closed: closed.rows };
}

/**
 * Opens or closes the alarm of one object, for who looks at objects one by one. True: it changed, and whoever called it
 * says so.
 */
export async function setAlarm(
  sql: Sql,
  alarm: Pick<Alarm, 'kind' | 'level' | 'objectId' | 'practiceId'>,
  isSo: boolean,
): Promise<boolean> {
  const { kind, level, objectId, practiceId } = alarm;
  const changed = isSo
    ? await sql.query(
        `insert into alarm (kind, level, object_id, practice_id) values ($1, $2, $3, $4)
         on conflict (kind, object_id) where closed_at is null do nothing`,
        [kind, level, objectId, practiceId],
      )
    : await sql.query('update alarm set closed_at = now() where kind = $1 and object_id = $2 and closed_at is null', [
        kind,
        objectId,
      ]);
  return changed.count === 1;
}

/** Everything that is open, the gravest and oldest first. */
export async function openAlarms(sql: Sql): Promise<readonly Alarm[]> {
  const { rows } = await sql.query<Alarm>(
    `select kind, level, object_id as "objectId", practice_id as "practiceId", opened_at as "openedAt" from alarm
     where closed_at is null order by level, opened_at, id`,
  );
  return rows;
}

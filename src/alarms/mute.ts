/** Muting: a kind of alarm, or one object of it, is not said until a moment. It opens, closes and is listed as ever. */

import type { Sql } from '../ledger/ledger.ts';

export interface Mute {
  readonly kind: string;
  /** null: every object of the kind. */
  readonly objectId: string | null;
  readonly until: Date;
  readonly reason: string;
  readonly by: string;
}

/** Mutes anew: an earlier mute of the same gives way. What is open and was said is said again when this one ends. */
export async function muteAlarm(tx: Sql, { kind, objectId, until, reason, by }: Mute): Promise<void> {
  await unmuteAlarm(tx, kind, objectId);
  await tx.query('insert into alarm_mute (kind, object_id, until, reason, muted_by) values ($1, $2, $3, $4, $5)', [
    kind,
    objectId,
    until,
    reason,
    by,
  ]);
  await tx.query(
    `update alarm set say_again = true
     where kind = $1 and object_id = coalesce($2, object_id) and closed_at is null and said_at is not null`,
    [kind, objectId],
  );
}

/** Ends a mute before its time. False: none stood. */
export async function unmuteAlarm(tx: Sql, kind: string, objectId: string | null): Promise<boolean> {
  const { count } = await tx.query(
    `update alarm_mute set ended_at = now()
     where kind = $1 and object_id is not distinct from $2 and ended_at is null and until > now()`,
    [kind, objectId],
  );
  return count > 0;
}

/** Whether an alarm of this kind ever was about this object: a name that nothing has is a slip of the keyboard. */
export async function hasAlarm(sql: Sql, kind: string, objectId: string): Promise<boolean> {
  return (
    (await sql.query('select 1 from alarm where kind = $1 and object_id = $2 limit 1', [kind, objectId])).count > 0
  );
}

/** The rows about one patient, or of one practice, for whoever may ask what was done with their data. */

import type { Sql } from '../ledger/ledger.ts';
import { momentText } from './canonical.ts';

export interface AuditRow {
  readonly id: number;
  /** To the microsecond, in UTC. */
  readonly at: string;
  readonly event: string;
  readonly type: string | null;
  readonly action: string | null;
  readonly outcome: string;
  readonly actor: string;
  readonly role: string | null;
  readonly onBehalfOf: string | null;
  readonly isRequestor: boolean | null;
  readonly purpose: string | null;
  readonly accessPoint: string | null;
  readonly source: string | null;
  readonly practiceAgb: string | null;
  readonly objectKind: string;
  readonly objectId: string;
  readonly participants: Readonly<Record<string, string>>;
  readonly reason: string | null;
  readonly fields: Readonly<Record<string, string | number | boolean | null>>;
  /** The seal that covers it; null: not sealed yet. */
  readonly seal: number | null;
}

export type WhoseRows =
  | { readonly kind: 'patient'; readonly key: Buffer }
  | { readonly kind: 'practice'; readonly id: string };

const ROWS_AT_ONCE = 1_000;

/** Page by page, in the order in which they were appended. */
export async function* auditRows(sql: Sql, whose: WhoseRows): AsyncGenerator<readonly AuditRow[]> {
  const [condition, value] =
    whose.kind === 'patient'
      ? (['a.patient_key = $1', whose.key] as const)
      : (['a.practice_id = $1', whose.id] as const);
  for (let cursor = Number.MIN_SAFE_INTEGER; ; ) {
    const { rows } = await sql.query<AuditRow>(
      `select a.id, ${momentText('a.at')} as at, a.event, a.event_type as type, a.action, a.outcome, a.actor, a.role, a.on_behalf_of as "onBehalfOf",
         a.is_requestor as "isRequestor", a.purpose, a.access_point as "accessPoint", a.source, p.agb as "practiceAgb", a.object_kind as "objectKind",
         a.object_id as "objectId", a.participants, a.reason, a.fields,
         (select s.sequence from audit_seal s where s.to_id >= a.id and s.from_id < a.id order by s.to_id limit 1) as seal
       from audit a left join practice p on p.id = a.practice_id where ${condition} and a.id > $2 order by a.id limit $3`,
      [value, cursor, ROWS_AT_ONCE],
    );
    if (rows.length > 0) yield rows;
    if (rows.length < ROWS_AT_ONCE) return;
    cursor = rows.at(-1)?.id ?? cursor;
  }
}

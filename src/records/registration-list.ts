/** Registrations for the office: which there are, in which state, and what needs attention. Ids, codes and counts only. */

import type { RegistrationState, Sql } from '../ledger/ledger.ts';

/** Those that wait for a person. */
export const ATTENTION: readonly RegistrationState[] = ['held', 'bounced'];

export interface RegistrationFilter {
  readonly id?: string | null;
  readonly practiceId?: string | null;
  readonly state?: RegistrationState | null;
  /** Only what waits for a person. */
  readonly attention?: boolean;
}

export interface ListedRegistration {
  readonly id: string;
  readonly practiceId: string;
  readonly practiceAgb: string;
  /** The system that posted it. */
  readonly source: string;
  readonly origin: 'card' | 'board';
  readonly state: RegistrationState;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly earlierId: string | null;
  readonly isParked: boolean;
  readonly createdAt: Date;
  readonly sentAt: Date | null;
  readonly settledAt: Date | null;
  /** Of the last rendering; 0: not rendered yet. */
  readonly parts: number;
  readonly discardAskedBy: string | null;
  readonly isErased: boolean;
}

/** Everything that the filter lets through, oldest first. */
export async function listRegistrations(
  sql: Sql,
  { id = null, practiceId = null, state = null, attention = false }: RegistrationFilter = {},
): Promise<readonly ListedRegistration[]> {
  const { rows } = await sql.query<ListedRegistration>(
    `select r.id, r.practice_id as "practiceId", p.agb as "practiceAgb", s.name as source, r.origin, r.state, r.reason, r.detail,
       r.earlier_id as "earlierId", r.is_parked as "isParked", r.created_at as "createdAt", r.sent_at as "sentAt", r.settled_at as "settledAt",
       (select count(*)::int from outward_mail o where o.registration_id = r.id
          and o.rendering = (select max(l.rendering) from outward_mail l where l.registration_id = r.id)) as parts,
       r.discard_wish ->> 'by' as "discardAskedBy", r.content is null as "isErased"
     from registration r join practice p on p.id = r.practice_id join source s on s.id = r.source_id
     where ($1::uuid is null or r.practice_id = $1) and ($2::text is null or r.state = $2)
       and (not $3::boolean or r.state = any($4::text[])) and ($5::uuid is null or r.id = $5)
     order by r.created_at, r.id`,
    [practiceId, state, attention, ATTENTION, id],
  );
  return rows;
}

export interface RegistrationCounts {
  readonly practiceId: string;
  readonly practiceAgb: string;
  /** Every state that any of its registrations has. */
  readonly states: Readonly<Partial<Record<RegistrationState, number>>>;
  readonly total: number;
  /** Held and bounced: they wait for a person. */
  readonly attention: number;
}

/** Per practice that has any, by AGB code: how many are in which state. */
export async function registrationCounts(sql: Sql): Promise<readonly RegistrationCounts[]> {
  const { rows } = await sql.query<RegistrationCounts>(
    `select practice_id as "practiceId", agb as "practiceAgb", jsonb_object_agg(state, n) as states, sum(n)::int as total,
       coalesce(sum(n) filter (where state = any($1::text[])), 0)::int as attention
     from (select r.practice_id, p.agb, r.state, count(*) as n from registration r join practice p on p.id = r.practice_id group by 1, 2, 3) c
     group by practice_id, agb order by agb`,
    [ATTENTION],
  );
  return rows;
}

/** Which of these ids are registrations. */
export async function registrationsAmong(sql: Sql, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const { rows } = await sql.query<{ id: string }>('select id from registration where id::text = any($1::text[])', [
    ids,
  ]);
  return new Set(rows.map(({ id }) => id));
}

/**
 * What has had its time of registrations: content and rendered mails of what was delivered or shadowed after the days
 * that content is kept, of what was discarded at once; what was posted under a key past the dedupe horizon; assertions that
 * have expired. Never what waits for a relay, a receipt or a person.
 */

import type { Sql } from '../ledger/ledger.ts';

export interface PrunedRegistrations {
  readonly registrations: number;
  readonly outwardMails: number;
  readonly assertions: number;
}

const KEPT = 'make_interval(days => $1::int)';

const OVER = `(r.state = 'discarded' or (r.state in ('delivered', 'shadowed') and r.settled_at <= now() - ${KEPT}))`;
const REGISTRATION_DUE = `r.content is not null and ${OVER}`;
const OUTWARD_DUE = `o.content is not null and exists (select 1 from registration r where r.id = o.registration_id and ${OVER})`;

// The key stays taken for ever: the same under another body is refused, and under the same one too from then on.
const BODY_DIGEST_DUE = `r.body_digest is not null and r.created_at < now() - ${KEPT} and r.content is null
  and r.state in ('sent', 'delivered', 'bounced', 'shadowed', 'discarded')`;

// Whoever checks an assertion allows for a clock that differs: one that is forgotten must be refused by its age for sure.
const ASSERTION_DUE = "a.expires_at < now() - interval '1 hour'";

/** Erases what is due now, at most `most` of each kind; what others have in hand is left. Answers the bytes too. */
export async function pruneRegistrations(
  tx: Sql,
  keepDays: number,
  most: number,
): Promise<PrunedRegistrations & { readonly bytes: number }> {
  const mails = await tx.query<{ bytes: number }>(
    `with due as (select o.id, octet_length(o.content) as bytes from outward_mail o where ${OUTWARD_DUE}
       order by o.id limit $2 for update of o skip locked)
     update outward_mail set content = null from due where outward_mail.id = due.id returning due.bytes`,
    [keepDays, most],
  );
  const registrations = await tx.query<{ bytes: number }>(
    `with due as (select r.id, octet_length(r.content) as bytes from registration r where ${REGISTRATION_DUE}
       order by r.id limit $2 for update of r skip locked)
     update registration set content = null, erased_at = now() from due where registration.id = due.id returning due.bytes`,
    [keepDays, most],
  );
  const assertions = await tx.query(
    `delete from source_assertion where (source_id, jti) in
       (select a.source_id, a.jti from source_assertion a where ${ASSERTION_DUE} order by a.expires_at limit $1 for update of a skip locked)`,
    [most],
  );
  const bytes = [...mails.rows, ...registrations.rows].reduce((sum, row) => sum + row.bytes, 0);
  return { registrations: registrations.count, outwardMails: mails.count, assertions: assertions.count, bytes };
}

/** Forgets what was posted under keys past the horizon; the rows stay. Answers of how many. */
export async function forgetBodies(tx: Sql, dedupeDays: number, most: number): Promise<number> {
  const forgotten = await tx.query(
    `update registration set body_digest = null where id in
       (select r.id from registration r where ${BODY_DIGEST_DUE} order by r.created_at limit $2 for update of r skip locked)`,
    [dedupeDays, most],
  );
  return forgotten.count;
}

/** What would go now, all of it. */
export async function countPrunableRegistrations(
  sql: Sql,
  { keepDays, dedupeDays }: { readonly keepDays: number; readonly dedupeDays: number },
): Promise<PrunedRegistrations & { readonly bytes: number; readonly digests: number }> {
  const { rows } = await sql.query<PrunedRegistrations & { bytes: number }>(
    `select (select count(*)::int from registration r where ${REGISTRATION_DUE}) as registrations,
       (select count(*)::int from outward_mail o where ${OUTWARD_DUE}) as "outwardMails",
       (select count(*)::int from source_assertion a where ${ASSERTION_DUE}) as assertions,
       (select coalesce(sum(octet_length(r.content)), 0)::bigint from registration r where ${REGISTRATION_DUE})
         + (select coalesce(sum(octet_length(o.content)), 0)::bigint from outward_mail o where ${OUTWARD_DUE}) as bytes`,
    [keepDays],
  );
  const bodies = await sql.query<{ count: number }>(
    `select count(*)::int as count from registration r where ${BODY_DIGEST_DUE}`,
    [dedupeDays],
  );
  const found = rows[0] ?? { registrations: 0, outwardMails: 0, assertions: 0, bytes: 0 };
  return { ...found, digests: bodies.rows[0]?.count ?? 0 };
}

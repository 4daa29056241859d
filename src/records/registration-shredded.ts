/** Registrations of a practice whose keys are destroyed: what was open can never be sent, and nothing of it can be read. */

import type { Sql } from '../ledger/ledger.ts';
import { eraseOutward } from './registration-decisions.ts';

export interface DiscardedRegistration {
  readonly id: string;
  readonly patientKey: Buffer;
}

/**
 * How many registrations of a practice are on their way, or may have gone: only the relay knows. Locks what is open, so
 * that nothing gets on its way until the transaction ends.
 */
export async function registrationsUnderWay(tx: Sql, practiceId: string): Promise<number> {
  const { rows } = await tx.query<{ isUnderWay: boolean }>(
    `select r.state in ('sending', 'uncertain') or r.lease_until > now() or exists (select 1 from outward_mail o where o.registration_id = r.id
         and o.state = 'uncertain' and r.state = 'queued') as "isUnderWay"
     from registration r where r.practice_id = $1 and r.state in ('accepted', 'queued', 'sending', 'uncertain') order by r.id for update of r`,
    [practiceId],
  );
  return rows.filter((row) => row.isUnderWay).length;
}

/**
 * Discards what waits or is with a person, and erases the content of all. What was sent still takes its receipts: they
 * need no content.
 */
export async function discardShreddedRegistrations(
  tx: Sql,
  practiceId: string,
): Promise<readonly DiscardedRegistration[]> {
  const { rows } = await tx.query<DiscardedRegistration>(
    `update registration set state = 'discarded', reason = 'practice.shredded', detail = null, is_parked = false, discard_wish = null,
       settled_at = now(), lease_token = null, lease_until = null
     where practice_id = $1 and state in ('accepted', 'queued', 'held', 'bounced') returning id, patient_key as "patientKey"`,
    [practiceId],
  );
  await eraseOutward(
    tx,
    rows.map(({ id }) => id),
  );
  await tx.query(
    'update registration set content = null, erased_at = coalesce(erased_at, now()) where practice_id = $1 and content is not null',
    [practiceId],
  );
  await tx.query(
    `update outward_mail o set content = null from registration r
     where r.id = o.registration_id and r.practice_id = $1 and o.content is not null`,
    [practiceId],
  );
  return rows;
}

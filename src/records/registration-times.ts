/** How long a registration took, by the ledger's clock. What a person had sent again waited for that person, and is not timed. */

import type { Sql } from '../ledger/ledger.ts';

/** Milliseconds from its being accepted to `moment`, of the row `registration`; null where it is not timed. */
export const sinceAccepted = (moment: string, registration: string) =>
  `case when not exists (select 1 from audit a where a.patient_key = ${registration}.patient_key and a.at >= ${registration}.created_at
     and a.object_id = ${registration}.id::text and a.event = 'registration.retried')
   then extract(epoch from ${moment} - ${registration}.created_at)::float8 * 1000 end`;

/** In the transaction that records that it was sent: from its being accepted until then. */
export async function sentAfterMs(tx: Sql, id: string): Promise<number | null> {
  const { rows } = await tx.query<{ ms: number | null }>(
    `select ${sinceAccepted('r.sent_at', 'r')} as ms from registration r where r.id = $1`,
    [id],
  );
  return rows[0]?.ms ?? null;
}

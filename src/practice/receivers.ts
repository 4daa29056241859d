/** How registrations reach a practice: the ZorgMail account that its HIS reads, and that HIS's habits. */

import type { Sql } from '../ledger/ledger.ts';
import type { Receiver } from '../registration/registration.ts';

/** Where registrations of a practice go, and in which form. */
export interface RegistrationReceiver extends Receiver {
  /** One of the practice's own ZorgMail accounts. */
  readonly account: string;
}

const SELECT = 'select account, charset, blank_line as "blankLine" from registration_receiver where practice_id = $1';

/** null: registrations were never enabled. In the transaction that renders: `isLocked`, until that ends. */
export async function registrationReceiver(
  sql: Sql,
  practiceId: string,
  isLocked = false,
): Promise<RegistrationReceiver | null> {
  return (
    (await sql.query<RegistrationReceiver>(`${SELECT}${isLocked ? ' for share' : ''}`, [practiceId])).rows[0] ?? null
  );
}

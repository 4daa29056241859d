/**
 * Statements on how registrations reach a practice: the ZorgMail account that its HIS reads, and that HIS's habits.
 * Whoever renders reads the row under a lock, so that a mail was rendered wholly before a change or wholly after it.
 */

import type { Sql } from '../ledger/ledger.ts';
import { type BlankLine, type Charset, DEFAULT_RECEIVER, type Receiver } from '../registration/registration.ts';
import type { Practice } from './practice.ts';

/** Where registrations of a practice go, and in which form. */
export interface RegistrationReceiver extends Receiver {
  /** One of the practice's own ZorgMail accounts. */
  readonly account: string;
}

/** What is null stays as it is; the first time the only account is taken, and the habits are those that every HIS takes. */
export interface ReceiverWish {
  readonly account: string | null;
  readonly charset: Charset | null;
  readonly blankLine: BlankLine | null;
}

/** no-account: the practice has none. choose-account: it has several. other-account: the named one is not the practice's. */
export type ReceiverRefusal = 'no-account' | 'choose-account' | 'other-account';

export type ReceiverChoice =
  | { readonly kind: 'chosen'; readonly receiver: RegistrationReceiver }
  | { readonly kind: 'refused'; readonly refusal: ReceiverRefusal };

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

/** What a wish means for this practice: `kept` is what stays where nothing is said. */
export function chooseReceiver(
  { accounts }: Pick<Practice, 'accounts'>,
  wish: ReceiverWish,
  kept: RegistrationReceiver | null,
): ReceiverChoice {
  const refused = (refusal: ReceiverRefusal) => ({ kind: 'refused', refusal }) as const;
  if (accounts.length === 0) return refused('no-account');
  const only = accounts.length === 1 ? accounts[0] : undefined;
  const account = wish.account ?? kept?.account ?? only;
  if (account === undefined) return refused('choose-account');
  if (!accounts.includes(account)) return refused('other-account');
  const habits = kept ?? DEFAULT_RECEIVER;
  const receiver = { account, charset: wish.charset ?? habits.charset, blankLine: wish.blankLine ?? habits.blankLine };
  return { kind: 'chosen', receiver };
}

/** Writes it where it differs; what was rendered before then is known by its age. */
export async function setReceiver(tx: Sql, practiceId: string, receiver: RegistrationReceiver): Promise<void> {
  const { account, charset, blankLine } = receiver;
  // First the lock, then the moment: who rendered meanwhile began before it.
  await tx.query('select 1 from registration_receiver where practice_id = $1 for update', [practiceId]);
  await tx.query(
    `insert into registration_receiver as r (practice_id, account, charset, blank_line, changed_at) values ($1, $2, $3, $4, clock_timestamp())
     on conflict (practice_id) do update set account = excluded.account, charset = excluded.charset, blank_line = excluded.blank_line,
       changed_at = excluded.changed_at
     where (r.account, r.charset, r.blank_line) is distinct from (excluded.account, excluded.charset, excluded.blank_line)`,
    [practiceId, account, charset, blankLine],
  );
}

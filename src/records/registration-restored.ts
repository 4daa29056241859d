/** Registrations in a ledger that was restored from a backup: what it takes for unsent may have been sent since. */

import type { Sql } from '../ledger/ledger.ts';

/**
 * So many control references of each of our accounts may have been given out since the backup, beyond the thousand for each
 * second that passed: those the clock guards, below which none is given out (records/outward.ts). No sender comes near that
 * thousand, since each costs a mail of its own to the relay; this covers a clock that was set back by a day as well. Of the
 * thirteen digits that a reference has it takes a hundred thousandth.
 */
export const REFERENCES_LOST = 100_000_000;

export interface DistrustedRegistrations {
  /** Open in the backup: looked for in the receipts, or rendered under references that nobody had. */
  readonly registrations: number;
  /** Their mails that may have gone since. */
  readonly outwardMails: number;
}

/**
 * References jump, every claim ends, and mails that waited are uncertain: a receipt is looked for before they are sent
 * again. It may be repeated: references jump again, which harms nothing.
 */
export async function distrustRegistrations(tx: Sql, generationsLost: number): Promise<DistrustedRegistrations> {
  await tx.query('update control_reference set next = next + $1', [REFERENCES_LOST]);
  const mails = await tx.query(
    `update outward_mail o set state = 'uncertain', tried_at = null from registration r
     where r.id = o.registration_id and o.state = 'queued' and r.state in ('accepted', 'queued', 'sending', 'uncertain')`,
  );
  // Of one patient only one may be uncertain at a time, so the state of the mails says it for what was only queued.
  const open = await tx.query(
    `update registration set state = case when state = 'sending' then 'uncertain' else state end, attempts = 0,
       generation = generation + $1, lease_token = null, lease_until = null, next_check_at = now()
     where state in ('accepted', 'queued', 'sending', 'uncertain')`,
    [generationsLost],
  );
  return { registrations: open.count, outwardMails: mails.count };
}

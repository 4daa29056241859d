/**
 * The accounting: per mailbox, assigned = waiting + everything at rest, always. `assigned` is counted from the epochs
 * (uids), the rest from the rows, so that a lost row shows as a difference.
 */

import { type MailOutcome, OUTCOMES, type Sql } from '../ledger/ledger.ts';

export interface Accounting {
  readonly assigned: number;
  /** assigned − vanished. */
  readonly seen: number;
  readonly waiting: number;
  readonly forwarded: number;
  readonly noCard: number;
  readonly shadowed: number;
  readonly duplicate: number;
  readonly notLab: number;
  readonly receipt: number;
  readonly held: number;
  readonly quarantined: number;
  readonly discarded: number;
  readonly vanished: number;
  /** assigned − waiting − everything at rest: not 0 means that a mail was lost. */
  readonly difference: number;
}

export interface MailboxAccounting extends Accounting {
  readonly mailboxId: string;
  readonly name: string;
}

interface AccountingRow {
  readonly mailbox_id: string;
  readonly name: string;
  readonly assigned: number;
  readonly not_copied: number;
  readonly outcomes: Partial<Record<MailOutcome | 'unaccounted', number>> | null;
}

/** Every mailbox's accounting, by name; or that of one. */
export async function accountingOf(sql: Sql, mailboxId: string | null = null): Promise<readonly MailboxAccounting[]> {
  // One pass over the mails for all mailboxes: a look-up per mailbox would read them as often as there are mailboxes.
  const { rows } = await sql.query<AccountingRow>(
    `with counts as (select mailbox_id, outcome, count(*) as n from mail_outcome
         where source = 'mailbox' and ($1::uuid is null or mailbox_id = $1) group by mailbox_id, outcome),
       outcomes as (select mailbox_id, jsonb_object_agg(outcome, n) as outcomes from counts group by mailbox_id),
       uids as (select mailbox_id, sum(listed_count + uid_next - start_uid)::bigint as assigned, sum(uid_next - 1 - cursor_uid)::bigint as not_copied
                from epoch where $1::uuid is null or mailbox_id = $1 group by mailbox_id)
     select b.id as mailbox_id, b.name, u.assigned, u.not_copied, o.outcomes
     from mailbox b join uids u on u.mailbox_id = b.id left join outcomes o on o.mailbox_id = b.id order by b.name`,
    [mailboxId],
  );
  return rows.map((row) => ({ mailboxId: row.mailbox_id, name: row.name, ...counted(row) }));
}

function counted(row: AccountingRow): Accounting {
  const of = (outcome: MailOutcome) => row.outcomes?.[outcome] ?? 0;
  const waiting = of('waiting') + row.not_copied;
  const atRest = OUTCOMES.filter((outcome) => outcome !== 'waiting').reduce((sum, outcome) => sum + of(outcome), 0);
  return {
    assigned: row.assigned,
    seen: row.assigned - of('vanished'),
    waiting,
    forwarded: of('forwarded'),
    noCard: of('no-card'),
    shadowed: of('shadowed'),
    duplicate: of('duplicate'),
    notLab: of('not-lab'),
    receipt: of('receipt'),
    held: of('held'),
    quarantined: of('quarantined'),
    discarded: of('discarded'),
    vanished: of('vanished'),
    difference: row.assigned - waiting - atRest,
  };
}

/** The sum over mailboxes. */
export function totalOf(mailboxes: readonly Accounting[]): Accounting {
  const sum = (field: keyof Accounting) => mailboxes.reduce((total, mailbox) => total + mailbox[field], 0);
  return {
    assigned: sum('assigned'),
    seen: sum('seen'),
    waiting: sum('waiting'),
    forwarded: sum('forwarded'),
    noCard: sum('noCard'),
    shadowed: sum('shadowed'),
    duplicate: sum('duplicate'),
    notLab: sum('notLab'),
    receipt: sum('receipt'),
    held: sum('held'),
    quarantined: sum('quarantined'),
    discarded: sum('discarded'),
    vanished: sum('vanished'),
    difference: sum('difference'),
  };
}

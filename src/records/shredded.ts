/** What comes to rest, and is erased, because the keys that it stands under are destroyed: it could only fail for ever. */

import type { Sql } from '../ledger/ledger.ts';
import { discardUncopied } from './disabled.ts';

/** Whose keys go: of a practice, of mailboxes, or of both. */
export interface ShreddedOwners {
  readonly practiceId: string | null;
  readonly mailboxIds: readonly string[];
  /** Mailboxes of the practice whose keys stay, since they serve others too. */
  readonly sharedMailboxIds: readonly string[];
}

export interface DiscardedDelivery {
  readonly id: string;
  readonly practiceId: string | null;
}

export interface Shredded {
  readonly deliveries: readonly DiscardedDelivery[];
  /** Mails that were not read yet. */
  readonly mails: number;
}

type ShredReason = 'practice.shredded' | 'ledger.shredded';

/**
 * How many deliveries under these keys are on their way, or may have been taken. They are not shredded: only the target
 * knows what became of them. Locks what is open, so that nothing gets on its way until the transaction ends.
 */
export async function underWayOf(tx: Sql, practiceId: string | null): Promise<number> {
  const { rows } = await tx.query<{ state: string }>(
    `select d.state from delivery d join report r on r.id = d.report_id
     where r.practice_id = $1 and d.state in ('ready', 'sending', 'uncertain') order by d.id for update of d`,
    [practiceId],
  );
  return rows.filter((row) => row.state !== 'ready').length;
}

/**
 * Brings to rest what is open, held or quarantined under these keys, and erases all content under them. Reports of a
 * practice are its own; a payload that was not understood, or is nobody's yet, is the mailbox's. Digests and outcomes stay.
 */
export async function discardShredded(tx: Sql, owners: ShreddedOwners): Promise<Shredded> {
  const reason = owners.practiceId === null ? 'ledger.shredded' : 'practice.shredded';
  const mails = await discardUnread(tx, owners.mailboxIds, reason);
  const { rows } = await tx.query<DiscardedDelivery>(
    `update delivery d set state = 'discarded', reason = $3, is_parked = false, settled_at = now(), lease_token = null, lease_until = null
     from report r join mail m on m.id = r.mail_id
     where r.id = d.report_id and d.state in ('ready', 'held', 'quarantined')
       and (r.practice_id = $1 or (m.mailbox_id = any($2::uuid[]) and (r.kind = 'payload' or r.practice_id is null)))
     returning d.id, r.practice_id as "practiceId"`,
    [owners.practiceId, owners.mailboxIds, reason],
  );
  await eraseShredded(tx, owners);
  return { deliveries: rows, mails };
}

// Also those that wait to be copied: the password of their mailbox is gone.
async function discardUnread(tx: Sql, mailboxIds: readonly string[], reason: ShredReason): Promise<number> {
  const waiting = await tx.query(
    `update mail set state = 'read', verdict = 'discarded', reason = $2, read_at = now(), lease_token = null, lease_until = null
     where mailbox_id = any($1::uuid[]) and state in ('assigned', 'copied')`,
    [mailboxIds, reason],
  );
  return waiting.count + (await discardUncopied(tx, { mailboxIds }, reason));
}

// Without their keys the bytes say nothing; they go so that nobody counts on them. In a shared mailbox, whose keys stay,
// only a mail goes that holds nothing of another practice; the others as they would have gone anyway.
async function eraseShredded(tx: Sql, { practiceId, mailboxIds, sharedMailboxIds }: ShreddedOwners): Promise<void> {
  await tx.query('update report set content = null, erased_at = now() where practice_id = $1 and content is not null', [
    practiceId,
  ]);
  await tx.query(
    `update mail m set content = null, erased_at = now() where m.content is not null and (m.mailbox_id = any($1::uuid[])
       or (m.mailbox_id = any($2::uuid[]) and m.state = 'read'
         and (select bool_and(r.practice_id is not distinct from $3::uuid) from report r where r.mail_id = m.id)))`,
    [mailboxIds, sharedMailboxIds, practiceId],
  );
}

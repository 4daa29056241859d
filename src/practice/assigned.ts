/**
 * Uids that an epoch assigns without having seen them arrive: older mails that are listed by their date, and those that an
 * earlier epoch of the same numbering was closed before it could copy. Their rows wait in state assigned.
 */

import { appendAudit } from '../audit/audit.ts';
import type { Sql } from '../ledger/ledger.ts';
import { amsterdamDay } from '../shared/amsterdam.ts';
import { type MailId, newId } from '../shared/ids.ts';
import type { Epoch } from './epochs.ts';

/** A mail that the server listed by its date. */
export interface ListedMail {
  readonly uid: number;
  readonly internalDate: Date;
}

/**
 * Assigns older mails in an epoch that is open already: those without a row under this numbering, and those that were
 * discarded because forwarding was disabled. Answers how many.
 */
export async function assignOlder(
  tx: Sql,
  epoch: Epoch,
  listed: readonly ListedMail[],
  actor: string,
): Promise<number> {
  const older = listed.filter((mail) => mail.uid < epoch.startUid);
  const assigned = await insertListed(tx, epoch, older, NOT_ACCOUNTED_FOR);
  if (assigned > 0) {
    const fields = { assigned };
    await appendAudit(tx, [
      { event: 'mailbox.older-assigned', actor, objectKind: 'mailbox', objectId: epoch.mailboxId, fields },
    ]);
  }
  return assigned;
}

const WAS_DISABLED = `m.reason = 'practice.disabled' or exists (select 1 from report r join delivery d on d.report_id = r.id
  where r.mail_id = m.id and d.state = 'discarded' and d.reason = 'practice.disabled')`;
const NOT_ACCOUNTED_FOR = `not exists (select 1 from mail m join epoch e on e.id = m.epoch_id join epoch o on o.id = $2
  where e.mailbox_id = o.mailbox_id and e.uid_validity = o.uid_validity and m.uid = u.uid and (${WAS_DISABLED}) is not true)`;

/** Listed mails as rows that wait; `which` says in SQL which of them, all unless it says less. Answers how many. */
export async function insertListed(
  tx: Sql,
  epoch: Pick<Epoch, 'id' | 'mailboxId'>,
  listed: readonly ListedMail[],
  which = 'true',
): Promise<number> {
  const inserted = await tx.query(
    `insert into mail (id, source, mailbox_id, epoch_id, uid, internal_date, day, state)
     select u.id, 'mailbox', $1, $2, u.uid, u.internal_date, u.day, 'assigned'
     from unnest($3::uuid[], $4::bigint[], $5::timestamptz[], $6::date[]) as u (id, uid, internal_date, day)
     where ${which} on conflict (epoch_id, uid) do nothing`,
    [
      epoch.mailboxId,
      epoch.id,
      listed.map(() => newId<MailId>()),
      listed.map((mail) => mail.uid),
      listed.map((mail) => mail.internalDate),
      listed.map((mail) => amsterdamDay(mail.internalDate)),
    ],
  );
  await countListed(tx, epoch.id, inserted.count);
  return inserted.count;
}

async function countListed(tx: Sql, epochId: string, more: number): Promise<void> {
  await tx.query('update epoch set listed_count = listed_count + $2 where id = $1', [epochId, more]);
}

/** A closed epoch with uids that were assigned and never copied. */
export interface UnfinishedEpoch {
  readonly id: string;
  readonly uidValidity: number;
  readonly uidNext: number;
}

/** Locked, so that the sweeper's discarding after 7 days comes wholly before or wholly after. */
export async function unfinishedEpochs(tx: Sql, mailboxId: string): Promise<readonly UnfinishedEpoch[]> {
  const { rows } = await tx.query<UnfinishedEpoch>(
    `select id, uid_validity as "uidValidity", uid_next as "uidNext" from epoch e
     where mailbox_id = $1 and closed_at is not null and (cursor_uid < uid_next - 1
       or exists (select 1 from mail m where m.epoch_id = e.id and m.state = 'assigned'))
     order by id for update`,
    [mailboxId],
  );
  return rows;
}

/** Moves what a closed epoch still had to copy: the open one counts it from now on, the closed one no longer. */
export async function takeOverUncopied(tx: Sql, closedId: string, openId: string): Promise<number> {
  const rows = await tx.query(
    `update mail set epoch_id = $2 where epoch_id = $1 and state = 'assigned'
       and not exists (select 1 from mail other where other.epoch_id = $2 and other.uid = mail.uid)`,
    [closedId, openId],
  );
  // Their dates are not known yet: the copy fills them in.
  const never = await tx.query(
    `insert into mail (id, source, mailbox_id, epoch_id, uid, day, state)
     select gen_random_uuid(), 'mailbox', e.mailbox_id, $2, u.uid, (now() at time zone 'Europe/Amsterdam')::date, 'assigned'
     from epoch e, generate_series(e.cursor_uid + 1, e.uid_next - 1) as u (uid) where e.id = $1
     on conflict (epoch_id, uid) do nothing`,
    [closedId, openId],
  );
  await tx.query('update epoch set uid_next = cursor_uid + 1, listed_count = listed_count - $2 where id = $1', [
    closedId,
    rows.count,
  ]);
  await countListed(tx, openId, rows.count + never.count);
  return rows.count + never.count;
}

/**
 * Epochs: which uids of a mailbox are ours to account for. One is open per watched mailbox; a change of uidValidity, or
 * enabling after disabling, closes it and opens the next. Rows of an old epoch stay.
 */

import { appendAudit } from '../audit/audit.ts';
import type { Sql } from '../ledger/ledger.ts';
import { newId } from '../shared/ids.ts';
import { insertListed, type ListedMail, takeOverUncopied } from './assigned.ts';

export interface Epoch {
  readonly id: string;
  readonly mailboxId: string;
  readonly uidValidity: number;
  readonly startUid: number;
  readonly cursorUid: number;
  readonly uidNext: number;
}

/** What stands in the mailbox when an epoch opens. `listed`: older uids that are assigned by their date. */
export interface EpochStart {
  readonly mailboxId: string;
  readonly uidValidity: number;
  readonly uidNext: number;
  readonly listed: readonly ListedMail[];
  /** Closed epochs of the same numbering: what they still had to copy comes along. */
  readonly takesOver?: readonly string[];
}

export async function openEpochOf(sql: Sql, mailboxId: string): Promise<Epoch | null> {
  const { rows } = await sql.query<Epoch>(
    `select id, mailbox_id as "mailboxId", uid_validity as "uidValidity", start_uid as "startUid",
       cursor_uid as "cursorUid", uid_next as "uidNext"
     from epoch where mailbox_id = $1 and closed_at is null`,
    [mailboxId],
  );
  return rows[0] ?? null;
}

/** The earliest moment of which a mailbox's mail was ever ours: an epoch opened, or a mail that was listed by its date. */
export async function firstMoment(sql: Sql, mailboxId: string): Promise<Date | null> {
  const { rows } = await sql.query<{ at: Date | null }>(
    `select least((select min(opened_at) from epoch where mailbox_id = $1),
       (select min(internal_date) from mail where mailbox_id = $1 and source = 'mailbox')) as at`,
    [mailboxId],
  );
  return rows[0]?.at ?? null;
}

/** Opens an epoch that starts at uidNext; listed older uids, and those taken over, become rows that wait to be copied. */
export async function openEpoch(tx: Sql, start: EpochStart, actor: string): Promise<Epoch> {
  const { mailboxId, uidValidity, uidNext } = start;
  const epoch: Epoch = {
    id: newId(),
    mailboxId,
    uidValidity,
    startUid: uidNext,
    cursorUid: uidNext - 1,
    uidNext,
  };
  await tx.query(
    `insert into epoch (id, mailbox_id, uid_validity, start_uid, cursor_uid, uid_next)
     values ($1, $2, $3, $4, $4::bigint - 1, $4)`,
    [epoch.id, mailboxId, uidValidity, uidNext],
  );
  let takenOver = 0;
  for (const closedId of start.takesOver ?? []) takenOver += await takeOverUncopied(tx, closedId, epoch.id);
  await insertListed(tx, epoch, start.listed);
  const fields = { startUid: uidNext, listed: start.listed.length, takenOver };
  await appendAudit(tx, [{ event: 'mailbox.epoch-opened', actor, objectKind: 'mailbox', objectId: mailboxId, fields }]);
  return epoch;
}

/** Closes the open epoch of a mailbox, if any; `uidNext` is where assigning stops, null where the server could not be asked. */
export async function closeEpochs(tx: Sql, mailboxId: string, uidNext: number | null, actor: string): Promise<void> {
  const closed = await tx.query(
    'update epoch set closed_at = now(), uid_next = greatest(uid_next, $2::bigint) where mailbox_id = $1 and closed_at is null',
    [mailboxId, uidNext],
  );
  if (closed.count === 0) return;
  await appendAudit(tx, [{ event: 'mailbox.epoch-closed', actor, objectKind: 'mailbox', objectId: mailboxId }]);
}

/**
 * Moves the cursor, only for the worker that owns the mailbox in this epoch of ownership. False: it is another's now,
 * and the transaction must be given up.
 */
export async function claimEpochRange(
  tx: Sql,
  owner: { readonly mailboxId: string; readonly workerId: string; readonly epoch: number },
  range: { readonly epochId: string; readonly fromCursor: number; readonly toCursor: number; readonly uidNext: number },
): Promise<boolean> {
  const owned = await tx.query(
    'update mailbox set last_polled_at = now() where id = $1 and owner_id = $2 and owner_epoch = $3',
    [owner.mailboxId, owner.workerId, owner.epoch],
  );
  if (owned.count === 0) return false;
  const moved = await tx.query(
    `update epoch set cursor_uid = $3, uid_next = greatest(uid_next, $4)
     where id = $1 and cursor_uid = $2 and closed_at is null`,
    [range.epochId, range.fromCursor, range.toCursor, range.uidNext],
  );
  return moved.count === 1;
}

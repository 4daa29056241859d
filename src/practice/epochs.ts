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

/** A worker's claim to a part of an epoch: it owns the mailbox, and copied these uids. */
export interface EpochClaim {
  readonly owner: { readonly mailboxId: string; readonly workerId: string; readonly epoch: number };
  readonly range: {
    readonly epochId: string;
    readonly fromCursor: number;
    readonly toCursor: number;
    readonly uidNext: number;
  };
}

/**
 * Moves the cursors of these epochs, each only for the worker that owns the mailbox in this epoch of ownership. Answers each
 * claim in its place; what was to be recorded with one that is false must not be: the mailbox is another's now, or the epoch
 * was closed. Of two claims to one epoch, as a former owner and the next one of the same worker make, one at most is true.
 */
export async function claimEpochRanges(tx: Sql, claims: readonly EpochClaim[]): Promise<readonly boolean[]> {
  const { rows } = await tx.query<{ place: number }>(
    `with claim as (
         select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[]) with ordinality
           as c (mailbox_id, worker_id, owner_epoch, epoch_id, from_cursor, to_cursor, uid_next, place) order by mailbox_id),
       owned as (
         update mailbox m set last_polled_at = now() from claim c
         where m.id = c.mailbox_id and m.owner_id = c.worker_id and m.owner_epoch = c.owner_epoch returning c.place)
     update epoch e set cursor_uid = c.to_cursor, uid_next = greatest(e.uid_next, c.uid_next)
     from claim c join owned o on o.place = c.place
     where e.id = c.epoch_id and e.cursor_uid = c.from_cursor and e.closed_at is null returning c.place`,
    [
      claims.map(({ owner }) => owner.mailboxId),
      claims.map(({ owner }) => owner.workerId),
      claims.map(({ owner }) => owner.epoch),
      claims.map(({ range }) => range.epochId),
      claims.map(({ range }) => range.fromCursor),
      claims.map(({ range }) => range.toCursor),
      claims.map(({ range }) => range.uidNext),
    ],
  );
  const moved = new Set(rows.map(({ place }) => place));
  return claims.map((_, index) => moved.has(index + 1));
}

/** The same of one. False: the transaction must be given up. */
export async function claimEpochRange(
  tx: Sql,
  owner: EpochClaim['owner'],
  range: EpochClaim['range'],
): Promise<boolean> {
  const [isOurs = false] = await claimEpochRanges(tx, [{ owner, range }]);
  return isOurs;
}

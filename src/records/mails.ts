/** Statements on mails and on the batches they are read in. */

import type { Sql } from '../ledger/ledger.ts';
import type { BatchId, MailboxId, MailId } from '../shared/ids.ts';

export interface CopiedRow {
  readonly id: MailId;
  readonly uid: number;
  readonly internalDate: Date;
  /** Amsterdam date of internalDate. */
  readonly day: string;
  readonly bytes: number;
  /** Keyed digest of the raw bytes. */
  readonly digest: Buffer | null;
  /** Ciphertext; null for a mail that was too large to copy. */
  readonly content: Buffer | null;
}

export interface CopyPlace {
  readonly mailboxId: MailboxId;
  readonly epochId: string;
  readonly batchId: BatchId;
}

/** How long a batch or delivery may take before the sweeper looks after it. */
const CHECK_SECONDS = 30;
/** How long a claim on rows lasts; whoever reads renews it (renewMails), so that a dead reader's mails are soon another's. */
const LEASE_SECONDS = 30;

/** Mails of one mailbox that go into one batch. */
export interface CopiedPart {
  readonly place: CopyPlace;
  readonly rows: readonly CopiedRow[];
}

export interface NewBatch {
  readonly id: BatchId;
  /** null: its mails are of several mailboxes, or replayed. */
  readonly mailboxId: MailboxId | null;
}

/** Answers the moment of the transaction, by the ledger's clock. */
export async function insertBatches(tx: Sql, batches: readonly NewBatch[]): Promise<Date> {
  const { rows } = await tx.query<{ at: Date }>(
    `insert into read_batch (id, mailbox_id, next_check_at)
     select id, mailbox_id, now() + make_interval(secs => ${CHECK_SECONDS}) from unnest($1::uuid[], $2::uuid[]) as b (id, mailbox_id)
     returning created_at as at`,
    [batches.map(({ id }) => id), batches.map(({ mailboxId }) => mailboxId)],
  );
  return rows[0]?.at ?? new Date(0);
}

/** The same of one. */
export function insertBatch(tx: Sql, id: BatchId, mailboxId: MailboxId | null): Promise<Date> {
  return insertBatches(tx, [{ id, mailboxId }]);
}

/** Mails that were just copied, of many mailboxes in one statement. */
export async function insertCopied(tx: Sql, parts: readonly CopiedPart[]): Promise<void> {
  const all = parts.flatMap(({ place, rows }) => rows.map((row) => ({ ...row, ...place })));
  if (all.length === 0) return;
  await tx.query(
    `insert into mail (id, source, mailbox_id, epoch_id, uid, internal_date, day, bytes, digest, content, state, read_batch_id, copied_at)
     select r.id, 'mailbox', r.mailbox_id, r.epoch_id, r.uid, r.internal_date, r.day, r.bytes, r.digest, r.content, 'copied', r.batch_id, now()
     from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::timestamptz[], $7::date[], $8::int[], $9::bytea[], $10::bytea[])
       as r (id, mailbox_id, epoch_id, batch_id, uid, internal_date, day, bytes, digest, content)`,
    [
      all.map((row) => row.id),
      all.map((row) => row.mailboxId),
      all.map((row) => row.epochId),
      all.map((row) => row.batchId),
      all.map((row) => row.uid),
      all.map((row) => row.internalDate),
      all.map((row) => row.day),
      all.map((row) => row.bytes),
      all.map((row) => row.digest),
      all.map((row) => row.content),
    ],
  );
}

/** A mail that a developer or Customer Care put in again: outside the mailbox accounting. */
export interface ReplayedMail {
  readonly id: MailId;
  readonly internalDate: Date;
  readonly day: string;
  readonly bytes: number;
  readonly digest: Buffer;
  readonly content: Buffer;
}

export async function insertReplayed(
  tx: Sql,
  place: { readonly batchId: BatchId; readonly mailboxId: MailboxId | null },
  rows: readonly ReplayedMail[],
): Promise<void> {
  for (const row of rows) {
    await tx.query(
      `insert into mail (id, source, mailbox_id, internal_date, day, bytes, digest, content, state, read_batch_id, copied_at)
       values ($1, 'replay', $2, $3, $4, $5, $6, $7, 'copied', $8, now())`,
      [row.id, place.mailboxId, row.internalDate, row.day, row.bytes, row.digest, row.content, place.batchId],
    );
  }
}

/** Rows that were assigned before they were seen and are copied now: they keep their id and are filled. */
export async function setAssignedCopied(tx: Sql, parts: readonly CopiedPart[]): Promise<void> {
  const all = parts.flatMap(({ place: { batchId }, rows }) => rows.map((row) => ({ ...row, batchId })));
  if (all.length === 0) return;
  await tx.query(
    `update mail m set state = 'copied', bytes = r.bytes, digest = r.digest, content = r.content, read_batch_id = r.batch_id,
       internal_date = r.internal_date, day = r.day, copied_at = now(), is_untimed = true
     from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::date[], $5::int[], $6::bytea[], $7::bytea[])
       as r (id, batch_id, internal_date, day, bytes, digest, content)
     where m.id = r.id and m.state = 'assigned'`,
    [
      all.map((row) => row.id),
      all.map((row) => row.batchId),
      all.map((row) => row.internalDate),
      all.map((row) => row.day),
      all.map((row) => row.bytes),
      all.map((row) => row.digest),
      all.map((row) => row.content),
    ],
  );
}

/** Uids that were assigned but gone before we saw them; `ids` and `uids` in step. Rows that wait are filled in. */
export async function markVanished(
  tx: Sql,
  place: { readonly mailboxId: string; readonly epochId: string },
  gone: readonly { readonly id: MailId; readonly uid: number }[],
  day: string,
): Promise<void> {
  if (gone.length === 0) return;
  await tx.query(
    `insert into mail (id, source, mailbox_id, epoch_id, uid, day, state, verdict, read_at)
     select g.id, 'mailbox', $1, $2, g.uid, $5, 'read', 'vanished', now() from unnest($3::uuid[], $4::bigint[]) as g (id, uid)
     on conflict (epoch_id, uid) do update set state = 'read', verdict = 'vanished', day = excluded.day, read_at = now()
       where mail.state = 'assigned'`,
    [place.mailboxId, place.epochId, gone.map((mail) => mail.id), gone.map((mail) => mail.uid), day],
  );
}

/**
 * What an epoch still had to copy when the server renumbered the mailbox: those uids name nothing any more. Where the
 * mails are still there, the next epoch has them under other uids. Answers how many.
 */
export async function markRenumbered(tx: Sql, epochId: string, day: string): Promise<number> {
  const assigned = await tx.query(
    `update mail set state = 'read', verdict = 'vanished', day = $2, read_at = now() where epoch_id = $1 and state = 'assigned'`,
    [epochId, day],
  );
  const never = await tx.query(
    `insert into mail (id, source, mailbox_id, epoch_id, uid, day, state, verdict, read_at)
     select gen_random_uuid(), 'mailbox', e.mailbox_id, e.id, u.uid, $2, 'read', 'vanished', now()
     from epoch e, generate_series(e.cursor_uid + 1, e.uid_next - 1) as u (uid) where e.id = $1`,
    [epochId, day],
  );
  await tx.query('update epoch set cursor_uid = uid_next - 1 where id = $1', [epochId]);
  return assigned.count + never.count;
}

/** Older uids that still wait to be copied, ascending. */
export async function waitingAssigned(
  sql: Sql,
  epochId: string,
  most: number,
): Promise<readonly { readonly id: MailId; readonly uid: number }[]> {
  const { rows } = await sql.query<{ id: MailId; uid: number }>(
    `select id, uid from mail where epoch_id = $1 and state = 'assigned' order by uid limit $2`,
    [epochId, most],
  );
  return rows;
}

export interface ClaimedMail {
  readonly id: MailId;
  readonly mailboxId: MailboxId | null;
  /** Of its mailbox; null for a replayed file. */
  readonly purpose: 'laboratory' | 'return' | null;
  readonly internalDate: Date | null;
  readonly copiedAt: Date;
  readonly bytes: number;
  readonly digest: Buffer | null;
  readonly content: Buffer | null;
  /** How often reading this mail was begun, this time included. */
  readonly readAttempts: number;
}

/** What was claimed of batches. */
export interface ClaimedMails {
  readonly mails: readonly ClaimedMail[];
  /** Nothing else of them waited: they need not be asked again. */
  readonly areAll: boolean;
}

/** Mails claimed at once: as many ciphertexts are in memory. */
const CLAIM_MOST = 50;

/**
 * Takes mails of these batches that wait to be read, so many at once; those that another worker reads now are left out. Mails larger than
 * `togetherMaxBytes` and mails whose reading was begun before and never ended come last and one at a time, so that the
 * one that takes a reader down is found and the others of its batch neither are blamed nor wait for it.
 */
export async function claimMails(
  sql: Sql,
  batchIds: readonly string[],
  leaseToken: string,
  togetherMaxBytes: number,
): Promise<ClaimedMails> {
  const together = await claimSome(sql, batchIds, leaseToken, { togetherMaxBytes, most: CLAIM_MOST });
  if (together.mails.length > 0) return together;
  return claimSome(sql, batchIds, leaseToken, { togetherMaxBytes: null, most: 1 });
}

async function claimSome(
  sql: Sql,
  batchIds: readonly string[],
  leaseToken: string,
  which: { readonly togetherMaxBytes: number | null; readonly most: number },
): Promise<ClaimedMails> {
  const { rows } = await sql.query<ClaimedMail & { readonly waiting: number }>(
    `update mail set lease_token = $2, lease_until = now() + make_interval(secs => ${LEASE_SECONDS}), read_attempts = read_attempts + 1
     where id in (select id from mail where read_batch_id = any($1::uuid[]) and state = 'copied' and (lease_until is null or lease_until < now())
                  and ($4::int is null or read_attempts = 0 and bytes <= $4) order by read_attempts, id limit $3 for update skip locked)
     returning id, mailbox_id as "mailboxId", internal_date as "internalDate", copied_at as "copiedAt", bytes, digest, content,
       read_attempts as "readAttempts", (select b.purpose from mailbox b where b.id = mail.mailbox_id) as purpose,
       (select count(*) from mail w where w.read_batch_id = any($1::uuid[]) and w.state = 'copied') as waiting`,
    [batchIds, leaseToken, which.most, which.togetherMaxBytes],
  );
  const mails = rows.map(({ waiting: _, ...mail }) => mail).sort((a, b) => (a.id < b.id ? -1 : 1));
  return { mails, areAll: mails.length > 0 && rows[0]?.waiting === mails.length };
}

/**
 * The earliest INTERNALDATE that these bytes were ever seen with: the version of a message that states no time.
 * `digests`: of the bytes, under every live key.
 */
export async function earliestDate(sql: Sql, digests: readonly Buffer[]): Promise<Date | null> {
  const { rows } = await sql.query<{ earliest: Date | null }>(
    'select min(internal_date) as earliest from mail where digest = any($1::bytea[])',
    [digests],
  );
  return rows[0]?.earliest ?? null;
}

/** Keeps a claim while its mails are being read. */
export async function renewMails(sql: Sql, leaseToken: string): Promise<void> {
  await sql.query(
    `update mail set lease_until = now() + make_interval(secs => ${LEASE_SECONDS}) where lease_token = $1 and state = 'copied'`,
    [leaseToken],
  );
}

/**
 * Gives a claim back: the step failed for a reason that is not the mails'. `ended`: mails that were read to their end under
 * it; they get their attempt back also where the claim has passed to another meanwhile, since only readings that never
 * ended are held against a mail.
 */
export async function releaseMails(sql: Sql, leaseToken: string, ended: readonly MailId[] = []): Promise<void> {
  await sql.query(
    `update mail set read_attempts = greatest(read_attempts - 1, 0),
       lease_token = nullif(lease_token, $1::uuid), lease_until = case when lease_token is distinct from $1::uuid then lease_until end
     where state = 'copied' and (lease_token = $1::uuid or id = any($2::uuid[]))`,
    [leaseToken, ended],
  );
}

/** Mails that were read to their end after their claim had passed to another: that reading is not held against them. */
export async function uncountReadings(tx: Sql, mailIds: readonly string[]): Promise<void> {
  if (mailIds.length === 0) return;
  await tx.query(
    `update mail set read_attempts = greatest(read_attempts - 1, 0) where id = any($1::uuid[]) and state = 'copied'`,
    [mailIds],
  );
}

/** Lets go of mails whose reading was ended: the attempt counts, and they may be claimed again at once. */
export async function leaveMails(sql: Sql, leaseToken: string): Promise<void> {
  await sql.query(
    `update mail set lease_token = null, lease_until = null where lease_token = $1 and state = 'copied'`,
    [leaseToken],
  );
}

/** Batches whose mails wait and that no worker looks after: generation raised, to be added to the queue again. */
export async function overdueBatches(
  sql: Sql,
  most: number,
): Promise<readonly { readonly id: BatchId; readonly generation: number }[]> {
  const { rows } = await sql.query<{ id: BatchId; generation: number }>(
    `update read_batch b set generation = generation + 1, next_check_at = now() + make_interval(secs => ${CHECK_SECONDS})
     where b.id in (
       select distinct m.read_batch_id from mail m join read_batch o on o.id = m.read_batch_id
       where m.state = 'copied' and (m.lease_until is null or m.lease_until < now()) and o.next_check_at < now() limit $1)
       and b.next_check_at < now()
     returning b.id, b.generation`,
    [most],
  );
  return rows;
}

/** Statements on mailboxes. The password is sealed under the mailbox's own data key. */

import { appendAudit } from '../audit/audit.ts';
import { isShredded, type Keys } from '../keys/keys.ts';
import type { Sql } from '../ledger/ledger.ts';
import { Failure } from '../shared/failure.ts';
import { type MailboxId, newId, type PracticeId } from '../shared/ids.ts';
import { CHANGES } from './changes.ts';
import type { Mailbox, MailboxKind, MailboxPurpose } from './practice.ts';

/** Structurally the account that mailbox/ opens: practice/ does not know IMAP. */
export interface StoredAccount {
  readonly host: string;
  readonly port: number;
  readonly security: 'tls' | 'starttls';
  readonly username: string;
  readonly password: string;
  readonly path: string;
  readonly ca: string | null;
}

export interface NewMailbox extends StoredAccount {
  readonly name: string;
  readonly kind: MailboxKind;
  /** laboratory, unless said otherwise. */
  readonly purpose?: MailboxPurpose;
}

/**
 * Adds a mailbox for one or more practices, or for none: a return mailbox is nobody's but ours. One of the same name is
 * linked instead, so that practices can share it, if it is the same mailbox. Throws `practice.mailbox-differs` or
 * `practice.mailbox-password-differs` where it is not, `practice.mailbox-shredded` where its keys were destroyed, and
 * `practice.mailbox-other-purpose` where the same folder is there for another purpose: each would read the other's mail.
 */
export async function addMailbox(
  tx: Sql,
  keys: Keys,
  mailbox: NewMailbox,
  practiceIds: readonly PracticeId[],
  actor: string,
): Promise<MailboxId> {
  await lockFolder(tx, mailbox);
  const id = (await existingMailbox(tx, keys, mailbox)) ?? (await insertMailbox(tx, keys, mailbox, actor));
  for (const practiceId of practiceIds) {
    const linked = await tx.query(
      'insert into mailbox_practice (mailbox_id, practice_id) values ($1, $2) on conflict do nothing',
      [id, practiceId],
    );
    if (linked.count === 0) continue;
    await appendAudit(tx, [{ event: 'mailbox.linked', actor, objectKind: 'mailbox', objectId: id, practiceId }]);
    await tx.query('select pg_notify($1, $2)', [CHANGES, practiceId]);
  }
  return id;
}

const SAME = ['host', 'port', 'security', 'username', 'path'] as const;

/** The mailbox of this name, or null. Throws where that is another one: its mail would be taken for the new practice's. */
export async function existingMailbox(sql: Sql, keys: Keys, mailbox: NewMailbox): Promise<MailboxId | null> {
  await requireOnePurpose(sql, mailbox);
  const { rows } = await sql.query<{ id: MailboxId }>('select id from mailbox where name = $1', [mailbox.name]);
  const id = rows[0]?.id;
  if (id === undefined) return null;
  if (await isShredded(sql, { purpose: 'mailbox', id }))
    throw new Failure('practice.mailbox-shredded', { kind: 'permanent' });
  const stored = await mailboxAccount(sql, keys, id);
  const differs = SAME.filter((field) => stored[field] !== mailbox[field]).join(' ');
  if (differs !== '') throw new Failure('practice.mailbox-differs', { kind: 'permanent', fields: { differs } });
  if (stored.password !== mailbox.password)
    throw new Failure('practice.mailbox-password-differs', { kind: 'permanent' });
  return id;
}

// By label or by address, however those are written, and whether it is watched now or not: it may be again.
async function requireOnePurpose(sql: Sql, { name, host, username, path, purpose }: NewMailbox): Promise<void> {
  const other = await sql.query(
    `select 1 from mailbox m where m.purpose <> $5 and (m.name = $1 or (lower(m.host) = lower($2) and lower(m.username) = lower($3)
       and lower(m.path) = lower($4)))`,
    [name, host, username, path, purpose ?? 'laboratory'],
  );
  if (other.count > 0) throw new Failure('practice.mailbox-other-purpose', { kind: 'permanent' });
}

// Of two who add one folder at the same moment, for two purposes, the second sees the first.
async function lockFolder(tx: Sql, { host, username, path }: NewMailbox): Promise<void> {
  await tx.query('select pg_advisory_xact_lock(hashtextextended(lower($1), 0))', [`${host} ${username} ${path}`]);
}

async function insertMailbox(tx: Sql, keys: Keys, mailbox: NewMailbox, actor: string): Promise<MailboxId> {
  const id = newId<MailboxId>();
  const { kind, purpose = 'laboratory' } = mailbox;
  const password = await keys.seal(passwordPlace(id), Buffer.from(mailbox.password));
  await tx.query(
    `insert into mailbox (id, name, kind, purpose, host, port, security, username, password, path, ca)
     values ($1, $2, $3, $11, $4, $5, $6, $7, $8, $9, $10)`,
    [
      id,
      mailbox.name,
      kind,
      mailbox.host,
      mailbox.port,
      mailbox.security,
      mailbox.username,
      password,
      mailbox.path,
      mailbox.ca,
      purpose,
    ],
  );
  await appendAudit(tx, [
    { event: 'mailbox.added', actor, objectKind: 'mailbox', objectId: id, fields: { kind, purpose } },
  ]);
  return id;
}

function passwordPlace(id: string) {
  return { table: 'mailbox', rowId: id, owner: { purpose: 'mailbox', id } } as const;
}

const SELECT = `select m.id, m.name, m.kind, m.purpose, m.host, m.port, m.security, m.path, m.last_polled_at as "lastPolledAt", m.trouble from mailbox m`;

export async function mailboxesOf(sql: Sql, practiceId: string): Promise<readonly Mailbox[]> {
  const where = 'join mailbox_practice mp on mp.mailbox_id = m.id where mp.practice_id = $1 order by m.name';
  return (await sql.query<Mailbox>(`${SELECT} ${where}`, [practiceId])).rows;
}

/** The mailboxes that answers to what we sent come to, watched or not, by name. */
export async function returnMailboxes(sql: Sql): Promise<readonly Mailbox[]> {
  return (await sql.query<Mailbox>(`${SELECT} where m.purpose = 'return' order by m.name`)).rows;
}

/** By its label; null where there is none. */
export async function findMailbox(sql: Sql, name: string): Promise<Mailbox | null> {
  return (await sql.query<Mailbox>(`${SELECT} where m.name = $1`, [name])).rows[0] ?? null;
}

/** A mailbox whose keys were destroyed: its password cannot be read, so it serves nobody any more. Its rows stay. */
export async function retireMailbox(tx: Sql, id: string): Promise<void> {
  await tx.query('delete from mailbox_practice where mailbox_id = $1', [id]);
  await tx.query('update mailbox set owner_id = null, owner_epoch = owner_epoch + 1 where id = $1', [id]);
}

/** Host, user and opened password of a mailbox. */
export async function mailboxAccount(sql: Sql, keys: Keys, id: string): Promise<StoredAccount> {
  const row = await storedAccount(sql, id);
  return { ...row, password: (await keys.open(passwordPlace(id), row.password)).toString() };
}

/** The same with another password; the stored one is not opened. */
export async function accountWithPassword(sql: Sql, id: string, password: string): Promise<StoredAccount> {
  return { ...(await storedAccount(sql, id)), password };
}

async function storedAccount(sql: Sql, id: string): Promise<Omit<StoredAccount, 'password'> & { password: Buffer }> {
  const { rows } = await sql.query<Omit<StoredAccount, 'password'> & { password: Buffer }>(
    'select host, port, security, username, password, path, ca from mailbox where id = $1',
    [id],
  );
  const row = rows[0];
  if (row === undefined) throw new Failure('practice.unknown-mailbox', { kind: 'permanent', fields: { mailbox: id } });
  return row;
}

/**
 * Another password, for every practice that shares the mailbox. Its owner loses it: a commit of the connection under the
 * former password changes nothing, and whoever takes the mailbox next logs in with the new one.
 */
export async function setMailboxPassword(
  tx: Sql,
  keys: Keys,
  where: { readonly mailboxId: MailboxId; readonly practiceId: PracticeId | null },
  password: string,
  actor: string,
): Promise<void> {
  const { mailboxId, practiceId } = where;
  const sealed = await keys.seal(passwordPlace(mailboxId), Buffer.from(password));
  await tx.query(
    'update mailbox set password = $2, password_set_at = now(), owner_id = null, owner_epoch = owner_epoch + 1, trouble = null where id = $1',
    [mailboxId, sealed],
  );
  await appendAudit(tx, [
    { event: 'mailbox.password-set', actor, objectKind: 'mailbox', objectId: mailboxId, practiceId },
  ]);
  await tx.query('select pg_notify($1, $2)', [CHANGES, practiceId ?? '']);
}

/**
 * Locks a practice and its mailboxes, these in order of id, and answers them: before anything is switched, so that of two
 * switches at the same moment the second sees what the first did. No stronger than that: a link that is being added holds
 * its mailbox and practice by their keys.
 */
export async function lockMailboxesOf(tx: Sql, practiceId: string): Promise<readonly Mailbox[]> {
  await tx.query('select 1 from practice where id = $1 for no key update', [practiceId]);
  const ids = 'select mailbox_id from mailbox_practice where practice_id = $1';
  await tx.query(`select 1 from mailbox where id in (${ids}) order by id for no key update`, [practiceId]);
  return mailboxesOf(tx, practiceId);
}

/** Locks one mailbox before its epoch changes, as lockMailboxesOf does. */
export async function lockMailbox(tx: Sql, mailboxId: string): Promise<void> {
  await tx.query('select 1 from mailbox where id = $1 for no key update', [mailboxId]);
}

/** The code of a failed visit, or null after a good one: what Customer Care sees of a mailbox. */
export async function recordTrouble(sql: Sql, mailboxId: string, code: string | null): Promise<void> {
  await sql.query('update mailbox set trouble = $2 where id = $1 and trouble is distinct from $2', [mailboxId, code]);
}

/** When the uids of a mailbox were last compared with its server's; null: never. */
export async function lastReconciled(sql: Sql, mailboxId: string): Promise<Date | null> {
  const { rows } = await sql.query<{ at: Date | null }>('select reconciled_at as at from mailbox where id = $1', [
    mailboxId,
  ]);
  return rows[0]?.at ?? null;
}

export async function recordReconciled(sql: Sql, mailboxId: string): Promise<void> {
  await sql.query('update mailbox set reconciled_at = now() where id = $1', [mailboxId]);
}

/** Every mailbox with an open epoch, by name. */
export async function watchedMailboxes(sql: Sql): Promise<readonly Mailbox[]> {
  const where =
    'where exists (select 1 from epoch e where e.mailbox_id = m.id and e.closed_at is null) order by m.name';
  return (await sql.query<Mailbox>(`${SELECT} ${where}`)).rows;
}

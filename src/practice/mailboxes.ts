/** Statements on mailboxes. The password is sealed under the mailbox's own data key. */

import { appendAudit } from '../audit/audit.ts';
import type { Keys } from '../keys/keys.ts';
import type { Sql } from '../ledger/ledger.ts';
import { Failure } from '../shared/failure.ts';
import { type MailboxId, newId, type PracticeId } from '../shared/ids.ts';
import { CHANGES } from './changes.ts';
import type { Mailbox, MailboxKind } from './practice.ts';

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
}

/** Adds a mailbox for one or more practices; an existing name is linked instead, so that practices can share it. */
export async function addMailbox(
  tx: Sql,
  keys: Keys,
  mailbox: NewMailbox,
  practiceIds: readonly PracticeId[],
  actor: string,
): Promise<MailboxId> {
  const id = (await idByName(tx, mailbox.name)) ?? (await insertMailbox(tx, keys, mailbox, actor));
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

async function idByName(tx: Sql, name: string): Promise<MailboxId | null> {
  const { rows } = await tx.query<{ id: MailboxId }>('select id from mailbox where name = $1', [name]);
  return rows[0]?.id ?? null;
}

async function insertMailbox(tx: Sql, keys: Keys, mailbox: NewMailbox, actor: string): Promise<MailboxId> {
  const id = newId<MailboxId>();
  const password = await keys.seal(passwordPlace(id), Buffer.from(mailbox.password));
  await tx.query(
    `insert into mailbox (id, name, kind, purpose, host, port, security, username, password, path, ca)
     values ($1, $2, $3, 'laboratory', $4, $5, $6, $7, $8, $9, $10)`,
    [
      id,
      mailbox.name,
      mailbox.kind,
      mailbox.host,
      mailbox.port,
      mailbox.security,
      mailbox.username,
      password,
      mailbox.path,
      mailbox.ca,
    ],
  );
  await appendAudit(tx, [
    { event: 'mailbox.added', actor, objectKind: 'mailbox', objectId: id, fields: { kind: mailbox.kind } },
  ]);
  return id;
}

function passwordPlace(id: string) {
  return { table: 'mailbox', rowId: id, owner: { purpose: 'mailbox', id } } as const;
}

const SELECT = `select m.id, m.name, m.kind, m.host, m.port, m.security, m.path, m.last_polled_at as "lastPolledAt", m.trouble from mailbox m`;

export async function mailboxesOf(sql: Sql, practiceId: string): Promise<readonly Mailbox[]> {
  const where = 'join mailbox_practice mp on mp.mailbox_id = m.id where mp.practice_id = $1 order by m.name';
  return (await sql.query<Mailbox>(`${SELECT} ${where}`, [practiceId])).rows;
}

/** Host, user and opened password of a mailbox. */
export async function mailboxAccount(sql: Sql, keys: Keys, id: string): Promise<StoredAccount> {
  const { rows } = await sql.query<Omit<StoredAccount, 'password'> & { password: Buffer }>(
    'select host, port, security, username, password, path, ca from mailbox where id = $1',
    [id],
  );
  const row = rows[0];
  if (row === undefined) throw new Failure('practice.unknown-mailbox', { kind: 'permanent', fields: { mailbox: id } });
  return { ...row, password: (await keys.open(passwordPlace(id), row.password)).toString() };
}

/** The code of a failed visit, or null after a good one: what Customer Care sees of a mailbox. */
export async function recordTrouble(sql: Sql, mailboxId: string, code: string | null): Promise<void> {
  await sql.query('update mailbox set trouble = $2 where id = $1 and trouble is distinct from $2', [mailboxId, code]);
}

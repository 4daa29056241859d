/** Statements on practices and their ZorgMail accounts. */

import { appendAudit } from '../audit/audit.ts';
import type { Sql } from '../ledger/ledger.ts';
import { Failure } from '../shared/failure.ts';
import { newId, type PracticeId } from '../shared/ids.ts';
import { CHANGES } from './changes.ts';
import type { BoardMode, Practice, Product } from './practice.ts';

export interface NewPractice {
  readonly agb: string;
  readonly name: string;
  readonly his: string;
  readonly products: readonly Product[];
  /** How results reach the boards; only for a practice with cKIS and cBoards. */
  readonly boards: BoardMode;
  readonly accounts: readonly string[];
}

/** Of `practice p`, as a Practice has them. */
export const PRACTICE_COLUMNS = `p.id, p.agb, p.name, p.his, p.products, p.boards,
  coalesce((select array_agg(account order by account) from zorgmail_account a where a.practice_id = p.id), '{}') as accounts`;

const SELECT = `select ${PRACTICE_COLUMNS} from practice p`;

/** Adds a practice with its accounts. Throws `practice.invalid` with the wrong field, or `practice.exists`. */
export async function addPractice(tx: Sql, practice: NewPractice, actor: string): Promise<PracticeId> {
  requireValid(practice);
  const id = newId<PracticeId>();
  const added = await tx.query(
    'insert into practice (id, agb, name, his, products, boards) values ($1, $2, $3, $4, $5, $6) on conflict (agb) do nothing',
    [id, practice.agb, practice.name, practice.his, [...practice.products], practice.boards],
  );
  if (added.count === 0) throw new Failure('practice.exists', { kind: 'permanent', fields: { agb: practice.agb } });
  for (const account of practice.accounts) {
    const taken = await tx.query(
      'insert into zorgmail_account (account, practice_id) values ($1, $2) on conflict do nothing',
      [account, id],
    );
    if (taken.count === 0) throw new Failure('practice.account-taken', { kind: 'permanent', fields: { account } });
  }
  await appendAudit(tx, [{ event: 'practice.added', actor, objectKind: 'practice', objectId: id, practiceId: id }]);
  await tx.query('select pg_notify($1, $2)', [CHANGES, id]);
  return id;
}

function requireValid(practice: NewPractice): void {
  const invalid = (field: string) => new Failure('practice.invalid', { kind: 'permanent', fields: { field } });
  if (!/^\d{8}$/.test(practice.agb)) throw invalid('agb');
  if (practice.name.trim() === '') throw invalid('name');
  if (practice.his.trim() === '') throw invalid('his');
  if (practice.products.length === 0) throw invalid('products');
  if (practice.accounts.some((account) => !/^\d{8,10}$/.test(account))) throw invalid('zorgmail');
  const hasBoth = practice.products.includes('cKIS') && practice.products.includes('cBoards');
  if ((practice.boards === 'none') === hasBoth) throw invalid('boards');
}

/** By AGB code or id; null where there is none. */
export async function findPractice(sql: Sql, agbOrId: string): Promise<Practice | null> {
  const { rows } = await sql.query<Practice>(`${SELECT} where p.agb = $1 or p.id::text = $1`, [agbOrId]);
  return rows[0] ?? null;
}

export async function listPractices(sql: Sql): Promise<readonly Practice[]> {
  return (await sql.query<Practice>(`${SELECT} order by p.agb`)).rows;
}

/** The practices that a mailbox serves. */
export async function practicesOfMailbox(sql: Sql, mailboxId: string): Promise<readonly Practice[]> {
  return (await practicesOfMailboxes(sql, [mailboxId])).get(mailboxId) ?? [];
}

/** The same of many mailboxes; one that serves nobody is left out. */
export async function practicesOfMailboxes(
  sql: Sql,
  mailboxIds: readonly string[],
): Promise<ReadonlyMap<string, readonly Practice[]>> {
  const { rows } = await sql.query<Practice & { readonly mailboxId: string }>(
    `select mp.mailbox_id as "mailboxId", s.* from mailbox_practice mp join (${SELECT}) s on s.id = mp.practice_id
     where mp.mailbox_id = any($1::uuid[]) order by s.agb`,
    [mailboxIds],
  );
  const served = new Map<string, Practice[]>();
  for (const { mailboxId, ...practice } of rows) {
    const known = served.get(mailboxId) ?? [];
    known.push(practice);
    served.set(mailboxId, known);
  }
  return served;
}

/** What became of mails, for the eyes of a person: ids, states and codes. */

import type { MailOutcome, Sql } from '../ledger/ledger.ts';
import type { MailboxId, MailId } from '../shared/ids.ts';

export interface OutcomeOfMail {
  readonly id: MailId;
  readonly mailbox: string | null;
  readonly uid: number | null;
  readonly outcome: MailOutcome;
  readonly bytes: number | null;
  readonly reports: readonly {
    readonly deliveryId: string;
    readonly target: 'patient-card' | 'board';
    readonly state: string;
    readonly reason: string | null;
    readonly format: string;
    readonly practiceAgb: string | null;
    readonly withheld: number;
    /** Milliseconds since 1970; null while open. */
    readonly settledAtMs: number | null;
  }[];
}

const SELECT = `select o.id, b.name as mailbox, m.uid, o.outcome, m.bytes,
    coalesce((select json_agg(json_build_object('deliveryId', d.id, 'target', d.target, 'state', d.state, 'reason', d.reason, 'format', r.format,
        'practiceAgb', p.agb, 'withheld', r.withheld_count,
        'settledAtMs', round(extract(epoch from d.settled_at) * 1000)) order by d.target desc, r.payload_ordinal, r.report_ordinal)
      from report r join delivery d on d.report_id = r.id left join practice p on p.id = r.practice_id where r.mail_id = o.id), '[]') as reports
  from mail_outcome o join mail m on m.id = o.id left join mailbox b on b.id = m.mailbox_id`;

/** Of the given mails, or of all that came through mailboxes (oldest first). */
export async function mailOutcomes(sql: Sql, ids: readonly MailId[] | null): Promise<readonly OutcomeOfMail[]> {
  const { rows } = await sql.query<OutcomeOfMail>(
    `${SELECT} where ($1::uuid[] is null and o.source = 'mailbox') or o.id = any($1::uuid[]) order by b.name, m.uid, o.id`,
    [ids],
  );
  return rows;
}

export interface SealedMail {
  readonly id: MailId;
  readonly mailboxId: MailboxId | null;
  readonly internalDate: Date | null;
  /** Ciphertext, or null once it was erased. */
  readonly content: Buffer | null;
  /** When it was erased; null while it is there, and for a mail that was too large to copy. */
  readonly erasedAt: Date | null;
}

/** The sealed bytes of a mail, or null where there is no such mail. */
export async function mailContent(sql: Sql, id: string): Promise<SealedMail | null> {
  const { rows } = await sql.query<SealedMail>(
    'select id, mailbox_id as "mailboxId", internal_date as "internalDate", content, erased_at as "erasedAt" from mail where id::text = $1',
    [id],
  );
  return rows[0] ?? null;
}

/** The sealed content of a report, or null once it was erased. */
export async function reportContent(sql: Sql, id: string): Promise<Buffer | null> {
  const { rows } = await sql.query<{ content: Buffer | null }>('select content from report where id = $1', [id]);
  return rows[0]?.content ?? null;
}

/** Whether these mails were read and nothing of them is on its way; what a paused practice keeps back counts as at rest. */
export async function areAtRest(sql: Sql, ids: readonly MailId[]): Promise<boolean> {
  const { count } = await sql.query(
    `select 1 from mail m left join report r on r.mail_id = m.id
       left join delivery d on d.report_id = r.id and d.state in ('ready', 'sending', 'uncertain') and not d.is_parked
     where m.id = any($1::uuid[]) and (m.state <> 'read' or d.id is not null) limit 1`,
    [ids],
  );
  return count === 0;
}

/** A delivery that waits for nobody any more. */
export interface Rested {
  readonly state: string;
  readonly settledAt: Date | null;
  /** When the report's content went; null while it is kept. */
  readonly erasedAt: Date | null;
}

/** By the id of the delivery; null where there is none, or it is not at rest. */
export async function restedDelivery(sql: Sql, id: string): Promise<Rested | null> {
  const { rows } = await sql.query<Rested>(
    `select d.state, d.settled_at as "settledAt", r.erased_at as "erasedAt" from delivery d join report r on r.id = d.report_id
     where d.id::text = $1 and d.state not in ('ready', 'sending', 'uncertain', 'held', 'quarantined')`,
    [id],
  );
  return rows[0] ?? null;
}

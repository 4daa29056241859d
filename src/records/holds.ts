/** Statements on what waits for a person: held and quarantined deliveries. */

import type { Sql } from '../ledger/ledger.ts';
import { Failure } from '../shared/failure.ts';
import { type DeliveryId, isId, type MailId, type ReportId } from '../shared/ids.ts';
import type { OtherCard } from './memory.ts';
import { eraseMail, eraseReport } from './reports.ts';

/** What persons decided on a delivery: kept on its row, read by the checks when it is tried again. */
export interface Override {
  /** Who decided last, and why. */
  readonly by: string;
  readonly reason: string;
  /** The card (Patient id) that the practice confirmed, or null. */
  readonly card: string | null;
  /** What it was held for when this was decided. */
  readonly code: string;
  /** This code and those of earlier decisions that still stand: the checks that are passed over. */
  readonly acknowledged: readonly string[];
  /** How it was to be released, where there was a choice: this one and earlier ones that still stand. */
  readonly choices?: readonly string[];
  /** The card to take results back from before this one is delivered. */
  readonly retractFrom?: string | null;
}

/** The first of two persons who must agree to a discard. */
export interface DiscardWish {
  readonly by: string;
  readonly reason: string;
  /** ISO 8601. */
  readonly at: string;
}

/** After so many days a discard needs two persons. */
const TWO_PERSONS_DAYS = 90;

export interface HeldItem {
  readonly deliveryId: DeliveryId;
  readonly reportId: ReportId;
  readonly mailId: MailId;
  readonly mailboxId: string | null;
  /** The mailbox's label; null for a replayed file. */
  readonly mailbox: string | null;
  /** What its mailbox is for; null for a replayed file. */
  readonly purpose: 'practice' | 'return' | null;
  readonly target: 'patient-card' | 'board';
  readonly state: 'held' | 'quarantined';
  readonly kind: 'report' | 'payload';
  readonly payloadOrdinal: number;
  readonly reason: string;
  readonly detail: string | null;
  readonly practiceId: string | null;
  readonly practiceAgb: string | null;
  readonly laboratory: string | null;
  readonly sender: string | null;
  readonly patientKey: Buffer | null;
  readonly settledAt: Date;
  /** The hold this one joined, or null. */
  readonly originalId: string | null;
  /** What persons decided on it before, or null. */
  readonly override: Override | null;
  /** Where two cards are in doubt: both of them, by the ids of cKIS. */
  readonly cards: CardsInDoubt | null;
  readonly discardWish: DiscardWish | null;
  /** Its mail came so long ago that a discard needs two persons. A release does not begin this anew. */
  readonly needsTwoToDiscard: boolean;
}

/** As the check recorded it (pipeline/checks.ts). */
export interface CardsInDoubt {
  readonly reported: OtherCard;
  readonly first: readonly OtherCard[];
}

const SELECT = `select d.id as "deliveryId", r.id as "reportId", r.mail_id as "mailId", m.mailbox_id as "mailboxId", b.name as mailbox, b.purpose, d.target, d.state, r.kind,
    r.payload_ordinal as "payloadOrdinal", d.reason, d.detail, r.practice_id as "practiceId", p.agb as "practiceAgb", r.laboratory, r.sender,
    r.patient_key as "patientKey", d.settled_at as "settledAt", d.original_id as "originalId", d.override,
    d.receipt -> 'cards' as cards,
    d.discard_wish as "discardWish",
    least(d.settled_at, m.copied_at) < now() - interval '${TWO_PERSONS_DAYS} days' as "needsTwoToDiscard"
  from delivery d join report r on r.id = d.report_id join mail m on m.id = r.mail_id left join practice p on p.id = r.practice_id
    left join mailbox b on b.id = m.mailbox_id
  where d.state in ('held', 'quarantined')`;

/** Everything that waits for a person, oldest first; of one practice (by id) or of all. */
export async function heldItems(sql: Sql, practiceId: string | null): Promise<readonly HeldItem[]> {
  const { rows } = await sql.query<HeldItem>(
    `${SELECT} and ($1::uuid is null or r.practice_id = $1) order by d.settled_at, d.id`,
    [practiceId],
  );
  return rows;
}

/** What waits for a person since a moment or longer, oldest first; what joined a hold is decided on with it, and left out. */
export async function heldSince(sql: Sql, moment: Date): Promise<readonly HeldItem[]> {
  const { rows } = await sql.query<HeldItem>(
    `${SELECT} and d.original_id is null and d.settled_at <= $1 order by d.settled_at, d.id`,
    [moment],
  );
  return rows;
}

/** What of a laboratory that the registry does not know is held for that alone; what joined such a hold is left out. */
export async function heldOfSender(tx: Sql, sender: string): Promise<readonly HeldItem[]> {
  // Skipped where another person decides on it at this moment; that decision then is the one that counts.
  const { rows } = await tx.query<HeldItem>(
    `${SELECT} and d.state = 'held' and d.reason = 'lab.unknown-sender' and d.original_id is null and r.laboratory is null and r.sender = $1
     order by d.id for update of d skip locked`,
    [sender],
  );
  return rows;
}

export async function heldItemById(sql: Sql, id: string): Promise<HeldItem | null> {
  if (!isId(id)) return null;
  const { rows } = await sql.query<HeldItem>(`${SELECT} and d.id = $1 for update of d`, [id]);
  return rows[0] ?? null;
}

/** Those that joined this hold with the same content. */
export async function joinedTo(tx: Sql, id: string): Promise<readonly DeliveryId[]> {
  const { rows } = await tx.query<{ id: DeliveryId }>(
    `select id from delivery where original_id = $1 and state = 'held'`,
    [id],
  );
  return rows.map((row) => row.id);
}

export interface HowReleased {
  /** The batch in which the mail of a payload is read again; null for a report. */
  readonly batchId: string | null;
  readonly override: Override | null;
}

/**
 * A held report goes back to ready with all its attempts, and all checks run again but those that the override names;
 * what joined it becomes its duplicate. A payload that was not understood is forgotten and its mail waits to be read
 * again, in the given batch. Answers the generation of the job to add; 0: somebody else released it before.
 */
export async function releaseHeld(tx: Sql, item: HeldItem, how: HowReleased): Promise<number> {
  await settleJoined(tx, item);
  return how.batchId === null ? backToReady(tx, item, how.override) : backToReading(tx, item, how.batchId);
}

async function settleJoined(tx: Sql, item: HeldItem): Promise<void> {
  const { rows } = await tx.query<{ mail_id: string }>(
    `update delivery d set state = 'duplicate' from report r where r.id = d.report_id and d.original_id = $1 and d.state = 'held'
     returning r.mail_id`,
    [item.deliveryId],
  );
  for (const { mail_id } of rows) await eraseMail(tx, mail_id);
}

// A board is waited for from its delivery's birth (pipeline/board.ts): a person who releases it starts the waiting anew.
async function backToReady(tx: Sql, item: HeldItem, override: Override | null): Promise<number> {
  const { rows } = await tx.query<{ generation: number }>(
    `update delivery set state = 'ready', reason = null, detail = null, original_id = null, settled_at = null, override = $2, discard_wish = null, attempts = 0, is_untimed = true,
       created_at = case when target = 'board' then now() else created_at end,
       generation = generation + 1, next_check_at = now() + interval '30 seconds'
     where id = $1 and state in ('held', 'quarantined') returning generation`,
    [item.deliveryId, override === null ? null : JSON.stringify(override)],
  );
  return rows[0]?.generation ?? 0;
}

async function backToReading(tx: Sql, item: HeldItem, batchId: string): Promise<number> {
  await tx.query('delete from report where id = $1', [item.reportId]);
  const waiting = await tx.query(
    `update mail set state = 'copied', verdict = null, reason = null, read_batch_id = $2, read_attempts = $3, is_untimed = true, lease_token = null, lease_until = null
     where id = $1 and content is not null`,
    // What could hang a reader begins at its second claim, in a thread: the fix may not be one.
    [item.mailId, batchId, item.reason === 'mail.poisonous' ? 1 : 0],
  );
  // Without bytes there is nothing to read, and without its report the mail would be accounted for nowhere.
  if (waiting.count === 0)
    throw new Failure('records.nothing-to-read', { kind: 'defect', fields: { mail: item.mailId } });
  return 1;
}

/** Keeps that a first person wants it discarded. */
export async function wishDiscard(tx: Sql, item: HeldItem, wish: DiscardWish): Promise<void> {
  await tx.query('update delivery set discard_wish = $2 where id = $1', [item.deliveryId, JSON.stringify(wish)]);
}

/**
 * A person decided against it and what joined it: content and bytes go, the decision stays in the audit. Answers all that
 * were discarded; none where another person released it meanwhile, since then its content is needed. A board's report
 * keeps its content, which is the card's.
 */
export async function discardHeld(tx: Sql, item: HeldItem): Promise<readonly DeliveryId[]> {
  const { rows } = await tx.query<{ id: DeliveryId; mail_id: string }>(
    `update delivery d set state = 'discarded', settled_at = now() from report r
     where r.id = d.report_id and (d.id = $1 or d.original_id = $1) and d.state in ('held', 'quarantined') returning d.id, r.mail_id`,
    [item.deliveryId],
  );
  if (rows.length === 0 || item.target === 'board') return rows.map((row) => row.id);
  await eraseReport(tx, item.reportId);
  for (const { mail_id } of rows) await eraseMail(tx, mail_id);
  return rows.map((row) => row.id);
}

/** A person's decision on what is held: release (all checks run again), pass a check over knowingly, or discard. */

import { type AuditEvent, appendAudit } from '../audit/audit.ts';
import { mentionsBsn } from '../lab/lab.ts';
import type { Sql } from '../ledger/ledger.ts';
import type { Job } from '../queue/queue.ts';
import {
  acceptSender,
  discardHeld,
  type HeldItem,
  heldItemById,
  heldOfSender,
  insertBatch,
  mailContent,
  type Override,
  releaseHeld,
  wishDiscard,
} from '../records/records.ts';
import { asFailure, Failure } from '../shared/failure.ts';
import { type BatchId, type MailboxId, newId } from '../shared/ids.ts';
import { isReasonCode, type ReasonAction, reasonOf } from '../shared/reasons.ts';
import type { Courier } from './pipeline.ts';

export interface Decision {
  readonly by: string;
  readonly reason: string;
  /** Only to override an identity check: the card (Patient id, or `Patient/id`) that the practice confirmed. */
  readonly overrideCard: string | null;
  /** What is to be done, where the reason offers a choice; absent: none was made. */
  readonly choice?: ReleaseChoice | null;
}

/** The actions of a reason that are a choice between ways to release. */
export type ReleaseChoice = Extract<ReasonAction, 'number-reused' | 'retract-first' | 'same-determination'>;

/** What a release meant, and how many others it released with it (a laboratory that was accepted). */
export interface Released {
  readonly action: ReasonAction;
  readonly othersCount: number;
}

/**
 * Releases a held or quarantined delivery. Throws `decision.not-found`, `decision.not-allowed`, `decision.card-invalid`,
 * `decision.sender-missing`, `decision.reason-bsn` or `decision.first-card-unclear`.
 */
export async function releaseHold(courier: Courier, id: string, wish: Decision): Promise<Released> {
  requireReason(wish);
  const decision = { ...wish, overrideCard: wish.overrideCard === null ? null : cardIdOf(wish.overrideCard) };
  const { jobs, action } = await courier.ledger.transaction(async (tx) => {
    const item = await findHeld(tx, id);
    const action = requireAction(item, releasing(item, decision));
    if (decision.overrideCard !== null) requireAction(item, 'override');
    await requireBytes(tx, item);
    const others = item.reason === 'lab.unknown-sender' ? await acceptLaboratory(tx, item, decision) : [];
    const override = overrideOf(item, action, decision);
    const event = action === 'release' ? 'report.released' : 'report.overridden';
    return { jobs: [await released(tx, item, override, decision, event), ...others], action };
  });
  await courier.queue
    .add(jobs)
    .catch((thrown) => courier.logger.warn('release waits for the sweeper', { code: asFailure(thrown).code }));
  return { action, othersCount: jobs.length - 1 };
}

/** asked: a first person's wish was kept, and nothing discarded; a second person must confirm it. */
export type Discarded = { readonly kind: 'discarded' } | { readonly kind: 'asked' };

/**
 * Discards a held or quarantined delivery and what joined it; their content is erased. What has waited for 90 days needs
 * two persons: the first asks, a second confirms with the same command. Throws `decision.same-person` where the first does.
 */
export async function discardHold(
  courier: Pick<Courier, 'ledger'>,
  id: string,
  decision: Decision,
): Promise<Discarded> {
  requireReason(decision);
  return courier.ledger.transaction(async (tx) => {
    const item = await findHeld(tx, id);
    requireAction(item, 'discard');
    const { discardWish } = item;
    if (item.needsTwoToDiscard && discardWish === null) return askDiscard(tx, item, decision);
    if (item.needsTwoToDiscard && isSamePerson(discardWish?.by, decision.by))
      throw new Failure('decision.same-person', { kind: 'permanent', fields: { id: item.deliveryId } });
    for (const discarded of await discardHeld(tx, item)) {
      await audit(tx, { ...item, deliveryId: discarded }, 'report.discarded', decision);
    }
    return { kind: 'discarded' };
  });
}

async function askDiscard(tx: Sql, item: HeldItem, decision: Decision): Promise<Discarded> {
  const { by, reason } = decision;
  const { rows } = await tx.query<{ now: Date }>('select now() as now');
  await wishDiscard(tx, item, { by, reason, at: rows[0]?.now.toISOString() ?? '' });
  await audit(tx, item, 'report.discard-asked', decision);
  return { kind: 'asked' };
}

// A reason is kept in the audit for years, where nobody can take it out again.
function requireReason({ reason, by }: Decision): void {
  if (mentionsBsn(reason) || mentionsBsn(by)) throw new Failure('decision.reason-bsn', { kind: 'permanent' });
}

/** An account name in capitals is no other person. */
export function isSamePerson(first: string | undefined, second: string): boolean {
  return first?.trim().toLowerCase() === second.trim().toLowerCase();
}

async function findHeld(tx: Sql, id: string): Promise<HeldItem> {
  const named = await heldItemById(tx, id);
  // What joined a hold has no content of its own: a decision about it is one about the hold.
  const item = named === null || named.originalId === null ? named : await heldItemById(tx, named.originalId);
  if (item === null) throw new Failure('decision.not-found', { kind: 'permanent', fields: { id } });
  return item;
}

function actionsOf(item: HeldItem): readonly ReasonAction[] {
  return isReasonCode(item.reason) ? reasonOf(item.reason).actions : [];
}

function requireAction(item: HeldItem, action: ReasonAction): ReasonAction {
  if (actionsOf(item).includes(action)) return action;
  throw notAllowed(item, action);
}

function notAllowed({ deliveryId, reason }: HeldItem, action: ReasonAction): Failure {
  return new Failure('decision.not-allowed', { kind: 'permanent', fields: { id: deliveryId, action, reason } });
}

/** What a wish to release means for this item. */
function releasing(item: HeldItem, { overrideCard, choice = null }: Decision): ReasonAction {
  if (choice !== null) return choice;
  if (overrideCard !== null) return 'override';
  return actionsOf(item).includes('acknowledge') ? 'acknowledge' : 'release';
}

/**
 * The id without `Patient/`. It is kept in the audit, so eight or nine bare digits are refused: that is what a BSN typed
 * in the wrong place looks like. The field of the failure says nothing of it.
 */
function cardIdOf(named: string): string {
  const id = named.replace(/^Patient\//, '');
  const isPerhapsBsn = id === named && /^\d{8,9}$/.test(id);
  if (isPerhapsBsn || !/^[A-Za-z0-9.-]{1,64}$/.test(id)) {
    throw new Failure('decision.card-invalid', { kind: 'permanent', fields: { isPerhapsBsn } });
  }
  return id;
}

/**
 * What the checks pass over from now on. A plain release asks everything anew. Otherwise earlier decisions stand, or two
 * doubts about one report would bring each other back for ever. Where another card is named than before, what was decided
 * about whose it is was about that one, this decision too: the new card is compared in full.
 */
function overrideOf(item: HeldItem, action: ReasonAction, decision: Decision): Override | null {
  const { by, reason, overrideCard, choice = null } = decision;
  const { override: earlier, reason: code } = item;
  if (action === 'release') return code === 'lab.unknown-sender' ? earlier : null;
  const card = overrideCard ?? earlier?.card ?? null;
  const isOtherCard = earlier !== null && earlier.card !== null && earlier.card !== card;
  const decided = [...(earlier?.acknowledged ?? []), code];
  const acknowledged = isOtherCard ? decided.filter((one) => !isAboutIdentity(one)) : decided;
  const choices = choicesOf(earlier?.choices ?? [], code, choice, isOtherCard);
  const isToRetract = choices.includes('retract-first');
  const retractFrom =
    choice === 'retract-first' ? firstCardOf(item) : isToRetract ? (earlier?.retractFrom ?? null) : null;
  return { by, reason, card, code, acknowledged, choices, retractFrom };
}

const ABOUT_NUMBERS: ReadonlySet<string> = new Set<ReleaseChoice>(['number-reused', 'retract-first']);

// The last decision about one doubt is the one that counts; whose the number is was decided for a card.
function choicesOf(
  earlier: readonly string[],
  code: string,
  choice: ReleaseChoice | null,
  isOtherCard: boolean,
): readonly string[] {
  const isOpen = (one: string) =>
    ABOUT_NUMBERS.has(one) ? isOtherCard || code === 'lab.number-other-patient' : code === 'lab.key-changed';
  return [...earlier.filter((one) => !isOpen(one)), ...(choice === null ? [] : [choice])];
}

// A person takes back from the card that they were shown: where that is not one card, nobody knows which.
function firstCardOf({ cards, deliveryId }: HeldItem): string {
  const [first, ...more] = cards?.first ?? [];
  if (first?.card != null && more.length === 0) return first.card;
  throw new Failure('decision.first-card-unclear', { kind: 'permanent', fields: { id: deliveryId } });
}

function isAboutIdentity(code: string): boolean {
  return isReasonCode(code) && reasonOf(code).actions.includes('override');
}

async function released(
  tx: Sql,
  item: HeldItem,
  override: Override | null,
  decision: Decision,
  event: AuditEvent,
): Promise<Job> {
  const batchId = isReadAgain(item) ? newId<BatchId>() : null;
  if (batchId !== null) await insertBatch(tx, batchId, item.mailboxId as MailboxId | null);
  const generation = await releaseHeld(tx, item, { batchId, override });
  await audit(tx, item, event, decision);
  return batchId === null
    ? { kind: 'deliver', id: item.deliveryId, generation }
    : { kind: 'read', id: batchId, generation };
}

// What was not understood, or has no practice yet, has no content of its own: the mail is read again.
function isReadAgain(item: HeldItem): boolean {
  return item.kind === 'payload' || item.practiceId === null;
}

// A mail without bytes has nothing to read again, and would be accounted for nowhere.
async function requireBytes(tx: Sql, item: HeldItem): Promise<void> {
  if (!isReadAgain(item) || (await mailContent(tx, item.mailId))?.content != null) return;
  throw notAllowed(item, 'release');
}

/** Accepts the laboratory, and releases all else that is held for the same. Answers their jobs. */
async function acceptLaboratory(tx: Sql, item: HeldItem, decision: Decision): Promise<readonly Job[]> {
  const { sender, deliveryId } = item;
  // Without a sender there is nothing to accept: it would be held again, and again.
  if (sender === null || sender === '')
    throw new Failure('decision.sender-missing', { kind: 'permanent', fields: { id: deliveryId } });
  await acceptSender(tx, sender, decision.by);
  const accepted = { event: 'laboratory.accepted', actor: decision.by, reason: decision.reason } as const;
  await appendAudit(tx, [{ ...accepted, objectKind: 'laboratory', objectId: sender }]);
  const jobs: Job[] = [];
  for (const other of await heldOfSender(tx, sender)) {
    if (other.deliveryId !== deliveryId)
      jobs.push(await released(tx, other, other.override, decision, 'report.released'));
  }
  return jobs;
}

async function audit(tx: Sql, item: HeldItem, event: AuditEvent, decision: Decision): Promise<void> {
  await appendAudit(tx, [
    {
      event,
      actor: decision.by,
      objectKind: 'delivery',
      objectId: item.deliveryId,
      practiceId: item.practiceId,
      patientKey: item.patientKey,
      reason: decision.reason,
      participants: { mail: item.mailId, report: item.reportId, delivery: item.deliveryId, target: item.target },
      fields: { was: item.reason, card: decision.overrideCard, askedBy: item.discardWish?.by ?? null },
    },
  ]);
}

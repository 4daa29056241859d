/** The end of one try: recorded for good, or put back with the retry policy's word on when. */

import { type AuditEntry, appendAudit } from '../audit/audit.ts';
import type { WriteAnswer } from '../delivery/patient-card/patient-card.ts';
import { codeListOf, uncodedOf } from '../lab/lab.ts';
import type { Sql } from '../ledger/ledger.ts';
import { type Decision, decide, type JobAnswer } from '../queue/queue.ts';
import {
  addUncoded,
  type CardsInDoubt,
  type ClaimedDelivery,
  eraseMail,
  eraseReport,
  insertBoardDelivery,
  postponeDelivery,
  settleDelivery,
} from '../records/records.ts';
import { asFailure, type Failure } from '../shared/failure.ts';
import { type DeliveryId, newId } from '../shared/ids.ts';
import type { ReasonCode } from '../shared/reasons.ts';
import type { OpenDelivery } from './open-delivery.ts';
import type { Courier } from './pipeline.ts';
import { waitOf } from './targets.ts';

/** What became of it; the settlement is recorded from this. */
export type DeliveryAnswer =
  | {
      readonly kind: 'forwarded';
      readonly written: Extract<WriteAnswer, { kind: 'written' }>;
      readonly warnings: readonly string[];
      /** The Patient resource; null: asked for its results only. */
      readonly card: string | null;
    }
  | { readonly kind: 'no-card'; readonly reason: ReasonCode | null }
  | { readonly kind: 'shadowed' }
  | {
      readonly kind: 'held';
      readonly code: ReasonCode;
      readonly detail: string | null;
      readonly cards?: CardsInDoubt;
    };

export async function settle(courier: Courier, delivery: OpenDelivery, answer: DeliveryAnswer): Promise<void> {
  const { claim, content } = delivery;
  if (answer.kind === 'forwarded') {
    const boardId = await recordForwarded(courier, delivery, answer);
    courier.mark('delivery-settled');
    noticeRetractions(courier, delivery);
    if (boardId !== null) await addBoardJob(courier, boardId);
  } else {
    await recordSettled(courier, delivery, answer, content.withheldCount);
  }
  courier.logger.info('delivery at rest', {
    deliveryId: claim.id,
    mailId: claim.mailId,
    state: answer.kind,
    ...(answer.kind === 'held' ? { reason: answer.code } : {}),
  });
}

// A doctor may have acted on what the laboratory now takes back (a sample of somebody else): the card shows it, and whoever
// watches the log hears of it (hl7v2.md, "What the consumer must get right", 3).
function noticeRetractions(courier: Courier, { claim, content, practice }: OpenDelivery): void {
  const results = content.report.specimens.flatMap((specimen) => specimen.results);
  const count = results.filter(({ status }) => status === 'retracted').length;
  if (count === 0) return;
  courier.logger.warn('results retracted by the laboratory', { deliveryId: claim.id, practiceId: practice.id, count });
}

async function addBoardJob(courier: Courier, id: string): Promise<void> {
  await courier.queue
    .add([{ kind: 'deliver', id, generation: 1 }])
    .catch((thrown) =>
      courier.logger.warn('board waits for the sweeper', { deliveryId: id, code: asFailure(thrown).code }),
    );
}

export type PostponeWhy =
  | { readonly kind: 'park' }
  | { readonly kind: 'later'; readonly delayMs: number }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** Puts a delivery back. The retry policy decides; the ledger remembers before the queue is answered. */
export async function postpone(
  courier: Courier,
  claim: ClaimedDelivery,
  leaseToken: string,
  why: PostponeWhy,
): Promise<JobAnswer> {
  const base = { delayMs: 0, isUncertain: false, isParked: false, isAttemptSpent: false, reason: null };
  if (why.kind === 'park') {
    await postponeDelivery(courier.ledger, claim.id, leaseToken, { ...base, isParked: true });
    return { kind: 'done' };
  }
  if (why.kind === 'later') {
    await postponeDelivery(courier.ledger, claim.id, leaseToken, { ...base, delayMs: why.delayMs });
    return { kind: 'later', delayMs: why.delayMs };
  }
  return afterFailure(courier, claim, leaseToken, why.failure);
}

async function afterFailure(
  courier: Courier,
  claim: ClaimedDelivery,
  leaseToken: string,
  failure: Failure,
): Promise<JobAnswer> {
  const decision = underBreaker(
    courier,
    claim,
    decide(failure, claim.attempts + 1, courier.random, 'card.attempts-exhausted'),
  );
  courier.meter.failed({ target: claim.target, outcome: decision.kind, reason: failure.code });
  courier.logger.warn('delivery failed', {
    deliveryId: claim.id,
    code: failure.code,
    attempt: claim.attempts + 1,
    state: decision.kind,
  });
  if (decision.kind === 'hold') {
    // An alarm, as of a mail: a key or a row is not what it was.
    if (failure.code === 'keys.cannot-open')
      courier.logger.error('report cannot be decrypted', { deliveryId: claim.id, reportId: claim.reportId }, failure);
    const answer = { kind: 'held', code: decision.code, detail: failure.code } as const;
    await recordSettled(courier, { claim, leaseToken }, answer, 0, isFromTarget(failure));
    return { kind: 'done' };
  }
  const isAttemptSpent = decision.kind === 'retry';
  await postponeDelivery(courier.ledger, claim.id, leaseToken, {
    delayMs: decision.delayMs,
    isUncertain: failure.kind === 'ambiguous',
    isParked: false,
    isAttemptSpent,
    reason: failure.code,
  });
  return isAttemptSpent ? { kind: 'retry', delayMs: decision.delayMs } : { kind: 'later', delayMs: decision.delayMs };
}

// What fails together with others is the target's failing: no attempt is spent, and it comes back when the target is asked.
function underBreaker(courier: Courier, { target }: ClaimedDelivery, decision: Decision): Decision {
  const { read, write } = courier.breakers[target];
  if (decision.kind === 'hold' || !(read.isOpen() || write.isOpen())) return decision;
  const waitMs = waitOf(courier, target);
  return { kind: 'pause', delayMs: waitMs > 0 ? Math.min(decision.delayMs, waitMs) : decision.delayMs };
}

// What the card or the board answered: its patient was looked for there.
function isFromTarget({ code }: Failure): boolean {
  return /^(card|board)\./.test(code);
}

/** Records a forwarded report, its audit row and the delivery to the board, in one transaction. */
export async function recordForwarded(
  courier: Courier,
  delivery: OpenDelivery,
  answer: Extract<DeliveryAnswer, { kind: 'forwarded' }>,
): Promise<DeliveryId | null> {
  const { claim, leaseToken, practice, content } = delivery;
  const tally = tallyOf(courier, claim);
  const boardId = await courier.ledger.transaction(async (tx) => {
    const settlement = {
      state: 'forwarded',
      reason: null,
      detail: answer.warnings.length === 0 ? null : answer.warnings.join(' '),
      withheldCount: content.withheldCount,
      receipt: { resources: answer.written.resources.map((resource) => ({ ...resource })) },
    } as const;
    if (!(await settleDelivery(tx, claim.id, leaseToken, settlement, tally.note))) return null;
    await countUncoded(courier, tx, delivery);
    const participants = { ...participantsOf(claim), ...(answer.card === null ? {} : { card: answer.card }) };
    await appendAudit(tx, [
      lookedUp(claim, 'forwarded', null),
      {
        ...aboutClaim(claim),
        event: 'report.forwarded',
        objectKind: 'report',
        objectId: claim.reportId,
        participants,
        fields: { resources: answer.written.resources.length, withheld: content.withheldCount },
      },
    ]);
    if (practice.boards === 'none') return null;
    const id = newId<DeliveryId>();
    return (await insertBoardDelivery(tx, id, claim.id)) ? id : null;
  });
  tally.count('forwarded', null);
  return boardId;
}

/** Counts an end once it is committed, and only if it was ours: `note` is given to settleDelivery. */
export function tallyOf({ meter }: Pick<Courier, 'meter'>, claim: Pick<ClaimedDelivery, 'target' | 'arrivedAt'>) {
  const { target, arrivedAt } = claim;
  let noted: { readonly arrivedMs: number | null } | null = null;
  return {
    note: (settledAt: Date) => {
      noted = { arrivedMs: arrivedAt === null ? null : settledAt.getTime() - arrivedAt.getTime() };
    },
    count: (state: string, reason: string | null) => {
      if (noted !== null) meter.settled({ target, state, reason, ...noted });
    },
  };
}

/** What went to a card without a code, or would have: the mapping's gaps are counted with the outcome, so exactly once. */
async function countUncoded(
  { registry }: Pick<Courier, 'registry'>,
  tx: Sql,
  { claim, content }: Pick<OpenDelivery, 'claim' | 'content'>,
): Promise<void> {
  const laboratory = claim.laboratory ?? claim.sender ?? '';
  const counts = uncodedOf(content.report, codeListOf(registry, claim.laboratory));
  await addUncoded(
    tx,
    counts.map((count) => ({ laboratory, ...count })),
  );
}

/** Records an end that wrote nothing. Of a patient who is not followed nothing stays but digests. */
export async function recordSettled(
  courier: Courier,
  delivery: Pick<OpenDelivery, 'claim' | 'leaseToken'> & Partial<Pick<OpenDelivery, 'content'>>,
  answer: Exclude<DeliveryAnswer, { kind: 'forwarded' }>,
  withheldCount: number,
  isLookedUp = true,
): Promise<void> {
  const { claim, leaseToken } = delivery;
  const reason = answer.kind === 'held' ? answer.code : answer.kind === 'no-card' ? answer.reason : null;
  const tally = tallyOf(courier, claim);
  await courier.ledger.transaction(async (tx) => {
    const settlement = {
      state: answer.kind,
      reason,
      detail: answer.kind === 'held' ? answer.detail : null,
      withheldCount,
      receipt: answer.kind === 'held' && answer.cards !== undefined ? { cards: answer.cards } : null,
    };
    if (!(await settleDelivery(tx, claim.id, leaseToken, settlement, tally.note))) return;
    if (answer.kind === 'shadowed' && claim.target === 'patient-card' && delivery.content !== undefined) {
      await countUncoded(courier, tx, { claim, content: delivery.content });
    }
    if (answer.kind === 'no-card' && claim.target === 'patient-card') await eraseAll(tx, claim);
    await auditSettled(tx, claim, answer.kind, reason, isLookedUp);
  });
  tally.count(answer.kind, reason);
}

async function eraseAll(tx: Sql, claim: ClaimedDelivery): Promise<void> {
  await eraseReport(tx, claim.reportId);
  await eraseMail(tx, claim.mailId);
}

// Also where nothing was written the patient was looked up, but for a report of which the practice chose nothing.
async function auditSettled(
  tx: Sql,
  claim: ClaimedDelivery,
  state: string,
  reason: string | null,
  isLookedUp: boolean,
): Promise<void> {
  const isWithheld = reason === 'practice.withheld';
  const entries: AuditEntry[] = isLookedUp && !isWithheld ? [lookedUp(claim, state, reason)] : [];
  const about = { ...aboutClaim(claim), participants: participantsOf(claim), reason, fields: { state } };
  if (isWithheld) entries.push({ ...about, event: 'report.withheld' });
  if (state === 'held') entries.push({ ...about, event: 'report.held' });
  await appendAudit(tx, entries);
}

/** That the patient's card, or board, was looked for or into. */
export function lookedUp(claim: ClaimedDelivery, state: string, reason: string | null): AuditEntry {
  const participants = participantsOf(claim);
  return { ...aboutClaim(claim), event: 'report.looked-up', participants, reason, fields: { state } };
}

function aboutClaim({ id, practiceId, patientKey }: ClaimedDelivery) {
  return { actor: 'worker', objectKind: 'delivery', objectId: id, practiceId, patientKey } as const;
}

export function participantsOf({ id, mailId, reportId, target, overrideCard }: ClaimedDelivery) {
  const named = overrideCard === null ? {} : { card: overrideCard };
  return { mail: mailId, report: reportId, delivery: id, target, ...named };
}

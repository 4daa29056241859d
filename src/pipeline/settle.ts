/** The end of one try: recorded for good, or put back with the retry policy's word on when. */

import type { AuditEntry } from '../audit/audit.ts';
import type { WriteAnswer } from '../delivery/patient-card/patient-card.ts';
import { codeListOf, uncodedOf } from '../lab/lab.ts';
import { type Decision, decide, type JobAnswer } from '../queue/queue.ts';
import {
  type CardsInDoubt,
  type ClaimedDelivery,
  postponeDelivery,
  type Settled,
  type SettledRow,
  settleDeliveries,
  type UncodedRow,
} from '../records/records.ts';
import { asFailure, type Failure } from '../shared/failure.ts';
import { type DeliveryId, newId } from '../shared/ids.ts';
import type { ReasonCode } from '../shared/reasons.ts';
import type { OpenDelivery } from './open-delivery.ts';
import type { Courier } from './pipeline.ts';
import { waitOf } from './targets.ts';
import { perLedger, TOGETHER_MOST, together } from './together.ts';

export interface Forwarded {
  readonly kind: 'forwarded';
  readonly written: Extract<WriteAnswer, { kind: 'written' }>;
  readonly warnings: readonly string[];
  /** The Patient resource; null: asked for its results only. */
  readonly card: string | null;
}

/** What became of it; the settlement is recorded from this. */
export type DeliveryAnswer =
  | Forwarded
  | { readonly kind: 'no-card'; readonly reason: ReasonCode | null }
  | { readonly kind: 'shadowed' }
  | {
      readonly kind: 'held';
      readonly code: ReasonCode;
      readonly detail: string | null;
      readonly cards?: CardsInDoubt;
    };

/** A try that came to its end. */
export interface Done {
  readonly kind: 'done';
  /** What waits for the same patient and target, as the settling saw it; absent: nobody looked. */
  readonly next?: DeliveryId | null;
}

export type TryAnswer = Exclude<JobAnswer, { kind: 'done' }> | Done;

export async function settle(courier: Courier, delivery: OpenDelivery, answer: DeliveryAnswer): Promise<Done> {
  const { claim } = delivery;
  const done =
    answer.kind === 'forwarded'
      ? await settleForwarded(courier, delivery, answer)
      : await recordSettled(courier, delivery, answer);
  courier.logger.info('delivery at rest', {
    deliveryId: claim.id,
    mailId: claim.mailId,
    state: answer.kind,
    ...(answer.kind === 'held' ? { reason: answer.code } : {}),
  });
  return done;
}

async function settleForwarded(courier: Courier, delivery: OpenDelivery, answer: Forwarded): Promise<Done> {
  const settled = await recordForwarded(courier, delivery, answer);
  courier.mark('delivery-settled');
  noticeRetractions(courier, delivery);
  if (settled !== null && settled.boardId !== null) await addBoardJob(courier, settled.boardId);
  return doneWith(settled);
}

/** `settled` null: the claim had passed to another. */
export function doneWith(settled: Settled | null): Done {
  return settled === null ? { kind: 'done' } : { kind: 'done', next: settled.next };
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
): Promise<TryAnswer> {
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
): Promise<TryAnswer> {
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
    return recordSettled(courier, { claim, leaseToken }, answer, isFromTarget(failure));
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

const endings = perLedger(({ ledger }) =>
  together(
    async (rows: readonly SettledRow[]): Promise<readonly (Settled | null)[]> => {
      const settled = await settleDeliveries(ledger, rows);
      return rows.map(({ id }) => settled.get(id) ?? null);
    },
    { most: TOGETHER_MOST },
  ),
);

/** Records a forwarded report, its audit row and the delivery to the board. Null: the claim had passed to another. */
function recordForwarded(
  courier: Courier,
  { claim, leaseToken, practice, content }: OpenDelivery,
  answer: Forwarded,
): Promise<Settled | null> {
  const { withheldCount } = content;
  return rest(courier, claim, {
    id: claim.id,
    leaseToken,
    state: 'forwarded',
    reason: null,
    detail: answer.warnings.length === 0 ? null : answer.warnings.join(' '),
    withheldCount,
    receipt: { resources: answer.written.resources.map((resource) => ({ ...resource })) },
    isStranger: false,
    boardId: practice.boards === 'none' ? null : newId<DeliveryId>(),
    uncoded: uncodedOfDelivery(courier, { claim, content }),
    entries: entriesOfForwarded(claim, answer, withheldCount),
  });
}

/** Records an end that wrote nothing. Of a patient who is not followed nothing stays but digests. */
export async function recordSettled(
  courier: Courier,
  { claim, leaseToken, content }: Pick<OpenDelivery, 'claim' | 'leaseToken'> & Partial<Pick<OpenDelivery, 'content'>>,
  answer: Exclude<DeliveryAnswer, Forwarded>,
  isLookedUp = true,
): Promise<Done> {
  const isOfCard = claim.target === 'patient-card';
  const isUncoded = answer.kind === 'shadowed' && isOfCard && content !== undefined;
  const settled = await rest(courier, claim, {
    id: claim.id,
    leaseToken,
    state: answer.kind,
    reason: reasonOf(answer),
    detail: answer.kind === 'held' ? answer.detail : null,
    withheldCount: content?.withheldCount ?? 0,
    receipt: answer.kind === 'held' && answer.cards !== undefined ? { cards: answer.cards } : null,
    isStranger: answer.kind === 'no-card' && isOfCard,
    boardId: null,
    uncoded: isUncoded ? uncodedOfDelivery(courier, { claim, content }) : [],
    entries: entriesOfUnwritten(claim, answer, isLookedUp),
  });
  return doneWith(settled);
}

/** Recorded with others; and counted once it is, only if it was ours. */
export async function rest(courier: Courier, claim: ClaimedDelivery, row: SettledRow): Promise<Settled | null> {
  const settled = await endings(courier)(row);
  if (settled === null) return null;
  const { target, arrivedAt } = claim;
  const arrivedMs = arrivedAt === null ? null : settled.at.getTime() - arrivedAt.getTime();
  courier.meter.settled({ target, state: row.state, reason: row.reason, arrivedMs });
  return settled;
}

function reasonOf(answer: Exclude<DeliveryAnswer, Forwarded>): string | null {
  if (answer.kind === 'held') return answer.code;
  return answer.kind === 'no-card' ? answer.reason : null;
}

/** What went to a card without a code, or would have: the mapping's gaps are counted with the outcome, so exactly once. */
function uncodedOfDelivery(
  { registry }: Pick<Courier, 'registry'>,
  { claim, content }: Pick<OpenDelivery, 'claim' | 'content'>,
): readonly UncodedRow[] {
  const laboratory = claim.laboratory ?? claim.sender ?? '';
  return uncodedOf(content.report, codeListOf(registry, claim.laboratory)).map((count) => ({ laboratory, ...count }));
}

function entriesOfForwarded(claim: ClaimedDelivery, answer: Forwarded, withheld: number): readonly AuditEntry[] {
  const participants = { ...participantsOf(claim), ...(answer.card === null ? {} : { card: answer.card }) };
  const fields = { resources: answer.written.resources.length, withheld };
  const about = { ...aboutClaim(claim), objectKind: 'report', objectId: claim.reportId } as const;
  return [lookedUp(claim, 'forwarded', null), { ...about, event: 'report.forwarded', participants, fields }];
}

// Also where nothing was written the patient was looked up, but for a report of which the practice chose nothing.
function entriesOfUnwritten(
  claim: ClaimedDelivery,
  answer: Exclude<DeliveryAnswer, Forwarded>,
  isLookedUp: boolean,
): readonly AuditEntry[] {
  const reason = reasonOf(answer);
  const isWithheld = reason === 'practice.withheld';
  const about = { ...aboutClaim(claim), participants: participantsOf(claim), reason, fields: { state: answer.kind } };
  return [
    ...(isLookedUp && !isWithheld ? [lookedUp(claim, answer.kind, reason)] : []),
    ...(isWithheld ? [{ ...about, event: 'report.withheld' } as const] : []),
    ...(answer.kind === 'held' ? [{ ...about, event: 'report.held' } as const] : []),
  ];
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

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
  eraseMails,
  eraseReports,
  insertBoardDeliveries,
  postponeDelivery,
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

/** What is recorded of one delivery that comes to rest. */
interface Ending {
  readonly claim: ClaimedDelivery;
  readonly leaseToken: string;
  readonly answer: DeliveryAnswer;
  readonly withheldCount: number;
  readonly uncoded: readonly UncodedRow[];
  /** For a board delivery to follow, or not. */
  readonly hasBoard: boolean;
  readonly isLookedUp: boolean;
}

interface Ended {
  /** By the ledger's clock; null: the claim had passed to another. */
  readonly settledAt: Date | null;
  /** The delivery to its board, where there is one to be added to the queue. */
  readonly boardId: DeliveryId | null;
}

const endings = perLedger(({ ledger }) =>
  together((ends: readonly Ending[]) => ledger.transaction((tx) => recordEndings(tx, ends)), { most: TOGETHER_MOST }),
);

/** Records a forwarded report, its audit row and the delivery to the board, in one transaction. */
export function recordForwarded(
  courier: Courier,
  { claim, leaseToken, practice, content }: OpenDelivery,
  answer: Extract<DeliveryAnswer, { kind: 'forwarded' }>,
): Promise<DeliveryId | null> {
  const hasBoard = practice.boards !== 'none';
  const { withheldCount } = content;
  const uncoded = uncodedOfDelivery(courier, { claim, content });
  return rest(courier, { claim, leaseToken, answer, withheldCount, uncoded, hasBoard, isLookedUp: true });
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

/** Records an end that wrote nothing. Of a patient who is not followed nothing stays but digests. */
export async function recordSettled(
  courier: Courier,
  { claim, leaseToken, content }: Pick<OpenDelivery, 'claim' | 'leaseToken'> & Partial<Pick<OpenDelivery, 'content'>>,
  answer: Exclude<DeliveryAnswer, { kind: 'forwarded' }>,
  withheldCount: number,
  isLookedUp = true,
): Promise<void> {
  const isUncoded = answer.kind === 'shadowed' && claim.target === 'patient-card' && content !== undefined;
  const uncoded = isUncoded ? uncodedOfDelivery(courier, { claim, content }) : [];
  await rest(courier, { claim, leaseToken, answer, withheldCount, uncoded, hasBoard: false, isLookedUp });
}

/** Recorded with others, and then counted. */
async function rest(courier: Courier, end: Ending): Promise<DeliveryId | null> {
  const tally = tallyOf(courier, end.claim);
  const { settledAt, boardId } = await endings(courier)(end);
  if (settledAt !== null) tally.note(settledAt);
  tally.count(end.answer.kind, reasonOf(end.answer));
  return boardId;
}

async function recordEndings(tx: Sql, ends: readonly Ending[]): Promise<readonly Ended[]> {
  const settled = await settleDeliveries(tx, ends.map(settledRow));
  const ours = ends.filter(({ claim }) => settled.has(claim.id));
  await addUncoded(
    tx,
    ours.flatMap(({ uncoded }) => uncoded),
  );
  const strangers = ours.filter(({ claim, answer }) => answer.kind === 'no-card' && claim.target === 'patient-card');
  await eraseReports(
    tx,
    strangers.map(({ claim }) => claim.reportId),
  );
  await eraseMails(
    tx,
    strangers.map(({ claim }) => claim.mailId),
  );
  await appendAudit(tx, ours.flatMap(entriesOf));
  const boards = new Map(
    ours.filter(({ hasBoard }) => hasBoard).map(({ claim }) => [claim.id, newId<DeliveryId>()] as const),
  );
  const added = await insertBoardDeliveries(
    tx,
    [...boards].map(([cardDeliveryId, id]) => ({ id, cardDeliveryId })),
  );
  return ends.map(({ claim }) => {
    const board = boards.get(claim.id);
    return {
      settledAt: settled.get(claim.id) ?? null,
      boardId: board !== undefined && added.has(board) ? board : null,
    };
  });
}

function settledRow({ claim, leaseToken, answer, withheldCount }: Ending): SettledRow {
  const row = { id: claim.id, leaseToken, state: answer.kind, withheldCount };
  switch (answer.kind) {
    case 'forwarded': {
      const receipt = { resources: answer.written.resources.map((resource) => ({ ...resource })) };
      const detail = answer.warnings.length === 0 ? null : answer.warnings.join(' ');
      return { ...row, reason: null, detail, receipt };
    }
    case 'held': {
      const receipt = answer.cards === undefined ? null : { cards: answer.cards };
      return { ...row, reason: answer.code, detail: answer.detail, receipt };
    }
    default:
      return { ...row, reason: reasonOf(answer), detail: null, receipt: null };
  }
}

function reasonOf(answer: DeliveryAnswer): string | null {
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

// Also where nothing was written the patient was looked up, but for a report of which the practice chose nothing.
function entriesOf({ claim, answer, withheldCount, isLookedUp }: Ending): readonly AuditEntry[] {
  if (answer.kind === 'forwarded') {
    const participants = { ...participantsOf(claim), ...(answer.card === null ? {} : { card: answer.card }) };
    const fields = { resources: answer.written.resources.length, withheld: withheldCount };
    const about = { ...aboutClaim(claim), objectKind: 'report', objectId: claim.reportId } as const;
    return [lookedUp(claim, 'forwarded', null), { ...about, event: 'report.forwarded', participants, fields }];
  }
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

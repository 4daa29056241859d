/** The end of one try to send: recorded for good, or put back with the retry policy's word on when. */

import { appendAudit } from '../audit/audit.ts';
import { type Decision, decide, type JobAnswer } from '../queue/queue.ts';
import {
  type OutwardPart,
  postponeRegistration,
  type RegistrationEnd,
  sentAfterMs,
  settleRegistration,
} from '../records/records.ts';
import type { Failure } from '../shared/failure.ts';
import type { ReasonCode } from '../shared/reasons.ts';
import type { Courier } from './pipeline.ts';
import { settleEarlyReceipts, tellSettled } from './receipts.ts';
import { about } from './render.ts';
import { CLAIM_LOST, type Sending } from './send-part.ts';

/** How often a receipt is looked for where nobody knows whether the relay took a part. */
export const LOOK_MS = 15_000;

/** What the relay says of one mail for good, as the reason that a person reads. */
const REFUSALS: Readonly<Record<string, ReasonCode>> = {
  'zorgmail.refused': 'registration.refused-by-relay',
  'zorgmail.too-large': 'registration.too-large',
};

/** Every part is with the relay. What comes back says what became of it. */
export async function settleSent(
  courier: Courier,
  { registration, leaseToken }: Sending,
  parts: number,
): Promise<void> {
  const end: RegistrationEnd = { state: 'sent', reason: null, detail: null };
  const settled = await courier.ledger.transaction(async (tx) => {
    if (!(await settleRegistration(tx, registration.id, leaseToken, end))) return null;
    await appendAudit(tx, [{ ...about(registration), event: 'registration.sent', fields: { parts } }]);
    const acceptedMs = await sentAfterMs(tx, registration.id);
    return { acceptedMs, answered: await settleEarlyReceipts(tx, registration.id) };
  });
  if (settled === null) return;
  courier.meter.registered({ state: 'sent', reason: null, acceptedMs: settled.acceptedMs });
  courier.logger.info('registration sent', { registrationId: registration.id, count: parts });
  tellSettled(courier, settled.answered);
}

/** Rendered, and the practice went into shadow before anything was sent. */
export async function settleShadowed(courier: Courier, { registration, leaseToken }: Sending): Promise<void> {
  const { id } = registration;
  const end = { state: 'shadowed', reason: null, detail: null } as const;
  const isOurs = await courier.ledger.transaction(async (tx) => {
    if (!(await settleRegistration(tx, id, leaseToken, end))) return false;
    await appendAudit(tx, [{ ...about(registration), event: 'registration.shadowed' }]);
    return true;
  });
  if (!isOurs) return;
  courier.meter.registered({ state: 'shadowed', reason: null, acceptedMs: null });
  courier.logger.info('registration at rest', { registrationId: id, state: 'shadowed' });
}

export async function holdSending(
  courier: Courier,
  { registration, leaseToken }: Sending,
  code: ReasonCode,
  detail: string | null,
): Promise<void> {
  const end: RegistrationEnd = { state: 'held', reason: code, detail };
  const { id } = registration;
  const isOurs = await courier.ledger.transaction(async (tx) => {
    if (!(await settleRegistration(tx, id, leaseToken, end))) return false;
    await appendAudit(tx, [{ ...about(registration), event: 'registration.held', reason: code }]);
    return true;
  });
  if (!isOurs) return;
  courier.meter.registered({ state: 'held', reason: code, acceptedMs: null });
  courier.logger.info('registration at rest', { registrationId: id, state: 'held', reason: code });
}

/** After a failure of this part, or of what comes before any. The ledger remembers before the queue is answered. */
export async function sendFailed(
  courier: Courier,
  sending: Sending,
  part: OutwardPart | null,
  failure: Failure,
): Promise<JobAnswer> {
  if (failure.code === CLAIM_LOST) return { kind: 'done' };
  const { registration, leaseToken } = sending;
  const attempt = registration.attempts + 1;
  const decided = decide(failure, attempt, courier.random, 'registration.attempts-exhausted');
  const decision = underBreaker(courier, decided);
  const fields = { registrationId: registration.id, code: failure.code, attempt, state: decision.kind };
  if (decision.kind === 'hold') {
    courier.logger.error('registration was not sent', fields, failure);
    await holdSending(courier, sending, REFUSALS[failure.code] ?? decision.code, detailOf(failure, part));
    return { kind: 'done' };
  }
  courier.logger.warn('registration was not sent', fields);
  // A worker that stops spends nobody's attempt.
  const isAttemptSpent = decision.kind === 'retry' && failure.code !== 'zorgmail.aborted';
  // Where its bytes may have arrived it is not sent soon, but soon looked after: a receipt may come at any moment.
  const delayMs = failure.kind === 'ambiguous' ? Math.min(courier.limits.uncertainWaitMs, LOOK_MS) : decision.delayMs;
  const postponement = { delayMs, isParked: false, isAttemptSpent, reason: failure.code };
  await postponeRegistration(courier.ledger, registration.id, leaseToken, postponement);
  return { kind: isAttemptSpent ? 'retry' : 'later', delayMs };
}

/** `550 5.1.1 part 2`: codes and a position. */
function detailOf({ code, fields }: Failure, part: OutwardPart | null): string {
  const said = [fields['reply'], fields['status']].filter((one) => one !== undefined && one !== null);
  return [...(said.length === 0 ? [code] : said), ...(part === null ? [] : [`part ${part.part}`])].join(' ');
}

// What fails together with others is the relay's failing: no attempt is spent, and it comes back when the relay is asked.
function underBreaker({ breakers }: Courier, decision: Decision): Decision {
  if (decision.kind === 'hold' || !breakers.zorgmail.isOpen()) return decision;
  const waitMs = breakers.zorgmail.waitMs();
  return { kind: 'pause', delayMs: waitMs > 0 ? Math.min(decision.delayMs, waitMs) : decision.delayMs };
}

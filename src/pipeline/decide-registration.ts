/**
 * A person's decision on a registration that is held or came back: it goes again, or it does not go at all. Each is one
 * transaction with its audit row, and of two who decide at once the second finds nothing any more.
 */

import { type AuditEvent, appendAudit } from '../audit/audit.ts';
import { mentionsBsn } from '../lab/lab.ts';
import type { Sql } from '../ledger/ledger.ts';
import {
  discardHeldRegistration,
  type HeldRegistration,
  heldRegistrationById,
  retryAnew,
  retrySame,
  wishDiscardRegistration,
} from '../records/records.ts';
import { asFailure, Failure } from '../shared/failure.ts';
import { isReasonCode, type ReasonAction, reasonOf } from '../shared/reasons.ts';
import { type Discarded, isSamePerson } from './decide.ts';
import type { Courier } from './pipeline.ts';

export interface RegistrationDecision {
  readonly by: string;
  readonly reason: string;
}

export interface RegistrationRetry extends RegistrationDecision {
  /** Rendered anew, with new control references: to the HIS it is another message. */
  readonly anew: boolean;
}

/**
 * Sends it again: the same bytes under the same control references, or anew. Throws `decision.not-found`,
 * `decision.not-allowed`, `decision.reason-bsn`, `decision.switched-off`, `decision.receiver-changed` (only anew will do)
 * or `decision.nothing-to-send` (its time had come and its bytes are gone, or every part was taken).
 */
export async function retryRegistration(
  courier: Pick<Courier, 'ledger' | 'queue' | 'logger'>,
  id: string,
  wish: RegistrationRetry,
): Promise<void> {
  requireReason(wish);
  const generation = await courier.ledger.transaction(async (tx) => {
    const held = await requireHeld(tx, id);
    requireRetryAllowed(held, wish);
    const next = wish.anew ? await retryAnew(tx, held) : await retrySame(tx, held);
    await audit(tx, held, 'registration.retried', wish, { anew: wish.anew });
    return next;
  });
  await courier.queue
    .add([{ kind: 'send', id, generation }])
    .catch((thrown) => courier.logger.warn('retry waits for the sweeper', { code: asFailure(thrown).code }));
}

/**
 * Discards it: it goes to no HIS any more, and its content is erased. What has waited for 90 days needs two persons, as
 * any hold. Throws `decision.not-found`, `decision.not-allowed`, `decision.reason-bsn` or `decision.same-person`.
 */
export async function discardRegistration(
  courier: Pick<Courier, 'ledger'>,
  id: string,
  decision: RegistrationDecision,
): Promise<Discarded> {
  requireReason(decision);
  return courier.ledger.transaction(async (tx) => {
    const held = await requireHeld(tx, id);
    requireAction(held, ['discard']);
    const askedBy = held.discardWish?.by ?? null;
    if (held.needsTwoToDiscard && askedBy === null) return askDiscard(tx, held, decision);
    if (held.needsTwoToDiscard && askedBy !== null && isSamePerson(askedBy, decision.by))
      throw refusal('decision.same-person', held);
    await discardHeldRegistration(tx, held.id);
    await audit(tx, held, 'registration.discarded', decision, { askedBy });
    return { kind: 'discarded' };
  });
}

async function askDiscard(tx: Sql, held: HeldRegistration, decision: RegistrationDecision): Promise<Discarded> {
  const { by, reason } = decision;
  const { rows } = await tx.query<{ now: Date }>('select now() as now');
  await wishDiscardRegistration(tx, held.id, { by, reason, at: rows[0]?.now.toISOString() ?? '' });
  await audit(tx, held, 'registration.discard-asked', decision, {});
  return { kind: 'asked' };
}

// A reason is kept in the audit for years, where nobody can take it out again.
function requireReason({ reason, by }: RegistrationDecision): void {
  if (mentionsBsn(reason) || mentionsBsn(by)) throw new Failure('decision.reason-bsn', { kind: 'permanent' });
}

async function requireHeld(tx: Sql, id: string): Promise<HeldRegistration> {
  const held = await heldRegistrationById(tx, id);
  if (held === null) throw new Failure('decision.not-found', { kind: 'permanent', fields: { id } });
  return held;
}

function requireRetryAllowed(held: HeldRegistration, { anew }: RegistrationRetry): void {
  requireAction(held, ['release', 'acknowledge']);
  // It would be held again, or sent to a practice that no longer wants it.
  if (held.isSwitchedOff) throw refusal('decision.switched-off', held);
  if (!anew && held.isReceiverChanged) throw refusal('decision.receiver-changed', held);
  const isRendered = !anew && held.mailCount > 0;
  const canGo = isRendered ? held.unsentCount > 0 && held.unsentErasedCount === 0 : held.hasContent;
  if (!canGo) throw refusal('decision.nothing-to-send', held);
}

// What came back may always be decided on, whatever code the receiver gave; a hold as its reason says.
function requireAction(held: HeldRegistration, oneOf: readonly ReasonAction[]): void {
  const { state, reason } = held;
  if (state === 'bounced') return;
  const allowed = reason !== null && isReasonCode(reason) ? reasonOf(reason).actions : [];
  if (!oneOf.some((action) => allowed.includes(action))) throw refusal('decision.not-allowed', held);
}

function refusal(code: string, { id, reason }: HeldRegistration): Failure {
  return new Failure(code, { kind: 'permanent', fields: { id, reason } });
}

async function audit(
  tx: Sql,
  held: HeldRegistration,
  event: AuditEvent,
  { by, reason }: RegistrationDecision,
  fields: Readonly<Record<string, string | boolean | null>>,
): Promise<void> {
  await appendAudit(tx, [
    {
      event,
      actor: by,
      objectKind: 'registration',
      objectId: held.id,
      practiceId: held.practiceId,
      patientKey: held.patientKey,
      reason,
      fields: { state: held.state, was: held.reason, ...fields },
    },
  ]);
}

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
  isChangedSince,
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
 * `decision.not-allowed`, `decision.reason-bsn`, `decision.switched-off`, `decision.receiver-changed` (only anew will do),
 * `decision.corrected-since` (its correction or withdrawal went: discard it, or have the author write it again)
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
    if (await isChangedSince(tx, held)) throw refusal('decision.corrected-since', held);
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
    if (!isAllowed(held, DISCARDING)) throw refusal('decision.not-allowed', held);
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

export type RegistrationAction = 'retry' | 'retry-anew' | 'discard';

/** What may be decided on it as it stands now. */
export function registrationActions(held: HeldRegistration): readonly RegistrationAction[] {
  return [
    ...(whyNoRetry(held, false) === null ? (['retry'] as const) : []),
    ...(whyNoRetry(held, true) === null ? (['retry-anew'] as const) : []),
    ...(isAllowed(held, DISCARDING) ? (['discard'] as const) : []),
  ];
}

function requireRetryAllowed(held: HeldRegistration, { anew }: RegistrationRetry): void {
  const code = whyNoRetry(held, anew);
  if (code !== null) throw refusal(code, held);
}

function whyNoRetry(held: HeldRegistration, isAnew: boolean): string | null {
  if (!isAllowed(held, RETRYING)) return 'decision.not-allowed';
  // It would be held again, or sent to a practice that no longer wants it.
  if (held.isSwitchedOff) return 'decision.switched-off';
  if (!isAnew && held.isReceiverChanged) return 'decision.receiver-changed';
  const isRendered = !isAnew && held.mailCount > 0;
  const canGo = isRendered ? held.unsentCount > 0 && held.unsentErasedCount === 0 : held.hasContent;
  return canGo ? null : 'decision.nothing-to-send';
}

// Some reasons are also those of reports, which are released.
const RETRYING: readonly ReasonAction[] = ['retry', 'release', 'acknowledge'];
const DISCARDING: readonly ReasonAction[] = ['discard'];

// What came back may always be decided on, whatever code the receiver gave; a hold as its reason says.
function isAllowed({ state, reason }: HeldRegistration, oneOf: readonly ReasonAction[]): boolean {
  if (state === 'bounced') return true;
  const allowed: readonly ReasonAction[] = reason !== null && isReasonCode(reason) ? reasonOf(reason).actions : [];
  return oneOf.some((action) => allowed.includes(action));
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

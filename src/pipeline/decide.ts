/** A person's decision on what is held: release (all checks run again), override an identity check, or discard. */

import { appendAudit } from '../audit/audit.ts';
import type { Sql } from '../ledger/ledger.ts';
import {
  acceptSender,
  discardHeld,
  eraseReport,
  type HeldItem,
  heldItemById,
  insertBatch,
  mailContent,
  releaseHeld,
} from '../records/records.ts';
import { asFailure, Failure } from '../shared/failure.ts';
import { type BatchId, type MailboxId, newId } from '../shared/ids.ts';
import { isReasonCode, type ReasonAction, reasonOf } from '../shared/reasons.ts';
import type { Courier } from './pipeline.ts';

export interface Decision {
  readonly by: string;
  readonly reason: string;
  /** Only to override an identity check: the card (Patient id) that the practice confirmed. */
  readonly overrideCard: string | null;
}

/** Releases a held or quarantined delivery. Throws `decision.not-found` or `decision.not-allowed`. */
export async function releaseHold(courier: Courier, id: string, decision: Decision): Promise<void> {
  const job = await courier.ledger.transaction(async (tx) => {
    const item = await requireHeld(tx, id, decision.overrideCard === null ? 'release' : 'override');
    await requireBytes(tx, item);
    if (item.reason === 'lab.unknown-sender') await acceptLaboratory(tx, item, decision);
    const batchId = isReadAgain(item) ? newId<BatchId>() : null;
    if (batchId !== null) await insertBatch(tx, batchId, item.mailboxId as MailboxId | null);
    const { overrideCard, by, reason } = decision;
    const override = overrideCard === null ? null : { by, reason, card: overrideCard };
    const generation = await releaseHeld(tx, item, { batchId, override });
    await audit(tx, item, override === null ? 'report.released' : 'report.overridden', decision);
    return batchId === null
      ? ({ kind: 'deliver', id: item.deliveryId, generation } as const)
      : ({ kind: 'read', id: batchId, generation } as const);
  });
  await courier.queue
    .add([job])
    .catch((thrown) => courier.logger.warn('release waits for the sweeper', { code: asFailure(thrown).code }));
}

/** Discards a held or quarantined delivery and what joined it; their content is erased. */
export async function discardHold(courier: Pick<Courier, 'ledger'>, id: string, decision: Decision): Promise<void> {
  await courier.ledger.transaction(async (tx) => {
    const item = await requireHeld(tx, id, 'discard');
    await discardHeld(tx, item);
    await eraseReport(tx, item.reportId);
    await audit(tx, item, 'report.discarded', decision);
  });
}

async function requireHeld(tx: Sql, id: string, action: ReasonAction): Promise<HeldItem> {
  const named = await heldItemById(tx, id);
  // What joined a hold has no content of its own: a decision about it is one about the hold.
  const item = named === null || named.originalId === null ? named : await heldItemById(tx, named.originalId);
  if (item === null) throw new Failure('decision.not-found', { kind: 'permanent', fields: { id } });
  const isAllowed = isReasonCode(item.reason) && reasonOf(item.reason).actions.includes(action);
  if (!isAllowed)
    throw new Failure('decision.not-allowed', { kind: 'permanent', fields: { id, action, reason: item.reason } });
  return item;
}

// What was not understood, or has no practice yet, has no content of its own: the mail is read again.
function isReadAgain(item: HeldItem): boolean {
  return item.kind === 'payload' || item.practiceId === null;
}

// A mail that was too large was never copied: reading it again would find nothing, and the mail would be lost.
async function requireBytes(tx: Sql, item: HeldItem): Promise<void> {
  if (!isReadAgain(item) || (await mailContent(tx, item.mailId))?.content != null) return;
  const fields = { id: item.deliveryId, action: 'release', reason: item.reason };
  throw new Failure('decision.not-allowed', { kind: 'permanent', fields });
}

async function acceptLaboratory(tx: Sql, item: HeldItem, decision: Decision): Promise<void> {
  if (item.sender === null) return;
  await acceptSender(tx, item.sender, decision.by);
  await appendAudit(tx, [
    {
      event: 'laboratory.accepted',
      actor: decision.by,
      objectKind: 'laboratory',
      objectId: item.sender,
      reason: decision.reason,
    },
  ]);
}

async function audit(
  tx: Sql,
  item: HeldItem,
  event: 'report.released' | 'report.overridden' | 'report.discarded',
  decision: Decision,
): Promise<void> {
  await appendAudit(tx, [
    {
      event,
      actor: decision.by,
      objectKind: 'delivery',
      objectId: item.deliveryId,
      practiceId: item.practiceId,
      patientKey: item.patientKey,
      reason: decision.reason,
      fields: { was: item.reason, card: decision.overrideCard },
    },
  ]);
}

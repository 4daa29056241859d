/** Reasons to hold a report for a followed patient that the report and the ledger know, before anything is written. */

import type { NamedCard } from '../delivery/patient-card/patient-card.ts';
import type { DigestKeys } from '../keys/keys.ts';
import type { Sql } from '../ledger/ledger.ts';
import {
  type ClaimedDelivery,
  hasReferenceConflict,
  isSenderAccepted,
  isUnderOtherPatient,
  lockContents,
  rememberLabNumbers,
} from '../records/records.ts';
import { isReasonCode, type ReasonCode } from '../shared/reasons.ts';
import { contentDigests, labNumberDigests, storedReferenceDigests } from './digests.ts';
import type { OpenDelivery } from './open-delivery.ts';
import type { Courier } from './pipeline.ts';

export interface LedgerHold {
  readonly code: ReasonCode;
  readonly detail: string | null;
}

/** The card that a person named for this delivery, and the doubts that they passed over; null: it is to be looked for. */
export function namedCard({ overrideCard, acknowledged }: ClaimedDelivery): NamedCard | null {
  return overrideCard === null ? null : { patientId: overrideCard, overridden: acknowledged.filter(isReasonCode) };
}

/** A target, asked only whether it is a sandbox. */
interface Target {
  isSandbox(): Promise<boolean>;
}

/**
 * Whether nothing may be written to this target: the practice is in shadow, or it is a replayed file and the target does
 * not say of itself that it is a sandbox.
 */
export async function isShadowed({ claim, integration }: OpenDelivery, target: Target): Promise<boolean> {
  if (integration.mode === 'shadow') return true;
  return claim.source === 'replay' && claim.mailboxId === null && !(await target.isSandbox());
}

/** The first reason to hold, or null. The laboratory's numbers are remembered here, so that of two patients one waits. */
export async function ledgerHold(courier: Courier, delivery: OpenDelivery): Promise<LedgerHold | null> {
  const { claim, content } = delivery;
  const stated = content.report.holds.find(({ code }) => !claim.acknowledged.includes(code));
  if (stated !== undefined) {
    const { position } = stated;
    return { code: stated.code, detail: position === null ? null : `${position.tag} ${position.segment}` };
  }
  const sender = claim.sender ?? '';
  if (claim.laboratory === null && !(sender !== '' && (await isSenderAccepted(courier.ledger, sender)))) {
    return { code: 'lab.unknown-sender', detail: null };
  }
  const digestKeys = await courier.keys.digestKeys();
  return courier.ledger.transaction(async (tx) => {
    await courier.keys.guardDigests(tx, digestKeys);
    if (await isConflicting(tx, digestKeys, delivery)) return { code: 'lab.reference-conflict', detail: null };
    return numberHold(tx, digestKeys, delivery);
  });
}

async function isConflicting(tx: Sql, keys: DigestKeys, { claim, whole }: OpenDelivery): Promise<boolean> {
  if (claim.isCorrected || claim.acknowledged.includes('lab.reference-conflict')) return false;
  return hasReferenceConflict(tx, {
    reportId: claim.reportId,
    practiceId: claim.practiceId,
    referenceDigests: storedReferenceDigests(keys, whole, claim),
    contentDigests: contentDigests(keys, whole, claim.version),
  });
}

async function numberHold(tx: Sql, keys: DigestKeys, { claim, content }: OpenDelivery): Promise<LedgerHold | null> {
  const { patientKey } = claim;
  const numbers = labNumberDigests(keys, content.report);
  if (patientKey === null || numbers.all.length === 0) return null;
  await lockContents(tx, numbers.all);
  // A person who named the card knowing this says that the laboratory uses the number anew.
  const isReused = claim.acknowledged.includes('lab.number-other-patient');
  if (!isReused && (await isUnderOtherPatient(tx, numbers.all, patientKey)))
    return { code: 'lab.number-other-patient', detail: null };
  await rememberLabNumbers(tx, numbers.newest, patientKey, claim.id);
  return null;
}

/** Reasons to hold a report for a followed patient that the report and the ledger know, before anything is written. */

import {
  hasReferenceConflict,
  isSenderAccepted,
  isUnderOtherPatient,
  lockContents,
  rememberLabNumbers,
} from '../records/records.ts';
import type { ReasonCode } from '../shared/reasons.ts';
import { labNumberDigests } from './digests.ts';
import type { OpenDelivery } from './open-delivery.ts';
import type { Courier } from './pipeline.ts';

export interface LedgerHold {
  readonly code: ReasonCode;
  readonly detail: string | null;
}

/** The first reason to hold, or null. The laboratory's numbers are remembered here, so that of two patients one waits. */
export async function ledgerHold(courier: Courier, delivery: OpenDelivery): Promise<LedgerHold | null> {
  const { claim, content } = delivery;
  const stated = content.report.holds[0];
  if (stated !== undefined) {
    const { position } = stated;
    return { code: stated.code, detail: position === null ? null : `${position.tag} ${position.segment}` };
  }
  const sender = claim.sender ?? '';
  if (claim.laboratory === null && !(sender !== '' && (await isSenderAccepted(courier.ledger, sender)))) {
    return { code: 'lab.unknown-sender', detail: null };
  }
  if (!claim.isCorrected && (await hasReferenceConflict(courier.ledger, claim)))
    return { code: 'lab.reference-conflict', detail: null };
  return numberHold(courier, delivery);
}

async function numberHold(courier: Courier, { claim, content }: OpenDelivery): Promise<LedgerHold | null> {
  const { patientKey } = claim;
  const numbers = await labNumberDigests(courier.keys, content.report);
  if (patientKey === null || numbers.length === 0) return null;
  return courier.ledger.transaction(async (tx) => {
    await lockContents(tx, numbers);
    const isTaken = claim.overrideCard === null && (await isUnderOtherPatient(tx, numbers, patientKey));
    if (isTaken) return { code: 'lab.number-other-patient', detail: null };
    await rememberLabNumbers(tx, numbers, patientKey, claim.id);
    return null;
  });
}

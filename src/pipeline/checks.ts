/** Reasons to hold a report for a followed patient that the report and the ledger know, before anything is written. */

import type { Card, NamedCard } from '../delivery/patient-card/patient-card.ts';
import {
  type CardsInDoubt,
  type ClaimedDelivery,
  hasReferenceConflict,
  isReferenceReused,
  isSenderAccepted,
  isTakenBack,
  knownNumbers,
  lockContents,
  otherCards,
  rememberLabNumbers,
  rememberResults,
} from '../records/records.ts';
import { isReasonCode, type ReasonCode } from '../shared/reasons.ts';
import {
  contentDigests,
  labNumberDigests,
  numberOwner,
  referenceNameDigests,
  storedReferenceDigests,
} from './digests.ts';
import { type Identified, identifyReport } from './identify.ts';
import type { OpenDelivery } from './open-delivery.ts';
import type { Courier } from './pipeline.ts';
import type { SameDecision } from './same-result.ts';

export interface LedgerHold {
  readonly code: ReasonCode;
  readonly detail: string | null;
  /** Where two cards are in doubt: the one it would go to, and those that had the number before. */
  readonly cards?: CardsInDoubt;
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

/** The first reason to hold that the report, its laboratory and its references give, or null. */
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
  return (await isConflicting(courier, delivery)) ? { code: 'lab.reference-conflict', detail: null } : null;
}

async function isConflicting({ ledger, keys }: Courier, { claim, whole }: OpenDelivery): Promise<boolean> {
  if (claim.isCorrected || claim.acknowledged.includes('lab.reference-conflict')) return false;
  const digestKeys = await keys.digestKeys();
  return ledger.transaction(async (tx) => {
    await keys.guardDigests(tx, digestKeys);
    return hasReferenceConflict(tx, {
      reportId: claim.reportId,
      practiceId: claim.practiceId,
      referenceDigests: storedReferenceDigests(digestKeys, whole, claim),
      contentDigests: contentDigests(digestKeys, whole, claim.version),
    });
  });
}

/** Warnings that only the ledger can give: the laboratory used a reference again, at another moment (a message of its own). */
export async function ledgerWarnings(
  { ledger, keys, logger }: Courier,
  delivery: OpenDelivery,
): Promise<readonly string[]> {
  const { claim, whole, practice } = delivery;
  const digestKeys = await keys.digestKeys();
  const isReused = await ledger.transaction(async (tx) => {
    await keys.guardDigests(tx, digestKeys);
    return isReferenceReused(tx, {
      reportId: claim.reportId,
      practiceId: claim.practiceId,
      referenceNameDigests: referenceNameDigests(digestKeys, whole, claim.format),
      referenceDigests: storedReferenceDigests(digestKeys, whole, claim),
    });
  });
  if (!isReused) return [];
  const code = 'edifact.reference-reused';
  logger.warn('the laboratory used a reference again', { deliveryId: claim.id, practiceId: practice.id, code });
  return [code];
}

/** What a person decided about a result that came back under another key. */
export function sameDecision({ choices, acknowledged }: ClaimedDelivery): SameDecision {
  if (choices.includes('same-determination')) return 'same';
  return acknowledged.includes('lab.key-changed') ? 'both' : null;
}

/**
 * Whose the lab numbers are, and what the results are called on the card; or the reason to hold. Both are remembered here,
 * in one transaction and before anything is written, so that of two patients, or of two reports, the second waits. A
 * delivery that was here before keeps its answer.
 */
export async function claimNumbers(
  courier: Courier,
  { claim, content, practice }: OpenDelivery,
  { patientId }: Card,
): Promise<Pick<Identified, 'identifiers'> | LedgerHold> {
  const { own, other, all } = await labNumberDigests(courier.keys, content.report, courier.registry);
  const patientKey = await numberOwner(courier.keys, claim.patientKey, patientId);
  const isReused = claim.choices.includes('number-reused') || isOverridden(claim);
  return courier.ledger.transaction(async (tx) => {
    await lockContents(tx, all);
    const first = isReused ? [] : await otherCards(tx, all, patientKey, patientId);
    if (first.length > 0 || (!isReused && (await isTakenBack(tx, all, patientKey)))) {
      const cards = { reported: { card: patientId, practiceAgb: practice.agb }, first };
      return { code: 'lab.number-other-patient', detail: null, cards };
    }
    const numbers = [...own, ...(await knownNumbers(tx, other))];
    await rememberLabNumbers(tx, numbers, patientKey, claim.id, patientId);
    if (claim.identifiers !== null) return { identifiers: claim.identifiers };
    const recipient = { patientKey, cardId: patientId };
    const identified = await identifyReport(tx, courier, content.report, recipient, sameDecision(claim));
    if (identified === null) return { code: 'lab.key-changed', detail: null };
    await rememberResults(tx, patientKey, claim.reportId, identified.results, identified.identifiers);
    return identified;
  });
}

// A person who named the card knowing this says that the laboratory uses the number anew.
function isOverridden({ acknowledged, choices, overrideCard }: ClaimedDelivery): boolean {
  return (
    overrideCard !== null && acknowledged.includes('lab.number-other-patient') && !choices.includes('retract-first')
  );
}

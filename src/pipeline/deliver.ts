/**
 * Step 3, deliver: a report goes to the card of its patient, and from there to the board.
 *
 * It may be repeated: the delivery is claimed with a lease, the card is read before it is written, every write is
 * conditional on what was read, and the end is recorded only under the same lease. A request whose fate is unknown
 * leaves the delivery uncertain, and the next try begins by asking the card.
 */

import type { CardAnswer, PatientCard } from '../delivery/patient-card/patient-card.ts';
import type { JobAnswer, RunningJob } from '../queue/queue.ts';
import { type ClaimedDelivery, claimDelivery, nextOfPatient } from '../records/records.ts';
import { asFailure } from '../shared/failure.ts';
import { newId } from '../shared/ids.ts';
import { deliverToBoard } from './board.ts';
import { ledgerHold } from './checks.ts';
import { type OpenDelivery, openDelivery } from './open-delivery.ts';
import type { Courier } from './pipeline.ts';
import { type DeliveryAnswer, postpone, settle } from './settle.ts';

/** How long a delivery waits for another one of the same patient. */
const PATIENT_BUSY_MS = 300;

/** Deliveries of one patient that are done in one go, before others get their turn. */
const IN_ONE_GO = 25;

/**
 * Delivers one, and then what waits for the same patient and target: their own jobs would only find the patient busy
 * for a while, and find nothing to do when they come.
 */
export async function deliver(courier: Courier, job: RunningJob): Promise<JobAnswer> {
  const { answer, claim } = await deliverOne(courier, job.id);
  if (answer.kind !== 'done' || claim === null || claim.patientKey === null) return answer;
  for (let done = 1; done < IN_ONE_GO; done += 1) {
    const next = await nextOfPatient(courier.ledger, claim.target, claim.patientKey);
    if (next === null || (await deliverOne(courier, next)).answer.kind !== 'done') break;
  }
  return answer;
}

interface Delivered {
  readonly answer: JobAnswer;
  readonly claim: ClaimedDelivery | null;
}

async function deliverOne(courier: Courier, id: string): Promise<Delivered> {
  const leaseToken = newId();
  const claimed = await claimDelivery(courier.ledger, id, leaseToken);
  if (claimed.kind === 'nothing') return { answer: { kind: 'done' }, claim: null };
  if (claimed.kind === 'busy') return { answer: { kind: 'later', delayMs: PATIENT_BUSY_MS }, claim: null };
  const claim = claimed.delivery;
  return { answer: await deliverClaimed(courier, claim, leaseToken), claim };
}

async function deliverClaimed(courier: Courier, claim: ClaimedDelivery, leaseToken: string): Promise<JobAnswer> {
  try {
    const delivery = await openDelivery(courier, claim, leaseToken);
    if (delivery === 'parked') return await postpone(courier, claim, leaseToken, { kind: 'park' });
    if (claim.target === 'board') return await deliverToBoard(courier, delivery);
    await settle(courier, delivery, await deliverToCard(courier, delivery));
    return { kind: 'done' };
  } catch (thrown) {
    return postpone(courier, claim, leaseToken, { kind: 'failed', failure: asFailure(thrown) });
  }
}

async function deliverToCard(courier: Courier, delivery: OpenDelivery): Promise<DeliveryAnswer> {
  const { claim, content, practice, integration, trace } = delivery;
  if (!delivery.isAnythingLeft) return { kind: 'no-card', reason: 'practice.withheld' };
  const found = await findCard(courier.card, delivery);
  if (found.kind === 'none') return { kind: 'no-card', reason: null };
  if (found.kind === 'held') return { kind: 'held', code: found.code, detail: null };
  const hold = await ledgerHold(courier, delivery);
  if (hold !== null) return { kind: 'held', ...hold };
  if (integration.mode === 'shadow' || (await isReplayOutsideSandbox(courier, claim))) return { kind: 'shadowed' };
  const written = await courier.card.write(found.card, content, trace);
  courier.mark('card-written');
  if (written.kind === 'held') return { kind: 'held', code: written.code, detail: written.detail };
  courier.logger.debug('written to card', {
    deliveryId: claim.id,
    practiceId: practice.id,
    count: written.resources.length,
  });
  return { kind: 'forwarded', written, warnings: found.warnings.map((warning) => warning.code) };
}

// A person who overrode an identity check named the card; the look-up would only hold it again.
async function findCard(card: PatientCard, delivery: OpenDelivery): Promise<CardAnswer> {
  const { overrideCard } = delivery.claim;
  if (overrideCard !== null) return { kind: 'card', card: { patientId: overrideCard }, warnings: [] };
  return card.find(delivery.content.report.patient, delivery.practice.agb);
}

// A replayed file is never written to a target that does not say of itself that it is a sandbox.
async function isReplayOutsideSandbox(courier: Courier, claim: ClaimedDelivery): Promise<boolean> {
  return claim.source === 'replay' && claim.mailboxId === null && !(await courier.card.isSandbox());
}

/**
 * Step 3, deliver: a report goes to the card of its patient, and from there to the board.
 *
 * It may be repeated: the delivery is claimed with a lease, the card is read before it is written, every write is
 * conditional on what was read, and the end is recorded only under the same lease. A request whose fate is unknown
 * leaves the delivery uncertain, and the next try begins by asking the card.
 */

import { appendAudit } from '../audit/audit.ts';
import type { CardAnswer, PatientCard } from '../delivery/patient-card/patient-card.ts';
import type { JobAnswer, RunningJob } from '../queue/queue.ts';
import {
  type ClaimedDelivery,
  type ClaimWish,
  claimDeliveries,
  clearUncertain,
  nextOfPatients,
  renewLease,
} from '../records/records.ts';
import { asFailure } from '../shared/failure.ts';
import { newId } from '../shared/ids.ts';
import { deliverToBoard } from './board.ts';
import { claimNumbers, isShadowed, ledgerCheck, ledgerWarnings, namedCard } from './checks.ts';
import { type OpenDelivery, openDelivery } from './open-delivery.ts';
import type { Courier } from './pipeline.ts';
import { RETRACT_LATER_MS, retractFirst } from './retract-first.ts';
import { type DeliveryAnswer, type Done, lookedUp, postpone, settle, type TryAnswer } from './settle.ts';
import { inTurn, waitForTarget } from './targets.ts';
import { perLedger, TOGETHER_MOST, together } from './together.ts';

/** How long a delivery waits for another one of the same patient. */
const PATIENT_BUSY_MS = 300;

/** Deliveries of one patient that are done in one go, before others get their turn. */
const IN_ONE_GO = 25;

/** A third of the lease: a slow target must not make the claim another's while its request is under way. */
const RENEW_LEASE_MS = 10_000;

/**
 * Delivers one, and then what waits for the same patient and target: their own jobs would only find the patient busy
 * for a while, and find nothing to do when they come.
 */
export async function deliver(courier: Courier, job: RunningJob): Promise<JobAnswer> {
  const { answer, claim } = await deliverOne(courier, job.id, job.generation === 0 ? null : job.generation);
  if (answer.kind !== 'done') return answer;
  if (claim !== null && claim.patientKey !== null) {
    const { target, patientKey } = claim;
    await deliverWaiting(courier, { target, patientKey }, answer.next);
  }
  return { kind: 'done' };
}

async function deliverWaiting(courier: Courier, whose: Waiting, first: Done['next']): Promise<void> {
  let next = first;
  for (let done = 1; done < IN_ONE_GO; done += 1) {
    const id = next === undefined ? await nextOnes(courier)(whose) : next;
    if (id === null) return;
    const { answer } = await deliverOne(courier, id, null);
    if (answer.kind !== 'done') return;
    next = answer.next;
  }
}

/** Whose deliveries may wait. */
interface Waiting {
  readonly target: ClaimedDelivery['target'];
  readonly patientKey: Buffer;
}

const claims = perLedger(({ ledger }) =>
  together((wishes: readonly ClaimWish[]) => claimDeliveries(ledger, wishes), { most: TOGETHER_MOST }),
);

const nextOnes = perLedger(({ ledger }) =>
  together((asked: readonly Waiting[]) => nextOfPatients(ledger, asked), { most: TOGETHER_MOST }),
);

interface Delivered {
  readonly answer: TryAnswer;
  readonly claim: ClaimedDelivery | null;
}

async function deliverOne(courier: Courier, id: string, generation: number | null): Promise<Delivered> {
  const waitMs = await waitForTarget(courier, id, generation);
  if (waitMs > 0) return { answer: { kind: 'later', delayMs: waitMs }, claim: null };
  const leaseToken = newId();
  const claimed = await claims(courier)({ id, leaseToken, generation });
  if (claimed.kind === 'nothing') return { answer: { kind: 'done' }, claim: null };
  if (claimed.kind === 'busy') return { answer: { kind: 'later', delayMs: PATIENT_BUSY_MS }, claim: null };
  const claim = claimed.delivery;
  const renew = () => void renewLease(courier.ledger, id, leaseToken).catch(() => {});
  const stopRenewing = courier.clock.every(RENEW_LEASE_MS, renew);
  try {
    const answer = await inTurn(courier, claim, (guarded) => deliverClaimed(guarded, claim, leaseToken));
    return { answer: answer ?? (await postpone(courier, claim, leaseToken, { kind: 'later', delayMs: 0 })), claim };
  } finally {
    stopRenewing();
  }
}

async function deliverClaimed(courier: Courier, claim: ClaimedDelivery, leaseToken: string): Promise<TryAnswer> {
  try {
    const delivery = await openDelivery(courier, claim, leaseToken);
    if (claim.isUncertain && (await isThereAlready(courier, delivery))) return { kind: 'done' };
    // Paused or disabled: it waits. A disabled practice's are discarded after 7 days (recover.ts).
    if (delivery.integration.state !== 'enabled') return await postpone(courier, claim, leaseToken, { kind: 'park' });
    if (claim.target === 'board') return await deliverToBoard(courier, delivery);
    const answer = await deliverToCard(courier, delivery);
    if (answer.kind === 'later') return await postpone(courier, claim, leaseToken, answer);
    return await settle(courier, delivery, answer);
  } catch (thrown) {
    return postpone(courier, claim, leaseToken, { kind: 'failed', failure: asFailure(thrown) });
  }
}

// Where it is to be delivered, writing begins by reading, and what is there already is left as it is. Where the practice
// was paused or went to shadow since, the card is asked before the report waits or rests unwritten: what stands there
// counts as forwarded, and what does not is no longer in doubt and holds nobody of the same patient up.
async function isThereAlready(courier: Courier, delivery: OpenDelivery): Promise<boolean> {
  const { claim, leaseToken, integration } = delivery;
  if (integration.state === 'enabled' && integration.mode === 'live') return false;
  if (claim.target === 'patient-card' && (await isOnCard(courier, delivery))) {
    const written = { kind: 'written', resources: [] } as const;
    await settle(courier, delivery, { kind: 'forwarded', written, warnings: [], card: null });
    return true;
  }
  await courier.ledger.transaction(async (tx) => {
    await clearUncertain(tx, claim.id, leaseToken);
    await appendAudit(tx, [lookedUp(claim, 'uncertain', null)]);
  });
  return false;
}

async function isOnCard(courier: Courier, delivery: OpenDelivery): Promise<boolean> {
  const { content, trace } = delivery;
  const hasResults = content.report.specimens.some(({ results }) => results.some(({ kind }) => kind === 'result'));
  const found = hasResults ? await findCard(courier.card, delivery) : null;
  return found?.kind === 'card' && (await courier.card.countMissing(content, trace, found.card)) === 0;
}

interface Later {
  readonly kind: 'later';
  readonly delayMs: number;
}

async function deliverToCard(courier: Courier, delivery: OpenDelivery): Promise<DeliveryAnswer | Later> {
  const { claim, content, practice, trace } = delivery;
  if (!delivery.isAnythingLeft) return { kind: 'no-card', reason: 'practice.withheld' };
  const found = await findCard(courier.card, delivery);
  if (found.kind === 'none') return { kind: 'no-card', reason: null };
  if (found.kind === 'held') return { kind: 'held', code: found.code, detail: null };
  const checked = await ledgerCheck(courier, delivery);
  if (checked.hold !== null) return { kind: 'held', ...checked.hold };
  const noticed = ledgerWarnings(courier, delivery, checked);
  const retracted = await retractFirst(courier, delivery);
  if (retracted === 'later') return { kind: 'later', delayMs: RETRACT_LATER_MS };
  if (retracted !== 'done') return { kind: 'held', ...retracted };
  const numbers = await claimNumbers(courier, delivery, found.card);
  if ('code' in numbers) return { kind: 'held', ...numbers };
  if (await isShadowed(delivery, courier.card)) return { kind: 'shadowed' };
  const written = await courier.card.write(found.card, { ...content, identifiers: numbers.identifiers }, trace);
  courier.mark('card-written');
  if (written.kind === 'held') return { kind: 'held', code: written.code, detail: written.detail };
  courier.logger.debug('written to card', {
    deliveryId: claim.id,
    practiceId: practice.id,
    count: written.resources.length,
  });
  const warnings = [...found.warnings.map((warning) => warning.code), ...noticed];
  return { kind: 'forwarded', written, warnings, card: found.card.patientId };
}

// A person who overrode an identity check named the card: the look-up would only hold it again for the same doubt.
async function findCard(card: PatientCard, { claim, content, practice }: OpenDelivery): Promise<CardAnswer> {
  const { patient } = content.report;
  const named = namedCard(claim);
  if (named === null) return card.find(patient, practice.agb);
  return card.findById(named.patientId, patient, practice.agb, named.overridden);
}

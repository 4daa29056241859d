/**
 * Step 3 of the way back, send: the mails of a registration go to ZorgMail's relay, part after part.
 *
 * It may be repeated: the registration is claimed with a lease, what goes are the bytes that were stored, and each part that
 * the relay took is recorded before the next one goes. A part is marked uncertain before its bytes leave, so that a worker
 * that dies in between leaves a question and never a second mail. That question is answered by a receipt; only when none
 * came for a long time (limits.uncertainWaitMs) the same bytes go again, with their Message-ID and control reference.
 */

import { integrationOf } from '../practice/practice.ts';
import type { JobAnswer, RunningJob } from '../queue/queue.ts';
import {
  claimRegistration,
  isForFormerReceiver,
  nextRegistrationOfPatient,
  type OpenRegistration,
  type OutwardPart,
  outwardParts,
  postponeRegistration,
  renewRegistration,
  settleChangedReceivers,
  takeReceipted,
  unrenderedRegistration,
  waitUntilAsked,
} from '../records/records.ts';
import { asFailure, Failure } from '../shared/failure.ts';
import { newId } from '../shared/ids.ts';
import type { Courier } from './pipeline.ts';
import { renderRegistration } from './render.ts';
import { isGone, type Sending, sendPart } from './send-part.ts';
import { holdSending, LOOK_MS, sendFailed, settleSent, settleShadowed } from './settle-sending.ts';

/** How long a registration waits for an older one of its patient. Whoever ends that one takes it up at once. */
const PATIENT_BUSY_MS = 15_000;
/** Registrations of one patient that go in one go, before others get their turn. */
const IN_ONE_GO = 25;
/** A third of the lease: a slow relay must not make the claim another's while it is waited for. */
const RENEW_LEASE_MS = 10_000;

/** Sends one, and then what waits for the same patient and practice. */
export async function send(courier: Courier, job: RunningJob): Promise<JobAnswer> {
  const { answer, registration } = await sendOne(courier, job.id, job.generation === 0 ? null : job.generation);
  if (answer.kind !== 'done' || registration === null) return answer;
  for (let done = 1; done < IN_ONE_GO; done += 1) {
    const next = await nextRegistrationOfPatient(courier.ledger, registration);
    if (next === null || (await sendOne(courier, next, null)).answer.kind !== 'done') break;
  }
  return answer;
}

interface Sent {
  readonly answer: JobAnswer;
  readonly registration: OpenRegistration | null;
}

async function sendOne(courier: Courier, id: string, generation: number | null): Promise<Sent> {
  const unrendered = await unrenderedRegistration(courier.ledger, id, generation);
  const rendered = unrendered === null ? null : await renderRegistration(courier, unrendered);
  if (rendered?.kind === 'done') return { answer: rendered, registration: unrendered };
  if (rendered?.kind === 'later') return { answer: rendered, registration: null };
  if (rendered?.kind === 'busy') return busy(courier, id, generation);
  const waitMs = courier.breakers.zorgmail.waitMs();
  if (waitMs > 0 && (await waitUntilAsked(courier.ledger, id, generation, waitMs)))
    return { answer: { kind: 'later', delayMs: waitMs }, registration: null };
  const leaseToken = newId();
  const claimed = await claimRegistration(courier.ledger, id, leaseToken, generation);
  if (claimed.kind === 'nothing') return { answer: { kind: 'done' }, registration: null };
  if (claimed.kind === 'busy') return busy(courier, id, generation);
  const { registration } = claimed;
  const renew = () => void renewRegistration(courier.ledger, id, leaseToken).catch(() => {});
  const stopRenewing = courier.clock.every(RENEW_LEASE_MS, renew);
  try {
    return { answer: await sendClaimed(courier, { registration, leaseToken }), registration };
  } finally {
    stopRenewing();
  }
}

async function busy({ ledger }: Courier, id: string, generation: number | null): Promise<Sent> {
  await waitUntilAsked(ledger, id, generation, PATIENT_BUSY_MS);
  return { answer: { kind: 'later', delayMs: PATIENT_BUSY_MS }, registration: null };
}

async function sendClaimed(courier: Courier, sending: Sending): Promise<JobAnswer> {
  let current: OutwardPart | null = null;
  try {
    const { id } = sending.registration;
    const count = await takeReceipted(courier.ledger, id);
    if (count > 0) courier.logger.info('a receipt says that the relay took it', { registrationId: id, count });
    const parts = await outwardParts(courier.ledger, id);
    // Of nothing all is gone, and nobody would ever miss a receipt of it.
    if (parts.length === 0) throw new Failure('pipeline.no-mails', { kind: 'defect', fields: { registration: id } });
    const stopped = parts.every(isGone) ? null : await whyNot(courier, sending, parts);
    if (stopped !== null) return stopped;
    for (current of parts) if (!isGone(current)) await sendPart(courier, sending, current);
    await settleSent(courier, sending, parts.length);
    return { kind: 'done' };
  } catch (thrown) {
    return sendFailed(courier, sending, current, asFailure(thrown));
  }
}

/** What keeps the rest of it from being sent now: recorded, and the answer of the job. null: nothing does. */
async function whyNot(courier: Courier, sending: Sending, parts: readonly OutwardPart[]): Promise<JobAnswer | null> {
  const { registration, leaseToken } = sending;
  const waitMs = uncertainMs(courier, parts);
  if (waitMs > 0) {
    const later = { delayMs: Math.min(waitMs, LOOK_MS), isParked: false, isAttemptSpent: false };
    const reason = 'zorgmail.no-reply';
    await postponeRegistration(courier.ledger, registration.id, leaseToken, { ...later, reason });
    return { kind: 'later', delayMs: later.delayMs };
  }
  const choice = await integrationOf(courier.ledger, registration.practiceId, 'registrations');
  if (choice?.state === 'enabled' && choice.mode === 'live') return receiverChanged(courier, sending, parts);
  if (choice?.state === 'paused') {
    const parked = { delayMs: 0, isParked: true, isAttemptSpent: false, reason: null };
    await postponeRegistration(courier.ledger, registration.id, leaseToken, parked);
    return { kind: 'done' };
  }
  // Half a text at the practice, or one that may be there, is for a person; what is whole here was rendered and not sent.
  const isUntouched = parts.every(({ state }) => state === 'queued');
  if (choice?.state === 'enabled' && isUntouched) await settleShadowed(courier, sending);
  else await holdSending(courier, sending, 'registration.switched-off', howMuch(parts));
  return { kind: 'done' };
}

// The account may be another's by now. What nobody has is rendered anew; of what somebody may have, a person decides.
async function receiverChanged(
  courier: Courier,
  sending: Sending,
  parts: readonly OutwardPart[],
): Promise<JobAnswer | null> {
  const { id, practiceId } = sending.registration;
  if (!(await isForFormerReceiver(courier.ledger, id))) return null;
  if (!parts.every(({ state }) => state === 'queued')) {
    await holdSending(courier, sending, 'registration.receiver-changed', howMuch(parts));
    return { kind: 'done' };
  }
  const later = { delayMs: 0, isParked: false, isAttemptSpent: false, reason: null };
  await courier.ledger.transaction(async (tx) => {
    await postponeRegistration(tx, id, sending.leaseToken, later);
    await settleChangedReceivers(tx, practiceId, 'worker');
  });
  return { kind: 'later', delayMs: later.delayMs };
}

function howMuch(parts: readonly OutwardPart[]): string {
  return `sent ${parts.filter(isGone).length}/${parts.length}`;
}

/** How long a receipt of an uncertain part is waited for yet; 0: none is uncertain, or it was long enough. */
function uncertainMs({ limits }: Courier, parts: readonly OutwardPart[]): number {
  const waits = parts
    .filter(({ state }) => state === 'uncertain')
    .map(({ triedMs }) => limits.uncertainWaitMs - (triedMs ?? 0));
  return Math.max(0, ...waits);
}

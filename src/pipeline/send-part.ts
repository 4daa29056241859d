/** One part of a registration to the relay, and what the relay said of it into the ledger. */

import {
  beginTry,
  type OpenRegistration,
  type OutwardPart,
  type RelayAnswer,
  recordTaken,
  undoTry,
} from '../records/records.ts';
import { asFailure, Failure } from '../shared/failure.ts';
import type { Courier } from './pipeline.ts';
import { openOutward } from './registration-content.ts';
import { notConfigured } from './render.ts';

/** A registration under its claim. */
export interface Sending {
  readonly registration: OpenRegistration;
  readonly leaseToken: string;
}

/** Another has the claim by now: nothing more is to be done here. */
export const CLAIM_LOST = 'pipeline.claim-lost';

/** What the relay took is not forgotten for a ledger that is away for a moment: else it would go a second time. */
const RECORD_TRIES = 30;
const RECORD_AGAIN_MS = 2_000;

/** The relay has taken it. */
export function isGone({ state }: OutwardPart): boolean {
  return state !== 'queued' && state !== 'uncertain';
}

/** Sends the stored bytes and records that the relay took them. Throws the relay's Failure: uncertain only where it is ambiguous. */
export async function sendPart(courier: Courier, sending: Sending, part: OutwardPart): Promise<void> {
  const { ledger, relay, smtpFrom: from, breakers } = courier;
  const { registration, leaseToken } = sending;
  if (relay === null || from === null) throw notConfigured();
  const bytes = await open(courier, registration, part);
  if (!(await beginTry(ledger, part.id, registration.id, leaseToken)))
    throw new Failure(CLAIM_LOST, { kind: 'defect', fields: { registration: registration.id } });
  courier.mark('mail-sending');
  const envelope = { from, to: part.recipient, envelopeId: part.envelopeId };
  // The practice, not the registration, is what may fail by itself: its mailbox may be full.
  const answer = await breakers.zorgmail
    .guard(registration.practiceId, () => relay.send(bytes, envelope))
    .catch(async (thrown: unknown) => {
      const failure = asFailure(thrown);
      if (isNotTaken(failure)) await undoTry(ledger, part);
      throw failure;
    });
  courier.mark('mail-accepted');
  await record(courier, part, answer);
  courier.mark('mail-recorded');
}

async function open({ keys }: Courier, { practiceId }: OpenRegistration, { id, content }: OutwardPart) {
  if (content === null) throw new Failure('pipeline.content-erased', { kind: 'defect', fields: { mail: id } });
  return openOutward(keys, id, practiceId, content);
}

// Only what the relay, or the breaker before it, says for certain. A bug of ours says nothing about where the bytes are.
function isNotTaken({ code, kind }: Failure): boolean {
  return code.startsWith('zorgmail.') && kind !== 'ambiguous';
}

async function record({ ledger, clock, logger }: Courier, { id }: OutwardPart, answer: RelayAnswer): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await recordTaken(ledger, id, answer);
    } catch (thrown) {
      const failure = asFailure(thrown);
      if (failure.kind !== 'transient' || tries === RECORD_TRIES) throw failure;
      logger.warn('what the relay took is not recorded yet', { code: failure.code, attempt: tries });
      await clock.wait(RECORD_AGAIN_MS);
    }
  }
}

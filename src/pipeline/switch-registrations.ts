/**
 * Switching registrations on and off for a practice, with what that means for those that were not sent yet. A doctor
 * believes that they were: so none is dropped, and what cannot go any more comes before a person.
 *
 * Each is one transaction with its audit rows. What a worker has in its hands at that moment the sweeper finds later.
 */

import { beginAnew } from '../keys/keys.ts';
import type { Ledger } from '../ledger/ledger.ts';
import {
  changeIntegration,
  type EnableRequest,
  enableIntegration,
  lockMailboxesOf,
  type Practice,
  type Refusal,
} from '../practice/practice.ts';
import { holdSwitchedOff, settleChangedReceivers } from '../records/records.ts';
import type { ReasonCode } from '../shared/reasons.ts';
import type { Courier } from './pipeline.ts';

/** Enables in shadow or live, or resumes: what was parked goes on at once, and what was rendered for another account is rendered anew. */
export async function enableRegistrations(
  ledger: Ledger,
  practice: Practice,
  request: EnableRequest,
  actor: string,
): Promise<Refusal | null> {
  return ledger.transaction(async (tx) => {
    // Of enabling and shredding at the same moment the second must see what the first did: both hold the practice.
    await lockMailboxesOf(tx, practice.id);
    const refusal = await enableIntegration(tx, practice, { ...request, name: 'registrations' }, actor);
    if (refusal !== null) return refusal;
    await settleChangedReceivers(tx, practice.id, actor);
    // A practice whose keys were destroyed comes back by a person's word only, and with new ones.
    await beginAnew(tx, { purpose: 'practice', id: practice.id });
    return null;
  });
}

/** Pauses: registrations are still taken and rendered, sending waits. */
export async function pauseRegistrations(ledger: Ledger, practice: Practice, actor: string): Promise<Refusal | null> {
  return ledger.transaction((tx) => changeIntegration(tx, practice, 'registrations', 'paused', actor));
}

export interface DisabledRegistrations {
  readonly refusal: Refusal | null;
  /** Not sent yet, and held for a person. */
  readonly held: number;
}

/** Disables: nothing is taken any more, what was not sent is held, what was sent still takes its receipts. */
export async function disableRegistrations(
  ledger: Ledger,
  practice: Practice,
  actor: string,
): Promise<DisabledRegistrations> {
  return ledger.transaction(async (tx) => {
    const refusal = await changeIntegration(tx, practice, 'registrations', 'disabled', actor);
    return { refusal, held: refusal === null ? await holdSwitchedOff(tx, practice.id, actor) : 0 };
  });
}

/** A round of the sweeper: what a worker had in its hands when its practice was switched off, or got another receiver. */
export async function settleSwitched({
  ledger,
  logger,
  meter,
}: Pick<Courier, 'ledger' | 'logger' | 'meter'>): Promise<void> {
  const { off, changed } = await ledger.transaction(async (tx) => ({
    off: await holdSwitchedOff(tx, null, 'worker'),
    changed: await settleChangedReceivers(tx, null, 'worker'),
  }));
  const tell = (count: number, reason: ReasonCode) => {
    for (let told = 0; told < count; told += 1) meter.registered({ state: 'held', reason, acceptedMs: null });
    if (count > 0) logger.warn('registrations held', { count, reason });
  };
  tell(off, 'registration.switched-off');
  tell(changed.held, 'registration.receiver-changed');
}

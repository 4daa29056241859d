/**
 * Switching forwarding on and off for a practice, with what that means for its mailboxes: enabling opens an epoch at this
 * moment's uidNext (or lists what came since a date), disabling the last practice of a mailbox closes it.
 */

import { appendAudit } from '../audit/audit.ts';
import { beginAnew } from '../keys/keys.ts';
import type { Ledger, Sql } from '../ledger/ledger.ts';
import {
  changeIntegration,
  closeEpochs,
  type EnableRequest,
  enableIntegration,
  integrationOf,
  lockMailboxesOf,
  type Mailbox,
  mailboxAccount,
  mailboxesOf,
  openEpochOf,
  type Practice,
  practicesOfMailbox,
  type Refusal,
} from '../practice/practice.ts';
import { isVanishedRateHigh, type VanishedRate, vanishedRate } from '../records/records.ts';
import { changedMeanwhile, ensureEpoch, type Look, lookAt, type Opened } from './epochs.ts';
import type { Courier } from './pipeline.ts';

export type Switcher = Pick<Courier, 'ledger' | 'keys' | 'openMailbox'>;

export interface EnabledForwarding {
  /** vanished-rate: more than one mail in a thousand was gone before we saw it, and nobody said that this may be. */
  readonly refusal: Refusal | 'vanished-rate' | null;
  readonly mailboxes: readonly (Opened & { readonly mailbox: string })[];
}

/**
 * Enables forwarding, or resumes it. Every mailbox that is opened now is looked at first, read-only: where one cannot be,
 * nothing is switched on. Then all epochs and the integration, in one transaction.
 * Going live after a shadow run in which too much vanished needs a person's word for it: `vanishedAccepted`.
 * `isSinceGiven`: mails from `request.since` on that are in a mailbox already are assigned too.
 */
export async function enableForwarding(
  courier: Switcher,
  practice: Practice,
  request: EnableRequest,
  isSinceGiven: boolean,
  actor: string,
  vanishedAccepted: string | null = null,
): Promise<EnabledForwarding> {
  // Asked first in a transaction that is given up, so that a refusal opens no mailbox.
  const refusal = await tried(courier.ledger, practice, request, actor);
  if (refusal !== null) return { refusal, mailboxes: [] };
  const vanished = await vanishedInShadow(courier.ledger, practice, request);
  if (vanished !== null && vanishedAccepted === null) return { refusal: 'vanished-rate', mailboxes: [] };
  const looks = await lookAtAll(courier, practice, isSinceGiven ? request.since : null);
  return courier.ledger.transaction(async (tx) => {
    const mailboxes: (Opened & { readonly mailbox: string })[] = [];
    for (const { id, name } of await lockMailboxesOf(tx, practice.id))
      mailboxes.push({ mailbox: name, ...(await ensureEpoch(tx, id, looks.get(id), actor)) });
    if ((await enableIntegration(tx, practice, request, actor)) !== null) throw changedMeanwhile();
    if (vanished !== null) await auditAccepted(tx, practice, vanished, { actor, reason: vanishedAccepted });
    // A practice whose keys were destroyed comes back by a person's word only, and with new ones.
    await beginAnew(tx, { purpose: 'practice', id: practice.id });
    return { refusal: null, mailboxes };
  });
}

// Too much vanished in the shadow run that ends now; null where that is not so, or there was none.
async function vanishedInShadow(
  ledger: Ledger,
  practice: Practice,
  request: EnableRequest,
): Promise<VanishedRate | null> {
  const before = await integrationOf(ledger, practice.id, 'forwarding');
  const wasShadow = before !== null && before.state !== 'disabled' && before.mode === 'shadow';
  if (!wasShadow || request.mode !== 'live') return null;
  const rate = await vanishedRate(ledger, { practiceId: practice.id }, before.since);
  return isVanishedRateHigh(rate) ? rate : null;
}

async function auditAccepted(
  tx: Sql,
  practice: Practice,
  { assigned, vanished }: VanishedRate,
  who: { readonly actor: string; readonly reason: string | null },
): Promise<void> {
  await appendAudit(tx, [
    {
      event: 'integration.vanished-accepted',
      ...who,
      objectKind: 'practice',
      objectId: practice.id,
      practiceId: practice.id,
      fields: { assigned, vanished },
    },
  ]);
}

/** A mailbox that is watched already, and of which no older mail is asked, needs no look: resuming works while its server is away. */
async function lookAtAll(courier: Switcher, practice: Practice, since: Date | null): Promise<Map<string, Look>> {
  const looks = new Map<string, Look>();
  for (const { id } of await mailboxesOf(courier.ledger, practice.id)) {
    if (since === null && (await openEpochOf(courier.ledger, id)) !== null) continue;
    const connection = await courier.openMailbox(await mailboxAccount(courier.ledger, courier.keys, id));
    try {
      looks.set(id, await lookAt(connection, since));
    } finally {
      await connection.release();
    }
  }
  return looks;
}

async function tried(
  ledger: Ledger,
  practice: Practice,
  request: EnableRequest,
  actor: string,
): Promise<Refusal | null> {
  class GivenUp extends Error {}
  let refusal: Refusal | null = null;
  await ledger
    .transaction(async (tx) => {
      refusal = await enableIntegration(tx, practice, request, actor);
      throw new GivenUp();
    })
    .catch((thrown) => {
      if (!(thrown instanceof GivenUp)) throw thrown;
    });
  return refusal;
}

/** Pauses: copying goes on, delivery waits. */
export async function pauseForwarding(courier: Switcher, practice: Practice, actor: string): Promise<Refusal | null> {
  return courier.ledger.transaction((tx) => changeIntegration(tx, practice, 'forwarding', 'paused', actor));
}

/** Disables: copying and delivery stop at once; a mailbox that serves no other practice stops being ours here. */
export async function disableForwarding(courier: Switcher, practice: Practice, actor: string): Promise<Refusal | null> {
  const uidNexts = new Map<string, number | null>();
  for (const mailbox of await mailboxesOf(courier.ledger, practice.id))
    uidNexts.set(mailbox.id, await uidNextNow(courier, mailbox));
  return courier.ledger.transaction(async (tx) => {
    const mailboxes = await lockMailboxesOf(tx, practice.id);
    const refusal = await changeIntegration(tx, practice, 'forwarding', 'disabled', actor);
    if (refusal !== null) return refusal;
    for (const mailbox of mailboxes) {
      const others = await practicesOfMailbox(tx, mailbox.id);
      const states = await Promise.all(others.map((other) => integrationOf(tx, other.id, 'forwarding')));
      const isStillWatched = states.some((state) => state !== null && state.state !== 'disabled');
      if (!isStillWatched) await closeEpochs(tx, mailbox.id, uidNexts.get(mailbox.id) ?? null, actor);
    }
    return null;
  });
}

/** Where assigning stops when a mailbox is let go; null where the server cannot be asked: what the ledger last heard stands. */
export async function uidNextNow(courier: Switcher, mailbox: Mailbox): Promise<number | null> {
  try {
    const connection = await courier.openMailbox(await mailboxAccount(courier.ledger, courier.keys, mailbox.id));
    try {
      const status = await connection.status();
      const epoch = await openEpochOf(courier.ledger, mailbox.id);
      return epoch?.uidValidity === status.uidValidity ? status.uidNext : null;
    } finally {
      await connection.release();
    }
  } catch {
    return null;
  }
}

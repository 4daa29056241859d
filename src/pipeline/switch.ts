/**
 * Switching forwarding on and off for a practice, with what that means for its mailboxes: enabling opens an epoch at this
 * moment's uidNext (or lists what came since a date), disabling the last practice of a mailbox closes it.
 */

import {
  changeIntegration,
  closeEpochs,
  type EnableRequest,
  enableIntegration,
  integrationOf,
  type Mailbox,
  mailboxAccount,
  mailboxesOf,
  openEpochOf,
  type Practice,
  practicesOfMailbox,
  type Refusal,
} from '../practice/practice.ts';
import { openEpochOn } from './copy.ts';
import type { Courier } from './pipeline.ts';

type Switcher = Pick<Courier, 'ledger' | 'keys' | 'openMailbox'>;

export interface EnabledForwarding {
  readonly refusal: Refusal | null;
  /** Mailboxes that were opened now: how many older mails were assigned by their date. */
  readonly opened: readonly { readonly mailbox: string; readonly listed: boolean }[];
}

/**
 * Enables forwarding. The mailboxes are looked at first, read-only: where one cannot be opened nothing is switched on.
 * `isSinceGiven`: mails from `request.since` on that are in a newly opened mailbox already are assigned too.
 */
export async function enableForwarding(
  courier: Switcher,
  practice: Practice,
  request: EnableRequest,
  isSinceGiven: boolean,
  actor: string,
): Promise<EnabledForwarding> {
  // Asked first in a transaction that is given up, so that a refusal opens no mailbox.
  const refusal = await tried(courier, practice, request, actor);
  if (refusal !== null) return { refusal, opened: [] };
  const opened: { mailbox: string; listed: boolean }[] = [];
  for (const mailbox of await mailboxesOf(courier.ledger, practice.id)) {
    if (await openOne(courier, mailbox, isSinceGiven ? request.since : null, actor))
      opened.push({ mailbox: mailbox.name, listed: isSinceGiven });
  }
  return { refusal: await courier.ledger.transaction((tx) => enableIntegration(tx, practice, request, actor)), opened };
}

async function tried(
  courier: Switcher,
  practice: Practice,
  request: EnableRequest,
  actor: string,
): Promise<Refusal | null> {
  class GivenUp extends Error {}
  let refusal: Refusal | null = null;
  await courier.ledger
    .transaction(async (tx) => {
      refusal = await enableIntegration(tx, practice, request, actor);
      throw new GivenUp();
    })
    .catch((thrown) => {
      if (!(thrown instanceof GivenUp)) throw thrown;
    });
  return refusal;
}

async function openOne(courier: Switcher, mailbox: Mailbox, since: Date | null, actor: string): Promise<boolean> {
  const connection = await courier.openMailbox(await mailboxAccount(courier.ledger, courier.keys, mailbox.id));
  try {
    if ((await openEpochOf(courier.ledger, mailbox.id)) !== null) return false;
    await openEpochOn(courier, mailbox.id, connection, since, actor);
    return true;
  } finally {
    await connection.release();
  }
}

/** Pauses: copying goes on, delivery waits. */
export async function pauseForwarding(courier: Switcher, practice: Practice, actor: string): Promise<Refusal | null> {
  return courier.ledger.transaction((tx) => changeIntegration(tx, practice, 'forwarding', 'paused', actor));
}

/** Disables: copying and delivery stop at once; a mailbox that serves no other practice stops being ours here. */
export async function disableForwarding(courier: Switcher, practice: Practice, actor: string): Promise<Refusal | null> {
  const mailboxes = await mailboxesOf(courier.ledger, practice.id);
  const uidNexts = new Map<string, number | null>();
  for (const mailbox of mailboxes) uidNexts.set(mailbox.id, await uidNextNow(courier, mailbox));
  return courier.ledger.transaction(async (tx) => {
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

// Where the server cannot be asked, what the ledger last heard of it stands.
async function uidNextNow(courier: Switcher, mailbox: Mailbox): Promise<number | null> {
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

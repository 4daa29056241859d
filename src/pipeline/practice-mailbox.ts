/**
 * What a mailbox of a practice means for copying: one that is added to a practice that is switched on is watched from that
 * moment, and a new password reaches the worker that reads it.
 *
 * Each looks at the mailbox first, read-only; where that fails nothing is changed, and it may be asked again.
 */

import type { Sql } from '../ledger/ledger.ts';
import {
  accountWithPassword,
  addMailbox,
  existingMailbox,
  integrationOf,
  lockMailboxesOf,
  type Mailbox,
  mailboxesOf,
  type NewMailbox,
  openEpochOf,
  type Practice,
  setMailboxPassword,
} from '../practice/practice.ts';
import { Failure } from '../shared/failure.ts';
import type { PracticeId } from '../shared/ids.ts';
import { ensureEpoch, type Look, lookAt } from './epochs.ts';
import type { Switcher } from './switch.ts';

export interface LinkedMailbox {
  /** Forwarding is enabled or paused: it is copied from now on. */
  readonly isWatched: boolean;
}

/** Adds a mailbox to a practice, or links one that others share. */
export async function addMailboxTo(
  courier: Switcher,
  practice: Practice,
  mailbox: NewMailbox,
  actor: string,
): Promise<LinkedMailbox> {
  const known = await existingMailbox(courier.ledger, courier.keys, mailbox);
  const hasEpoch = known !== null && (await openEpochOf(courier.ledger, known)) !== null;
  const needsLook = !hasEpoch && (await isSwitchedOn(courier.ledger, practice));
  const look = needsLook ? await lookInto(courier, mailbox, null) : undefined;
  return courier.ledger.transaction(async (tx) => {
    const id = await addMailbox(tx, courier.keys, mailbox, [practice.id], actor);
    // Of adding and switching on at the same moment, the second sees the first.
    await lockMailboxesOf(tx, practice.id);
    const isWatched = await isSwitchedOn(tx, practice);
    if (isWatched) await ensureEpoch(tx, id, look, actor);
    return { isWatched };
  });
}

async function isSwitchedOn(sql: Sql, practice: Practice): Promise<boolean> {
  const integration = await integrationOf(sql, practice.id, 'forwarding');
  return integration !== null && integration.state !== 'disabled';
}

/** Looks at a mailbox, read-only; `since`: and lists what is there already from that moment on. */
export async function lookInto(
  courier: Switcher,
  account: Parameters<Switcher['openMailbox']>[0],
  since: Date | null,
): Promise<Look> {
  const connection = await courier.openMailbox(account);
  try {
    return await lookAt(connection, since);
  } finally {
    await connection.release();
  }
}

/** Stores a password that the server takes; a running worker connects anew with it. Throws where there is no such mailbox. */
export async function replacePassword(
  courier: Switcher,
  practice: Practice,
  name: string,
  password: string,
  actor: string,
): Promise<void> {
  const mailbox = (await mailboxesOf(courier.ledger, practice.id)).find((each) => each.name === name);
  await storePassword(courier, mailbox, practice.id, password, actor);
}

/** The same for a mailbox that was found; `practiceId`: whom it was found for, null for one that is ours. */
export async function storePassword(
  courier: Switcher,
  mailbox: Mailbox | undefined,
  practiceId: PracticeId | null,
  password: string,
  actor: string,
): Promise<void> {
  if (mailbox === undefined) throw new Failure('practice.unknown-mailbox', { kind: 'permanent' });
  await lookInto(courier, await accountWithPassword(courier.ledger, mailbox.id, password), null);
  const where = { mailboxId: mailbox.id, practiceId };
  await courier.ledger.transaction((tx) => setMailboxPassword(tx, courier.keys, where, password, actor));
}

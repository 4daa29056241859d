/**
 * The return mailbox: ours, of no practice, where what comes back about our mails comes in. It is watched from the moment
 * that it is added, as a practice's is from switching on, and until it is removed.
 *
 * Each looks at the mailbox first, read-only; where that fails nothing is changed, and it may be asked again.
 */

import {
  addMailbox,
  CHANGES,
  closeEpochs,
  existingMailbox,
  lockMailbox,
  type Mailbox,
  type NewMailbox,
  returnMailboxes,
} from '../practice/practice.ts';
import { Failure } from '../shared/failure.ts';
import { ensureEpoch, type Opened } from './epochs.ts';
import { lookInto, storePassword } from './practice-mailbox.ts';
import { type Switcher, uidNextNow } from './switch.ts';

/** Adds it and begins to watch it; `since`: also what is there already from that moment on. Repeated, it lists older mail. */
export async function addReturnMailbox(
  courier: Switcher,
  account: Omit<NewMailbox, 'kind' | 'purpose'>,
  since: Date | null,
  actor: string,
): Promise<Opened> {
  const mailbox: NewMailbox = { ...account, kind: 'copy', purpose: 'return' };
  // Before anything is logged into: a mailbox of a practice is refused.
  await existingMailbox(courier.ledger, courier.keys, mailbox);
  const look = await lookInto(courier, mailbox, since);
  return courier.ledger.transaction(async (tx) => {
    const id = await addMailbox(tx, courier.keys, mailbox, [], actor);
    await lockMailbox(tx, id);
    const opened = await ensureEpoch(tx, id, look, actor);
    await tx.query('select pg_notify($1, $2)', [CHANGES, '']);
    return opened;
  });
}

/** Stops watching it; its rows and its books stay, and adding it again goes on where this ended. */
export async function removeReturnMailbox(courier: Switcher, name: string, actor: string): Promise<void> {
  const mailbox = await returnMailbox(courier, name);
  if (mailbox === undefined) throw new Failure('practice.unknown-mailbox', { kind: 'permanent' });
  const uidNext = await uidNextNow(courier, mailbox);
  await courier.ledger.transaction(async (tx) => {
    await lockMailbox(tx, mailbox.id);
    await closeEpochs(tx, mailbox.id, uidNext, actor);
    await tx.query('select pg_notify($1, $2)', [CHANGES, '']);
  });
}

/** Stores a password that the server takes; a running worker connects anew with it. */
export async function replaceReturnPassword(
  courier: Switcher,
  name: string,
  password: string,
  actor: string,
): Promise<void> {
  await storePassword(courier, await returnMailbox(courier, name), null, password, actor);
}

async function returnMailbox(courier: Switcher, name: string): Promise<Mailbox | undefined> {
  return (await returnMailboxes(courier.ledger)).find((mailbox) => mailbox.name === name);
}

/**
 * After a restore: the ledger is a backup's, the mailboxes and the cards are today's. Every mailbox gets a new epoch that
 * lists again what came since the backup, and what stood open then asks the card first. Registrations that were open then
 * may have been sent since: a receipt is looked for first, and no control reference of the lost time is given out again.
 *
 * It may be repeated: what was listed twice ends as a duplicate, and asking twice harms nothing. Workers may run.
 */

import { appendAudit } from '../audit/audit.ts';
import { lockMailbox, mailboxAccount, watchedMailboxes } from '../practice/practice.ts';
import { type Distrusted, disown, distrust, knownUntil, REFERENCES_LOST } from '../records/records.ts';
import { asFailure } from '../shared/failure.ts';
import { lookAt, openEpochOn } from './epochs.ts';
import type { Switcher } from './switch.ts';

/** INTERNALDATE is the server's clock, and a mail may lie a while before we hear of it. */
const MARGIN_MS = 3_600_000;

export interface RecoveredMailbox {
  readonly mailbox: string;
  /** Mails that are copied (again); null where the mailbox could not be opened, with the code. */
  readonly listed: number | null;
  readonly code: string | null;
}

export interface Recovered extends Distrusted {
  readonly mailboxes: readonly RecoveredMailbox[];
}

/** Brings a ledger that was restored to its state of `restoredAt` up to today. */
export async function recoverRestored(courier: Switcher, restoredAt: Date, actor: string): Promise<Recovered> {
  const distrusted = await courier.ledger.transaction(async (tx) => {
    const answer = await distrust(tx);
    const fields = { restoredAt: restoredAt.toISOString(), ...answer, referencesLost: REFERENCES_LOST };
    await appendAudit(tx, [{ event: 'ledger.restored', actor, objectKind: 'ledger', objectId: 'ledger', fields }]);
    return answer;
  });
  const mailboxes: RecoveredMailbox[] = [];
  for (const { id, name } of await watchedMailboxes(courier.ledger)) {
    mailboxes.push({ mailbox: name, ...(await readAnew(courier, id, restoredAt, actor)) });
  }
  return { ...distrusted, mailboxes };
}

// One mailbox that cannot be opened must not leave the others as they were; the command says which, and is repeated.
async function readAnew(
  courier: Switcher,
  mailboxId: string,
  restoredAt: Date,
  actor: string,
): Promise<Omit<RecoveredMailbox, 'mailbox'>> {
  try {
    const known = await knownUntil(courier.ledger, mailboxId, restoredAt);
    const connection = await courier.openMailbox(await mailboxAccount(courier.ledger, courier.keys, mailboxId));
    const look = await lookAt(connection, new Date(known.getTime() - MARGIN_MS)).finally(() => connection.release());
    await courier.ledger.transaction(async (tx) => {
      await lockMailbox(tx, mailboxId);
      await disown(tx, mailboxId);
      await openEpochOn(tx, mailboxId, look, actor);
    });
    return { listed: look.listed.length, code: null };
  } catch (thrown) {
    return { listed: null, code: asFailure(thrown).code };
  }
}

/** Practices and mailboxes of the tests, made through the doors of production. Each has an AGB and a name of its own. */

import { createHash, randomBytes } from 'node:crypto';
import { type Keys, openKeys } from '../../src/keys/keys.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import {
  addMailbox,
  addPractice,
  type EnableRequest,
  enableIntegration,
  findPractice,
  type NewMailbox,
  type NewPractice,
  openEpoch,
  type Practice,
} from '../../src/practice/practice.ts';
import type { MailboxId } from '../../src/shared/ids.ts';

const master = randomBytes(32);
let made = 0;

export function testKeys(ledger: Ledger): Keys {
  const id = createHash('sha256').update(master).digest('hex').slice(0, 8);
  return openKeys({ sql: ledger, master: { id, bytes: master } });
}

export function newPractice(changes: Partial<NewPractice> = {}): NewPractice {
  made += 1;
  return {
    agb: String(1_000_000 + made).padStart(8, '0'),
    name: 'Huisartsenpraktijk De Proef',
    his: 'Proef-HIS',
    products: ['cKIS', 'cBoards'],
    boards: 'by-ckis',
    accounts: [String(50_000_000 + made)],
    ...changes,
  };
}

export function newMailbox(changes: Partial<NewMailbox> = {}): NewMailbox {
  made += 1;
  return {
    name: `mailbox ${made}`,
    kind: 'practice',
    host: 'imap.example',
    port: 993,
    security: 'tls',
    username: 'proef',
    password: 'the password of the mailbox',
    path: 'INBOX',
    ca: null,
    ...changes,
  };
}

export const SHADOW: EnableRequest = {
  name: 'forwarding',
  mode: 'shadow',
  authorisedBy: null,
  authorisedOn: null,
  determinations: null,
  since: new Date('2026-11-22T08:00:00Z'),
};

export async function practiceIn(ledger: Ledger, changes: Partial<NewPractice> = {}): Promise<Practice> {
  const practice = newPractice(changes);
  await ledger.transaction((tx) => addPractice(tx, practice, 'a person'));
  const found = await findPractice(ledger, practice.agb);
  if (found === null) throw new Error('a practice that was added is found');
  return found;
}

export async function mailboxIn(ledger: Ledger, practices: readonly Practice[]): Promise<MailboxId> {
  return ledger.transaction((tx) =>
    addMailbox(
      tx,
      testKeys(ledger),
      newMailbox(),
      practices.map((practice) => practice.id),
      'a person',
    ),
  );
}

export interface WatchedPlace {
  readonly practice: Practice;
  readonly mailboxId: MailboxId;
  readonly epochId: string;
}

/** A practice with forwarding in shadow, its mailbox, and an open epoch in which nothing was assigned yet. */
export async function watchedPlace(ledger: Ledger): Promise<WatchedPlace> {
  const practice = await practiceIn(ledger);
  const mailboxId = await mailboxIn(ledger, [practice]);
  const epoch = await ledger.transaction(async (tx) => {
    await enableIntegration(tx, practice, SHADOW, 'a person');
    return openEpoch(tx, { mailboxId, uidValidity: 1, uidNext: 1, listed: [] }, 'a person');
  });
  return { practice, mailboxId, epochId: epoch.id };
}

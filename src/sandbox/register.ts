/** The sandbox's practices, registered and switched on as Customer Care would do it. */

import type { Keys } from '../keys/keys.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { MailboxOpener } from '../mailbox/mailbox.ts';
import { enableForwarding } from '../pipeline/pipeline.ts';
import { addMailbox, addPractice, findPractice, type Mode } from '../practice/practice.ts';
import { systemClock } from '../shared/clock.ts';
import { Failure } from '../shared/failure.ts';
import { SANDBOX_PRACTICES, type SandboxPractice } from './people.ts';
import type { World } from './world.ts';

const ACTOR = 'klantenservice';

export interface Registrar {
  readonly ledger: Ledger;
  readonly keys: Keys;
  readonly openMailbox: MailboxOpener;
}

/** Every practice with its mailbox (through the recording proxy), forwarding enabled in the given mode. */
export async function registerPractices(office: Registrar, world: World, mode: Mode = 'live'): Promise<void> {
  for (const practice of SANDBOX_PRACTICES) await registerPractice(office, world, practice, mode);
}

export async function registerPractice(
  office: Registrar,
  world: World,
  sandbox: SandboxPractice,
  mode: Mode,
): Promise<void> {
  const account = world.zorgmail.mailboxAccount(sandbox.zorgmail);
  await office.ledger.transaction(async (tx) => {
    const id = await addPractice(tx, { ...sandbox, accounts: [sandbox.zorgmail] }, ACTOR);
    const mailbox = { ...account, name: sandbox.key, kind: 'practice' as const, port: world.proxy.port };
    await addMailbox(tx, office.keys, mailbox, [id], ACTOR);
  });
  const practice = await findPractice(office.ledger, sandbox.agb);
  if (practice === null) throw new Failure('sandbox.practice-lost', { kind: 'defect' });
  const request = {
    name: 'forwarding' as const,
    mode,
    authorisedBy: 'praktijkhouder',
    authorisedOn: '2026-11-01',
    determinations: 'all' as const,
    since: systemClock.now(),
  };
  const { refusal } = await enableForwarding(office, practice, request, false, ACTOR);
  if (refusal !== null) throw new Failure('sandbox.refused', { kind: 'defect', fields: { refusal } });
}

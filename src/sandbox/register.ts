/** The sandbox's practices, registered and switched on as Customer Care would do it. */

import type { Keys } from '../keys/keys.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { MailboxOpener } from '../mailbox/mailbox.ts';
import { addReturnMailbox, enableForwarding, enableRegistrations } from '../pipeline/pipeline.ts';
import { addMailbox, addPractice, findPractice, type Mode } from '../practice/practice.ts';
import { systemClock } from '../shared/clock.ts';
import { Failure } from '../shared/failure.ts';
import { addSource, readPublicKey } from '../source/source.ts';
import { SANDBOX_BOARDS_PRACTICE, SANDBOX_PRACTICES, SANDBOX_RETURN_ACCOUNT, type SandboxPractice } from './people.ts';
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

/**
 * The way back: our return mailbox, a practice with only cBoards, and registrations live for it and for De Linde, which must
 * be registered. The world needs the account of the former.
 */
export async function registerWayBack(office: Registrar, world: World): Promise<void> {
  const { ledger } = office;
  const account = { ...world.zorgmail.mailboxAccount(SANDBOX_RETURN_ACCOUNT), name: 'retour', port: world.proxy.port };
  await addReturnMailbox(office, account, null, ACTOR);
  const { zorgmail, ...boards } = SANDBOX_BOARDS_PRACTICE;
  await ledger.transaction((tx) => addPractice(tx, { ...boards, accounts: [zorgmail] }, ACTOR));
  for (const agb of [SANDBOX_PRACTICES[0]?.agb ?? '', boards.agb]) {
    const practice = await findPractice(ledger, agb);
    if (practice === null) throw new Failure('sandbox.practice-lost', { kind: 'defect' });
    const request = {
      ...{ name: 'registrations' as const, mode: 'live' as const, determinations: null, since: null },
      ...{ authorisedBy: 'praktijkhouder', authorisedOn: '2026-11-01' },
    };
    const refusal = await enableRegistrations(ledger, practice, request, ACTOR);
    if (refusal !== null) throw new Failure('sandbox.refused', { kind: 'defect', fields: { refusal } });
  }
}

/** A system that may post, by its public key (PEM); the kid that it signs with. */
export async function registerSource({ ledger }: Registrar, name: string, publicKey: string): Promise<string> {
  const key = readPublicKey(publicKey);
  await ledger.transaction((tx) => addSource(tx, name, key, ACTOR));
  return key.kid;
}

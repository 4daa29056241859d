/**
 * Crypto-shredding a practice or a mailbox: its keys are destroyed, what waited under them comes to rest, and its content
 * is gone, from backups too. Digests, outcomes, accounting and audit stay.
 *
 * All or nothing, in one transaction. Refused while forwarding or registrations are not disabled (copying and intake would
 * go on), and while something is on its way to a card or the relay: only they know whether it was taken.
 */

import { type AuditEvent, appendAudit } from '../audit/audit.ts';
import { destroyKeys } from '../keys/keys.ts';
import type { Ledger, Sql } from '../ledger/ledger.ts';
import {
  CHANGES,
  integrationOf,
  lockMailbox,
  lockMailboxesOf,
  type Mailbox,
  openEpochOf,
  type Practice,
  practicesOfMailbox,
  retireMailbox,
} from '../practice/practice.ts';
import {
  discardShredded,
  discardShreddedRegistrations,
  registrationsUnderWay,
  type ShreddedOwners,
  underWayOf,
} from '../records/records.ts';
import { Failure } from '../shared/failure.ts';

export interface ShreddedAnswer {
  readonly keys: number;
  /** Labels of the mailboxes that were shredded. */
  readonly mailboxes: readonly string[];
  /** Labels of mailboxes that others share: they keep their keys. */
  readonly shared: readonly string[];
  /** Mails, reports and registrations that waited, and were discarded. */
  readonly discarded: number;
}

interface Act {
  readonly by: string;
  readonly reason: string;
}

/** The practice's reports, and its mails: the mailboxes that serve nobody else are shredded with it. */
export async function shredPractice(ledger: Ledger, practice: Practice, act: Act): Promise<ShreddedAnswer> {
  return ledger.transaction(async (tx) => {
    const mailboxes = await lockMailboxesOf(tx, practice.id);
    await requireDisabled(tx, [practice]);
    await requireRegistrationsOff(tx, practice);
    const own: Mailbox[] = [];
    const shared: Mailbox[] = [];
    for (const mailbox of mailboxes)
      ((await practicesOfMailbox(tx, mailbox.id)).length === 1 ? own : shared).push(mailbox);
    const what = { practice, own, shared };
    const answer = await shred(tx, what, act);
    await audited(tx, 'practice.shredded', { kind: 'practice', id: practice.id, practiceId: practice.id }, act, answer);
    return answer;
  });
}

/** The mails of a mailbox and its password, for all who share it. Reports that were read from it are the practices'. */
export async function shredMailbox(ledger: Ledger, mailbox: Mailbox, act: Act): Promise<ShreddedAnswer> {
  return ledger.transaction(async (tx) => {
    const practices = await practicesOfMailbox(tx, mailbox.id);
    for (const { id } of [...practices].sort((a, b) => (a.id < b.id ? -1 : 1))) await lockMailboxesOf(tx, id);
    await requireDisabled(tx, practices);
    await requireUnwatched(tx, mailbox);
    const answer = await shred(tx, { practice: null, own: [mailbox], shared: [] }, act);
    await audited(tx, 'mailbox.shredded', { kind: 'mailbox', id: mailbox.id, practiceId: null }, act, answer);
    return answer;
  });
}

async function requireDisabled(tx: Sql, practices: readonly Practice[]): Promise<void> {
  for (const { id, agb } of practices) {
    const integration = await integrationOf(tx, id, 'forwarding');
    if (integration !== null && integration.state !== 'disabled')
      throw new Failure('practice.still-forwarding', { kind: 'permanent', fields: { agb } });
  }
}

// Only of a practice: a mailbox has none.
async function requireRegistrationsOff(tx: Sql, { id, agb }: Practice): Promise<void> {
  const integration = await integrationOf(tx, id, 'registrations');
  if (integration !== null && integration.state !== 'disabled')
    throw new Failure('practice.still-registering', { kind: 'permanent', fields: { agb } });
}

// A return mailbox has no practice that could be disabled: it is removed first.
async function requireUnwatched(tx: Sql, mailbox: Mailbox): Promise<void> {
  if (mailbox.purpose !== 'return') return;
  await lockMailbox(tx, mailbox.id);
  if ((await openEpochOf(tx, mailbox.id)) !== null)
    throw new Failure('practice.still-returning', { kind: 'permanent' });
}

async function requireNothingUnderWay(tx: Sql, practice: Practice): Promise<void> {
  const count = (await underWayOf(tx, practice.id)) + (await registrationsUnderWay(tx, practice.id));
  if (count > 0) throw new Failure('practice.under-way', { kind: 'permanent', fields: { agb: practice.agb, count } });
}

interface What {
  readonly practice: Practice | null;
  readonly own: readonly Mailbox[];
  readonly shared: readonly Mailbox[];
}

// The keys first: whoever reads a mail holds them shared until it is recorded, so from here on nothing is added.
async function shred(tx: Sql, { practice, own, shared }: What, act: Act): Promise<ShreddedAnswer> {
  let keys = practice === null ? 0 : await destroyKeys(tx, { purpose: 'practice', id: practice.id });
  for (const { id } of own) keys += await destroyKeys(tx, { purpose: 'mailbox', id });
  if (practice !== null) await requireNothingUnderWay(tx, practice);
  const owners: ShreddedOwners = {
    practiceId: practice?.id ?? null,
    mailboxIds: own.map((mailbox) => mailbox.id),
    sharedMailboxIds: shared.map((mailbox) => mailbox.id),
  };
  const { deliveries, mails } = await discardShredded(tx, owners);
  const reason = practice === null ? 'ledger.shredded' : 'practice.shredded';
  await appendAudit(
    tx,
    deliveries.map(({ id, practiceId }) => ({
      event: 'report.discarded',
      actor: act.by,
      objectKind: 'delivery',
      objectId: id,
      practiceId,
      reason,
    })),
  );
  const registrations = practice === null ? 0 : await shredRegistrations(tx, practice.id, act);
  for (const { id } of own) await retireMailbox(tx, id);
  await tx.query('select pg_notify($1, $2)', [CHANGES, practice?.id ?? '']);
  const names = (mailboxes: readonly Mailbox[]) => mailboxes.map((mailbox) => mailbox.name);
  return { keys, mailboxes: names(own), shared: names(shared), discarded: deliveries.length + mails + registrations };
}

async function shredRegistrations(tx: Sql, practiceId: string, act: Act): Promise<number> {
  const discarded = await discardShreddedRegistrations(tx, practiceId);
  await appendAudit(
    tx,
    discarded.map(({ id, patientKey }) => ({
      event: 'registration.discarded',
      actor: act.by,
      objectKind: 'registration',
      objectId: id,
      practiceId,
      patientKey,
      reason: 'practice.shredded',
    })),
  );
  return discarded.length;
}

interface Whose {
  readonly kind: 'practice' | 'mailbox';
  readonly id: string;
  readonly practiceId: string | null;
}

async function audited(tx: Sql, event: AuditEvent, whose: Whose, act: Act, answer: ShreddedAnswer): Promise<void> {
  const { keys, mailboxes, discarded } = answer;
  await appendAudit(tx, [
    {
      event,
      actor: act.by,
      objectKind: whose.kind,
      objectId: whose.id,
      practiceId: whose.practiceId,
      reason: act.reason,
      fields: { keys, mailboxes: mailboxes.length, discarded },
    },
  ]);
}

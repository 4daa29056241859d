/**
 * Statements on what came back about our mails: receipts are kept as they were read, and what they say of the mails and
 * registrations they are about is worked out here, from all that was ever kept.
 *
 * So it does not matter in which order, how often, or how early a receipt comes: one that was read before the relay's 250
 * was recorded counts as soon as that is. Only mails that wait for a receipt are moved; a mail that was delivered may
 * still bounce, and one that bounced stays so until a person decides.
 */

import type { Sql } from '../ledger/ledger.ts';
import type { Receipt, ReceiptKind, Reference, ReferenceKind } from '../receipt/receipt.ts';
import { sinceAccepted } from './registration-times.ts';

/** As receipts say it, and `seen`: our mail itself, in the recipient's mailbox. */
export type SaidKind = ReceiptKind | 'seen';

export interface SaidReceipt extends Omit<Receipt, 'kind'> {
  readonly kind: SaidKind;
}

/** A receipt that names a mail of ours. */
export interface MatchedReceipt {
  readonly outwardMailId: string;
  readonly registrationId: string;
  readonly kind: SaidKind;
  readonly by: ReferenceKind;
  readonly status: string | null;
}

/** Of one whose bytes never left nothing can come back: its names may be guessed, and it must still be sent. */
const IS_BEGUN = `(state <> 'queued' or tried_at is not null)`;

/**
 * Those that name a mail of ours that was sent, perhaps, in their order. `ownAccount`: ours at ZorgMail; a control reference is only unique beside
 * the sender's. null: of any account that we ever sent from. Of an acknowledgement that names accounts, in whichever order, both must be those
 * that the mail went between: a reference of ours can be guessed, and other senders have the same.
 */
export async function matchReceipts(
  sql: Sql,
  receipts: readonly SaidReceipt[],
  ownAccount: string | null,
): Promise<readonly MatchedReceipt[]> {
  if (receipts.length === 0) return [];
  const { rows } = await sql.query<MatchedReceipt>(
    `select o.id as "outwardMailId", o.registration_id as "registrationId", r.kind, r.by, r.status
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $6::text[]) with ordinality as r (kind, by, reference, status, accounts, place)
     join lateral (
       select id, registration_id from outward_mail where r.by = 'envelope-id' and envelope_id = r.reference and ${IS_BEGUN}
       union all select id, registration_id from outward_mail where r.by = 'message-id' and message_id = r.reference and ${IS_BEGUN}
       union all select id, registration_id from outward_mail
         where r.by = 'control-reference' and control_reference = r.reference and ($5::text is null or sender = $5) and ${IS_BEGUN}
           and (r.accounts is null or array[sender, split_part(recipient, '@', 1)] @> string_to_array(r.accounts, ' '))) o on true
     order by r.place`,
    [
      receipts.map(({ kind }) => kind),
      receipts.map(({ by }) => by),
      receipts.map(({ reference }) => reference),
      receipts.map(({ status }) => status),
      ownAccount,
      receipts.map(({ accounts }) => accounts?.join(' ') ?? null),
    ],
  );
  return rows;
}

/** The registration that references name, where they name one and no other. */
export async function registrationNamed(
  sql: Sql,
  references: readonly Reference[],
  ownAccount: string | null,
): Promise<string | null> {
  const said = references.map((reference): SaidReceipt => ({ ...reference, kind: 'relayed', status: null }));
  const named = new Set((await matchReceipts(sql, said, ownAccount)).map(({ registrationId }) => registrationId));
  return named.size === 1 ? ([...named][0] ?? null) : null;
}

/** Whether a Message-ID is that of a mail that we sent, perhaps, to a practice of this mailbox. */
export async function isOursFor(sql: Sql, mailboxId: string, messageId: string): Promise<boolean> {
  const { count } = await sql.query(
    `select 1 from (select * from outward_mail where message_id = $2 and ${IS_BEGUN}) o join registration g on g.id = o.registration_id
       join mailbox_practice mp on mp.practice_id = g.practice_id and mp.mailbox_id = $1`,
    [mailboxId, messageId],
  );
  return count > 0;
}

/**
 * A mail that came before a person had ours sent again says nothing of that: it is read late, or a second time, after the
 * mailbox was numbered anew. The minutes are for clocks that differ.
 */
const IS_OF_EARLIER_TRY = `exists (select 1 from outward_receipt_aside a join mail m on m.id = $1::uuid
  where a.outward_mail_id = r.id and m.internal_date < a.set_aside_at - interval '5 minutes')`;

/** Keeps what a mail said about ours, aside where it is about an earlier try; a mail that is read again adds nothing. */
export async function insertReceipts(tx: Sql, mailId: string, receipts: readonly MatchedReceipt[]): Promise<void> {
  if (receipts.length === 0) return;
  await tx.query(
    `with said as (
       select distinct on (r.id, r.kind) r.id, r.kind, r.by, r.status, ${IS_OF_EARLIER_TRY} as is_earlier
       from unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) with ordinality as r (id, kind, by, status, place)
       order by r.id, r.kind, r.place),
     aside as (
       insert into outward_receipt_aside (outward_mail_id, mail_id, kind, matched_by, status, at)
       select id, $1::uuid, kind, by, status, now() from said where is_earlier on conflict do nothing)
     insert into outward_receipt (outward_mail_id, mail_id, kind, matched_by, status)
     select id, $1::uuid, kind, by, status from said where not is_earlier on conflict do nothing`,
    [
      mailId,
      receipts.map(({ outwardMailId }) => outwardMailId),
      receipts.map(({ kind }) => kind),
      receipts.map(({ by }) => by),
      receipts.map(({ status }) => status),
    ],
  );
}

/** Locks them in one order everywhere: two who read receipts for the same ones then never wait for each other. */
export async function lockRegistrations(tx: Sql, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.query('select 1 from registration where id = any($1::uuid[]) order by id for update', [ids]);
}

type RegistrationState = 'sending' | 'uncertain' | 'sent' | 'delivered' | 'bounced' | 'held';

/** What receipts made of a registration. */
export interface SettledRegistration {
  readonly id: string;
  readonly practiceId: string;
  readonly patientKey: Buffer;
  readonly was: RegistrationState;
  readonly state: 'queued' | 'sent' | 'delivered' | 'bounced';
  readonly reason: 'registration.bounced' | 'registration.rejected-by-his' | null;
  /** The code that came with it. */
  readonly detail: string | null;
  /** From its being accepted, by the ledger's clock; null: it is not timed. */
  readonly acceptedMs: number | null;
}

type NextState = Omit<SettledRegistration, 'acceptedMs'>;

interface LockedRegistration {
  readonly id: string;
  readonly practiceId: string;
  readonly patientKey: Buffer;
  readonly state: RegistrationState;
}

interface PartFacts {
  readonly states: readonly string[];
  readonly isRejected: boolean;
  readonly status: string | null;
}

// A worker that has a registration in hand is not interfered with: it, or the sweeper, asks again when it is done.
const IN_HAND = `(g.state in ('sending', 'uncertain') and coalesce(g.lease_until > now(), false))`;
const GOOD = `('delivered', 'displayed', 'acknowledged', 'seen')`;
const BAD = `('failed', 'rejected')`;

/**
 * Brings mails, and the registrations that they carry, to what their receipts say; answers the registrations that changed.
 * For the step that reads receipts, and for whoever records that a relay took a mail.
 */
export async function settleByReceipts(
  tx: Sql,
  registrationIds: readonly string[],
): Promise<readonly SettledRegistration[]> {
  const { rows } = await tx.query<LockedRegistration>(
    `select g.id, g.practice_id as "practiceId", g.patient_key as "patientKey", g.state from registration g
     where g.id = any($1::uuid[]) and g.state in ('sending', 'uncertain', 'sent', 'delivered', 'bounced', 'held') and not ${IN_HAND}
     order by g.id for update`,
    [registrationIds],
  );
  const settled: SettledRegistration[] = [];
  for (const registration of rows) {
    if (!(await moveMails(tx, registration))) continue;
    const next = nextOf(registration, await factsOf(tx, registration.id));
    const moved = next === null ? null : await moveRegistration(tx, next);
    if (moved !== null) settled.push(moved);
  }
  return settled;
}

// What was rendered anew counts no longer, whatever still comes back about the former mails.
const IS_LATEST = `o.state <> 'superseded' and o.rendering = (select max(m.rendering) from outward_mail m where m.registration_id = o.registration_id)`;

async function moveMails(tx: Sql, { id }: LockedRegistration): Promise<boolean> {
  const moved = await tx.query(
    `update outward_mail o set state = case when s.is_bad then 'bounced' else 'delivered' end, settled_at = now(),
       sent_at = coalesce(o.sent_at, now()), status = coalesce(case when s.is_bad then s.bad_status else s.good_status end, o.status)
     from (select r.outward_mail_id as id, bool_or(r.kind in ${BAD}) as is_bad,
         (array_agg(r.status order by r.at desc, r.kind) filter (where r.kind in ${BAD}))[1] as bad_status,
         (array_agg(r.status order by r.at desc, r.kind) filter (where r.kind in ${GOOD}))[1] as good_status
       from outward_receipt r join outward_mail m on m.id = r.outward_mail_id
       where m.registration_id = $1 and (r.kind in ${BAD} or r.kind in ${GOOD}) group by r.outward_mail_id) s
     where o.id = s.id and ${IS_LATEST} and (o.state in ('uncertain', 'sent') or (o.state = 'delivered' and s.is_bad))`,
    [id],
  );
  return moved.count > 0;
}

async function factsOf(tx: Sql, registrationId: string): Promise<PartFacts> {
  const { rows } = await tx.query<PartFacts>(
    `select array_agg(o.state order by o.part) as states,
       coalesce(bool_or(o.state = 'bounced' and exists (select 1 from outward_receipt r where r.outward_mail_id = o.id and r.kind = 'rejected')), false)
         as "isRejected",
       (array_agg(o.status order by o.settled_at desc, o.part) filter (where o.state = 'bounced'))[1] as status
     from outward_mail o where o.registration_id = $1 and ${IS_LATEST}`,
    [registrationId],
  );
  return rows[0] ?? { states: [], isRejected: false, status: null };
}

// The one place where a registration's state follows from its mails'.
function nextOf(registration: LockedRegistration, { states, isRejected, status }: PartFacts): NextState | null {
  const { state: was, ...who } = registration;
  const next = (state: SettledRegistration['state']) =>
    state === was ? null : { ...who, was, state, reason: null, detail: null };
  if (states.includes('bounced')) {
    const reason = isRejected ? 'registration.rejected-by-his' : 'registration.bounced';
    return was === 'bounced' ? null : { ...who, was, state: 'bounced', reason, detail: status };
  }
  if (states.every((state) => state === 'delivered')) return next('delivered');
  // What a person decides on stays with them until all of it has arrived.
  if (was === 'held' || states.includes('uncertain')) return null;
  if (states.every((state) => state !== 'queued')) return next('sent');
  // The part in doubt was taken; those after it may go now.
  return was === 'uncertain' ? next('queued') : null;
}

async function moveRegistration(tx: Sql, next: NextState): Promise<SettledRegistration | null> {
  const { id, was, state, reason, detail } = next;
  const { rows } = await tx.query<Pick<SettledRegistration, 'acceptedMs'>>(
    `update registration g set state = $3::text, reason = $4, detail = $5, lease_token = null, lease_until = null, next_check_at = now(),
       sent_at = case when $3 = 'queued' then sent_at else coalesce(sent_at, now()) end,
       settled_at = case when $3 in ('delivered', 'bounced') then now() end
     where id = $1 and state = $2 returning ${sinceAccepted('coalesce(g.settled_at, g.sent_at)', 'g')} as "acceptedMs"`,
    [id, was, state, reason, detail],
  );
  return rows[0] === undefined ? null : { ...next, ...rows[0] };
}

/** Registrations with a receipt that was kept while a worker had them in hand, or before its relay's reply was recorded. */
export async function unsettledByReceipts(sql: Sql, most: number): Promise<readonly string[]> {
  const { rows } = await sql.query<{ id: string }>(
    // Each by the index of its own states.
    `select g.id from (select * from registration where state in ('sending', 'uncertain')
         union all select * from registration where state = 'sent' and sent_at > now() - interval '7 days') g
     where not ${IN_HAND} and exists (select 1 from outward_mail o join outward_receipt r on r.outward_mail_id = o.id
       where o.registration_id = g.id and ${IS_LATEST} and o.state in ('uncertain', 'sent') and (r.kind in ${GOOD} or r.kind in ${BAD})) limit $1`,
    [most],
  );
  return rows.map(({ id }) => id);
}

/**
 * Registrations that were sent before a moment, and of one of whose mails nothing was heard since. That it is late is no
 * answer; that it was handed on to where nothing more is notified is one.
 */
export async function unansweredSince(
  sql: Sql,
  moment: Date,
): Promise<readonly { readonly id: string; readonly practiceId: string }[]> {
  // What was rendered anew is superseded, all of it: what is sent is of the latest.
  const { rows } = await sql.query<{ id: string; practiceId: string }>(
    `select g.id, g.practice_id as "practiceId" from registration g where g.state = 'sent' and g.sent_at <= $1
       and exists (select 1 from outward_mail o where o.registration_id = g.id and o.state = 'sent'
         and not exists (select 1 from outward_receipt r where r.outward_mail_id = o.id and r.kind <> 'delayed'))
     order by g.sent_at, g.id`,
    [moment],
  );
  return rows;
}

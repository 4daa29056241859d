/** Statements on a person's decisions about registrations that are held or came back: again, or not at all. */

import type { Sql } from '../ledger/ledger.ts';
import { isId } from '../shared/ids.ts';
import type { DiscardWish } from './holds.ts';
import { RENDERED_BEFORE, supersede } from './registration-switch.ts';

/** After so many days a discard needs two persons, as of any other hold. */
const TWO_PERSONS_DAYS = 90;

export interface HeldRegistration {
  readonly id: string;
  readonly practiceId: string;
  readonly practiceAgb: string;
  readonly patientKey: Buffer;
  readonly state: 'held' | 'bounced';
  readonly reason: string | null;
  readonly detail: string | null;
  readonly origin: 'card' | 'board';
  readonly createdAt: Date;
  /** Since when it waits for a person. */
  readonly settledAt: Date;
  readonly discardWish: DiscardWish | null;
  readonly needsTwoToDiscard: boolean;
  /** The text is there, so that it can be rendered. */
  readonly hasContent: boolean;
  /** Mails that a plain retry would send again, and how many of them have lost their bytes. */
  readonly unsentCount: number;
  readonly unsentErasedCount: number;
  readonly mailCount: number;
  /** Account or form of the practice's HIS are others than those it was rendered for. */
  readonly isReceiverChanged: boolean;
  /** Registrations are disabled for its practice. */
  readonly isSwitchedOff: boolean;
}

// Of a part that was taken by the relay, only a bounce says that it has to go again.
const UNSENT = "o.registration_id = r.id and o.state in ('queued', 'uncertain', 'bounced')";

const SELECT = `select r.id, r.practice_id as "practiceId", p.agb as "practiceAgb", r.patient_key as "patientKey", r.state, r.reason, r.detail, r.origin,
    r.created_at as "createdAt", coalesce(r.settled_at, r.created_at) as "settledAt", r.discard_wish as "discardWish",
    r.created_at < now() - interval '${TWO_PERSONS_DAYS} days' as "needsTwoToDiscard",
    r.content is not null as "hasContent",
    (select count(*)::int from outward_mail o where ${UNSENT}) as "unsentCount",
    (select count(*)::int from outward_mail o where ${UNSENT} and o.content is null) as "unsentErasedCount",
    (select count(*)::int from outward_mail o where o.registration_id = r.id and o.state <> 'superseded') as "mailCount",
    ${RENDERED_BEFORE} as "isReceiverChanged",
    not exists (select 1 from integration i where i.practice_id = r.practice_id and i.name = 'registrations' and i.state <> 'disabled') as "isSwitchedOff"
  from registration r join practice p on p.id = r.practice_id where r.state in ('held', 'bounced')`;

/** Locked until the transaction ends, so that of two who decide the second sees what the first did. */
export async function heldRegistrationById(tx: Sql, id: string): Promise<HeldRegistration | null> {
  if (!isId(id)) return null;
  // First the lock: what is read with it in one statement may be from before.
  await tx.query('select 1 from registration where id = $1 for update', [id]);
  return (await tx.query<HeldRegistration>(`${SELECT} and r.id = $1`, [id])).rows[0] ?? null;
}

/** A correction or withdrawal of it went, or is about to: what is sent again now would come after that. */
export async function isChangedSince(tx: Sql, { id, practiceId }: HeldRegistration): Promise<boolean> {
  const { count } = await tx.query(
    `select 1 from registration c where c.practice_id = $2 and c.earlier_id = $1
       and c.state in ('queued', 'sending', 'uncertain', 'sent', 'delivered')`,
    [id, practiceId],
  );
  return count > 0;
}

/** What waits for a person since a moment or longer, oldest first. */
export async function heldRegistrationsSince(sql: Sql, moment: Date): Promise<readonly HeldRegistration[]> {
  const { rows } = await sql.query<HeldRegistration>(
    `${SELECT} and coalesce(r.settled_at, r.created_at) <= $1 order by coalesce(r.settled_at, r.created_at), r.id`,
    [moment],
  );
  return rows;
}

/**
 * Again, by the stored bytes: parts that are sent stay sent, what came back waits for the relay, and of what may have gone a
 * receipt is looked for first, as always. What was never rendered is rendered now. Answers the generation of the job to add.
 */
export async function retrySame(tx: Sql, { id, mailCount }: HeldRegistration): Promise<number> {
  await setReceiptsAside(tx, id);
  await tx.query(
    `update outward_mail set state = 'queued', reply = null, status = null, is_notification_asked = null, tried_at = null, sent_at = null, settled_at = null
     where registration_id = $1 and state = 'bounced'`,
    [id],
  );
  return backTo(tx, id, mailCount === 0 ? 'accepted' : 'queued');
}

// What came back about the try that failed says nothing of the next, which has the same names: that would bounce at once.
async function setReceiptsAside(tx: Sql, registrationId: string): Promise<void> {
  await tx.query(
    `with aside as (delete from outward_receipt r using outward_mail o
       where o.id = r.outward_mail_id and o.registration_id = $1 and o.state = 'bounced' returning r.*)
     insert into outward_receipt_aside (outward_mail_id, mail_id, kind, matched_by, status, at)
     select outward_mail_id, mail_id, kind, matched_by, status, at from aside on conflict do nothing`,
    [registrationId],
  );
}

/** Again, with new control references: whatever was rendered before is superseded. */
export async function retryAnew(tx: Sql, { id }: HeldRegistration): Promise<number> {
  await supersede(tx, [id]);
  return backTo(tx, id, 'accepted');
}

async function backTo(tx: Sql, id: string, state: 'accepted' | 'queued'): Promise<number> {
  const { rows } = await tx.query<{ generation: number }>(
    `update registration set state = $2, reason = null, detail = null, is_parked = false, settled_at = null, sent_at = null, discard_wish = null, attempts = 0,
       lease_token = null, lease_until = null, generation = generation + 1, next_check_at = now() + interval '30 seconds'
     where id = $1 and state in ('held', 'bounced') returning generation`,
    [id, state],
  );
  return rows[0]?.generation ?? 0;
}

/** Keeps that a first person wants it discarded. */
export async function wishDiscardRegistration(tx: Sql, id: string, wish: DiscardWish): Promise<void> {
  await tx.query('update registration set discard_wish = $2 where id = $1', [id, JSON.stringify(wish)]);
}

/** A person decided against it: its content goes, with the bytes of its mails. False: another decided before. */
export async function discardHeldRegistration(tx: Sql, id: string): Promise<boolean> {
  const discarded = await tx.query(
    `update registration set state = 'discarded', settled_at = now(), content = null, erased_at = coalesce(erased_at, now())
     where id = $1 and state in ('held', 'bounced')`,
    [id],
  );
  if (discarded.count === 0) return false;
  await eraseOutward(tx, [id]);
  return true;
}

/** The bytes of the mails of what is discarded; what never went is superseded, since nothing may send it any more. */
export async function eraseOutward(tx: Sql, registrationIds: readonly string[]): Promise<void> {
  await tx.query(
    `update outward_mail set content = null, settled_at = case when state = 'queued' then now() else settled_at end,
       state = case when state = 'queued' then 'superseded' else state end
     where registration_id = any($1::uuid[])`,
    [registrationIds],
  );
}

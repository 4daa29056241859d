/** Statements on the mails that carry registrations, and on the control references that they are known by. */

import type { Sql } from '../ledger/ledger.ts';
import type { OutwardMailId } from '../shared/ids.ts';

/** `Z` and thirteen digits: as long as a control reference may be. */
const REFERENCE_DIGITS = 13;
/**
 * Below this no reference is given out: milliseconds since 2026, of which there are more than references. A ledger that was
 * restored from a backup has forgotten the last ones that it gave out; a HIS that has them would take a new text for an old
 * one.
 */
const REFERENCES_FROM = `floor(extract(epoch from clock_timestamp() - timestamptz '2026-01-01 00:00:00+00') * 1000)::bigint`;

/** New control references of this sender, in rising order. Never given out before; the row is locked until the transaction ends. */
export async function allocateReferences(tx: Sql, sender: string, count: number): Promise<readonly string[]> {
  const { rows } = await tx.query<{ next: number }>(
    `insert into control_reference as c (sender, next) values ($1, greatest(${REFERENCES_FROM}, 1) + $2::bigint)
     on conflict (sender) do update set next = greatest(c.next, ${REFERENCES_FROM}) + $2::bigint returning next`,
    [sender, count],
  );
  const first = (rows[0]?.next ?? 0) - count;
  return Array.from({ length: count }, (_, at) => `Z${String(first + at).padStart(REFERENCE_DIGITS, '0')}`);
}

export interface NewOutwardMail {
  readonly id: OutwardMailId;
  readonly part: number;
  readonly sender: string;
  readonly recipient: string;
  readonly controlReference: string;
  readonly envelopeId: string;
  readonly messageId: string;
  /** Ciphertext of the mail. */
  readonly content: Buffer;
}

/** The parts of one rendering, the next of this registration. */
export async function insertOutward(tx: Sql, registrationId: string, mails: readonly NewOutwardMail[]): Promise<void> {
  const of = <Value>(value: (mail: NewOutwardMail) => Value) => mails.map(value);
  await tx.query(
    `insert into outward_mail (id, registration_id, rendering, part, sender, recipient, control_reference, envelope_id, message_id, content, state)
     select n.id, $1, (select coalesce(max(rendering), 0) + 1 from outward_mail where registration_id = $1), n.part, n.sender, n.recipient,
       n.control_reference, n.envelope_id, n.message_id, n.content, 'queued'
     from unnest($2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bytea[])
       as n (id, part, sender, recipient, control_reference, envelope_id, message_id, content)`,
    [
      registrationId,
      of(({ id }) => id),
      of(({ part }) => part),
      of(({ sender }) => sender),
      of(({ recipient }) => recipient),
      of(({ controlReference }) => controlReference),
      of(({ envelopeId }) => envelopeId),
      of(({ messageId }) => messageId),
      of(({ content }) => content),
    ],
  );
}

export interface OutwardPart {
  readonly id: OutwardMailId;
  readonly part: number;
  readonly sender: string;
  readonly recipient: string;
  readonly envelopeId: string;
  readonly content: Buffer | null;
  readonly state: 'queued' | 'uncertain' | 'sent' | 'delivered' | 'bounced';
  /** Since its bytes went out, perhaps; by database time. null: they never did. */
  readonly triedMs: number | null;
}

/** The parts of its latest rendering, in their order. */
export async function outwardParts(sql: Sql, registrationId: string): Promise<readonly OutwardPart[]> {
  const { rows } = await sql.query<OutwardPart>(
    `select id, part, sender, recipient, envelope_id as "envelopeId", content, state,
       round(extract(epoch from now() - tried_at) * 1000)::bigint as "triedMs"
     from outward_mail m where registration_id = $1 and state <> 'superseded'
       and rendering = (select max(rendering) from outward_mail where registration_id = $1) order by part`,
    [registrationId],
  );
  return rows;
}

/** Before the bytes go: from here on a worker that dies leaves the part uncertain. False: the claim has passed to another. */
export async function beginTry(sql: Sql, mailId: string, registrationId: string, leaseToken: string): Promise<boolean> {
  const { count } = await sql.query(
    `update outward_mail m set state = 'uncertain', tried_at = now() where m.id = $1 and m.state in ('queued', 'uncertain')
       and exists (select 1 from registration r where r.id = $2 and r.lease_token = $3 and r.lease_until > now())`,
    [mailId, registrationId, leaseToken],
  );
  return count === 1;
}

/** The relay has not taken it, that is certain: this try counts for nothing. One that was uncertain before stays so. */
export async function undoTry(sql: Sql, { id, state, triedMs }: OutwardPart): Promise<void> {
  await sql.query(
    `update outward_mail set state = $2, tried_at = now() - make_interval(secs => $3::double precision / 1000)
     where id = $1 and state = 'uncertain'`,
    [id, state, triedMs],
  );
}

export interface RelayAnswer {
  readonly reply: number;
  readonly status: string | null;
  readonly isNotificationAsked: boolean;
}

/** The relay took it: a fact, whoever has the claim by now. */
export async function recordTaken(sql: Sql, mailId: string, answer: RelayAnswer): Promise<void> {
  await sql.query(
    `update outward_mail set state = 'sent', reply = $2, status = $3, is_notification_asked = $4, sent_at = now()
     where id = $1 and state in ('queued', 'uncertain')`,
    [mailId, answer.reply, answer.status, answer.isNotificationAsked],
  );
}

/**
 * Parts of which nobody knew whether the relay took them, and of which something came back: it did, whatever that says.
 * Answers how many. What became of them is worked out where receipts are read.
 */
export async function takeReceipted(sql: Sql, registrationId: string): Promise<number> {
  // After a restore a part may be uncertain and nobody remember when its bytes went: then the wait begins now.
  await sql.query(
    `update outward_mail set tried_at = now() where registration_id = $1 and state = 'uncertain' and tried_at is null`,
    [registrationId],
  );
  const { count } = await sql.query(
    `update outward_mail m set state = 'sent', sent_at = coalesce(sent_at, tried_at) where registration_id = $1 and state = 'uncertain'
       and exists (select 1 from outward_receipt r where r.outward_mail_id = m.id)`,
    [registrationId],
  );
  return count;
}

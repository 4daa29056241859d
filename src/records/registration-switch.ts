/**
 * What switching does to registrations that were not sent yet: a person gets to see them, or they are rendered anew.
 * Never touched: what is being sent, what may have gone, and what the relay has taken.
 */

import { appendAudit } from '../audit/audit.ts';
import type { Sql } from '../ledger/ledger.ts';

/** Why it is held: the code stands in the list of reasons. */
type SwitchReason = 'registration.switched-off' | 'registration.receiver-changed';

interface HeldRow {
  readonly id: string;
  readonly practice_id: string;
  readonly patient_key: Buffer;
}

// Whoever has it in hand puts it back; the next round finds it then. What may have gone is asked for first, by whoever sends.
const NOT_SENT = `r.state in ('accepted', 'queued') and (r.lease_until is null or r.lease_until < now()) and ($2::uuid is null or r.practice_id = $2)
  and not exists (select 1 from outward_mail o where o.registration_id = r.id and o.state = 'uncertain')`;
const SWITCHED_OFF = `exists (select 1 from integration i where i.practice_id = r.practice_id and i.name = 'registrations' and i.state = 'disabled')`;

/** Rendered for an account, or in a form, that is no longer the practice's. */
export const RENDERED_BEFORE = `exists (select 1 from outward_mail o join registration_receiver c on c.practice_id = r.practice_id
  where o.registration_id = r.id and o.state in ('queued', 'uncertain', 'bounced')
    and (o.created_at <= c.changed_at or split_part(o.recipient, '@', 1) <> c.account))`;
const PARTLY_GONE = `exists (select 1 from outward_mail o where o.registration_id = r.id and o.state in ('sent', 'delivered', 'bounced'))`;
/** As `sent 1/3`: how much of it is with the practice. */
const HOW_MUCH = `(select 'sent ' || count(*) filter (where o.state in ('sent', 'delivered')) || '/' || count(*) from outward_mail o
  where o.registration_id = r.id and o.state <> 'superseded' having count(*) > 0)`;

/**
 * Holds what a doctor believes was sent, of this practice or of all that are disabled. It may be repeated: what is held
 * already is no longer found. Audited. Answers how many.
 */
export async function holdSwitchedOff(tx: Sql, practiceId: string | null, actor: string): Promise<number> {
  return hold(tx, 'registration.switched-off', SWITCHED_OFF, practiceId, actor);
}

/**
 * After the receiver of a practice changed: what was rendered for the former one and not begun with is rendered anew; of
 * what some parts went, a person decides about the rest. Answers how many of each.
 */
export async function settleChangedReceivers(
  tx: Sql,
  practiceId: string | null,
  actor: string,
): Promise<{ readonly anew: number; readonly held: number }> {
  const held = await hold(
    tx,
    'registration.receiver-changed',
    `${RENDERED_BEFORE} and ${PARTLY_GONE}`,
    practiceId,
    actor,
  );
  const { rows } = await tx.query<{ id: string }>(
    `update registration r set state = 'accepted', next_check_at = now() where $1::text is not null and ${NOT_SENT} and ${RENDERED_BEFORE} returning r.id`,
    ['anew', practiceId],
  );
  await supersede(
    tx,
    rows.map(({ id }) => id),
  );
  return { anew: rows.length, held };
}

/** Whether what is still to go of it was made for an account or a form that is no longer the practice's. */
export async function isForFormerReceiver(sql: Sql, registrationId: string): Promise<boolean> {
  const { count } = await sql.query(`select 1 from registration r where r.id = $1 and ${RENDERED_BEFORE}`, [
    registrationId,
  ]);
  return count > 0;
}

async function hold(
  tx: Sql,
  reason: SwitchReason,
  condition: string,
  practiceId: string | null,
  actor: string,
): Promise<number> {
  const { rows } = await tx.query<HeldRow>(
    `update registration r set state = 'held', reason = $1, detail = ${HOW_MUCH}, is_parked = false, settled_at = now(), lease_token = null, lease_until = null
     where ${NOT_SENT} and ${condition} returning r.id, r.practice_id, r.patient_key`,
    [reason, practiceId],
  );
  await appendAudit(
    tx,
    rows.map((row) => ({
      event: 'registration.held',
      actor,
      objectKind: 'registration',
      objectId: row.id,
      practiceId: row.practice_id,
      patientKey: row.patient_key,
      reason,
    })),
  );
  return rows.length;
}

/** Mails that will never be sent (again): bytes go, what is known of them stays. */
export async function supersede(tx: Sql, registrationIds: readonly string[]): Promise<void> {
  await tx.query(
    `update outward_mail set state = 'superseded', content = null, settled_at = now()
     where registration_id = any($1::uuid[]) and state <> 'superseded'`,
    [registrationIds],
  );
}

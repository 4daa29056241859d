/** What a disabled practice leaves behind: after 7 days its undelivered reports are discarded. */

import { appendAudit } from '../audit/audit.ts';
import type { Sql } from '../ledger/ledger.ts';
import { eraseMail } from './reports.ts';

interface Discarded {
  readonly id: string;
  readonly practice_id: string;
  readonly mail_id: string;
  readonly report_id: string;
  readonly patient_key: Buffer | null;
}

const DISABLED = `exists (select 1 from integration i where i.practice_id = r.practice_id and i.name = 'forwarding'
  and i.state = 'disabled' and i.disabled_at < now() - interval '7 days')`;

/** Discards, erases and audits; returns how many. */
export async function discardDisabled(ledger: {
  transaction<A>(work: (tx: Sql) => Promise<A>): Promise<A>;
}): Promise<number> {
  return ledger.transaction(async (tx) => {
    const { rows } = await tx.query<Discarded>(
      `update delivery d set state = 'discarded', reason = 'practice.disabled', is_parked = false, settled_at = now(), lease_token = null, lease_until = null
       from report r where r.id = d.report_id and d.state = 'ready' and (d.lease_until is null or d.lease_until < now())
         and ${DISABLED} returning d.id, r.practice_id, r.mail_id, d.report_id, r.patient_key`,
    );
    await tx.query(
      `update report r set content = null, erased_at = now() where content is not null
         and exists (select 1 from delivery d where d.report_id = r.id and d.target = 'patient-card' and d.state = 'discarded' and d.reason = 'practice.disabled')`,
    );
    for (const mailId of new Set(rows.map((row) => row.mail_id))) await eraseMail(tx, mailId);
    await discardUncopied(tx, 'for 7 days', 'practice.disabled');
    await appendAudit(
      tx,
      rows.map((row) => ({
        event: 'report.discarded',
        actor: 'worker',
        objectKind: 'delivery',
        objectId: row.id,
        practiceId: row.practice_id,
        patientKey: row.patient_key,
        participants: { mail: row.mail_id, report: row.report_id, delivery: row.id },
        reason: 'practice.disabled',
      })),
    );
    return rows.length;
  });
}

// Uids that a closed epoch still had to copy when the last practice of its mailbox was disabled: they get their rows now,
// so that the accounting closes. What a later epoch took over is no longer theirs; each is locked, since that may happen now.
/** Of epochs that were closed 7 days ago, or of these mailboxes. Answers how many had no row yet. */
export async function discardUncopied(
  tx: Sql,
  which: 'for 7 days' | { readonly mailboxIds: readonly string[] },
  reason: 'practice.disabled' | 'practice.shredded' | 'ledger.shredded',
): Promise<number> {
  const isStale = which === 'for 7 days';
  const stale = isStale
    ? `e.closed_at < now() - interval '7 days' and $2::uuid[] is null`
    : 'e.closed_at is not null and e.mailbox_id = any($2::uuid[])';
  const values = [reason, isStale ? null : which.mailboxIds];
  const inserted = await tx.query(
    `insert into mail (id, source, mailbox_id, epoch_id, uid, day, state, verdict, reason, read_at)
     select gen_random_uuid(), 'mailbox', e.mailbox_id, e.id, u.uid, (now() at time zone 'Europe/Amsterdam')::date, 'read', 'discarded', $1::text, now()
     from (select * from epoch e where ${stale} and e.cursor_uid < e.uid_next - 1 order by e.id for update) e,
       generate_series(e.cursor_uid + 1, e.uid_next - 1) as u (uid)
     on conflict (epoch_id, uid) do nothing`,
    values,
  );
  await tx.query(
    `update epoch e set cursor_uid = uid_next - 1 where $1::text is not null and ${stale} and cursor_uid < uid_next - 1`,
    values,
  );
  await tx.query(
    `update mail m set state = 'read', verdict = 'discarded', reason = $1, read_at = now()
     from epoch e where e.id = m.epoch_id and m.state = 'assigned' and ${stale}`,
    values,
  );
  return inserted.count;
}

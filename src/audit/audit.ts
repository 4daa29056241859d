/**
 * The door of audit/: who did what to which record, appended in the transaction of the act (NEN 7513; fields after the
 * DICOM/IHE audit message). The worker role cannot change or delete a row. Ids, codes and counts only, never values.
 */

import type { Sql } from '../ledger/ledger.ts';

export type AuditEvent =
  | 'practice.added'
  | 'mailbox.added'
  | 'mailbox.linked'
  | 'mailbox.tested'
  | 'mailbox.password-set'
  | 'mailbox.older-assigned'
  | 'mailbox.repaired'
  | 'integration.vanished-accepted'
  | 'integration.enabled'
  | 'integration.paused'
  | 'integration.disabled'
  | 'mailbox.epoch-opened'
  | 'mailbox.epoch-closed'
  | 'mails.copied'
  | 'mails.looked-at'
  | 'report.forwarded'
  | 'report.written-to-board'
  | 'report.held'
  | 'report.looked-up'
  | 'report.shown'
  | 'report.released'
  | 'report.discarded'
  | 'report.overridden'
  | 'report.retracted'
  | 'mail.replayed'
  | 'ledger.restored'
  | 'laboratory.accepted'
  | 'keys.rotated'
  | 'keys.master-rotated'
  | 'practice.shredded'
  | 'mailbox.shredded'
  | 'content.pruned';

export interface AuditEntry {
  readonly event: AuditEvent;
  /** A person's account name, or `worker`. */
  readonly actor: string;
  readonly onBehalfOf?: string;
  readonly outcome?: 'success' | 'refused';
  readonly objectKind:
    | 'practice'
    | 'mailbox'
    | 'mail'
    | 'report'
    | 'delivery'
    | 'laboratory'
    | 'batch'
    | 'key'
    | 'ledger';
  readonly objectId: string;
  readonly practiceId?: string | null;
  /** Keyed hash of the BSN: lets a patient's rows be found without the BSN. */
  readonly patientKey?: Buffer | null;
  readonly reason?: string | null;
  readonly fields?: Readonly<Record<string, string | number | boolean | null>>;
}

/** Appends entries; call it inside the transaction of the act. */
export async function appendAudit(tx: Sql, entries: readonly AuditEntry[]): Promise<void> {
  for (const entry of entries) {
    await tx.query(
      `insert into audit (actor, on_behalf_of, event, outcome, object_kind, object_id, practice_id, patient_key, reason, fields)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      [
        entry.actor,
        entry.onBehalfOf ?? null,
        entry.event,
        entry.outcome ?? 'success',
        entry.objectKind,
        entry.objectId,
        entry.practiceId ?? null,
        entry.patientKey ?? null,
        entry.reason ?? null,
        JSON.stringify(entry.fields ?? {}),
      ],
    );
  }
}

/** Appending: one statement, however many rows, or a part of the statement that acts. */

import type { Sql, SqlValue } from '../ledger/ledger.ts';
import { type AuditEvent, EVENTS, type EventFacts } from './events.ts';
import { accessPoint, auditSource } from './source.ts';

export interface AuditEntry {
  readonly event: AuditEvent;
  /** A person's account name, or `worker`. */
  readonly actor: string;
  /** Who answers for it. Where it is not said and the act is about a practice's patients: that practice. */
  readonly onBehalfOf?: string;
  readonly outcome?: 'success' | 'refused';
  readonly objectKind:
    | 'practice'
    | 'mailbox'
    | 'mail'
    | 'report'
    | 'delivery'
    | 'registration'
    | 'laboratory'
    | 'source'
    | 'batch'
    | 'key'
    | 'ledger'
    | 'alarm'
    | 'audit';
  readonly objectId: string;
  readonly practiceId?: string | null;
  /** Keyed hash of the BSN: lets a patient's rows be found without the BSN. */
  readonly patientKey?: Buffer | null;
  readonly reason?: string | null;
  /** The other objects of the act: ids only. */
  readonly participants?: Participants;
  readonly fields?: Readonly<Record<string, string | number | boolean | null>>;
}

export interface Participants {
  readonly mail?: string;
  readonly report?: string;
  readonly delivery?: string;
  /** The system that posted a registration. */
  readonly source?: string;
  /** The registration that this one corrects or withdraws. */
  readonly earlier?: string;
  /** The Patient resource in cKIS or cBoards. */
  readonly card?: string;
  /** The other system: `patient-card`, `board` or `zorgmail`. */
  readonly target?: string;
}

const WORKER = 'worker';

/** Appends entries, in this order; call it inside the transaction of the act. */
export async function appendAudit(tx: Sql, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length === 0) return;
  await tx.query(APPEND, auditValues(entries));
}

/** An entry for a statement that acts on rows: it is appended where the row of this id was acted on. */
export type ActEntry = AuditEntry & { readonly actId: string };

/**
 * The same as a part (CTE) of the statement that acts, so that act and row need no transaction around them: `acted` is
 * its part that answers the ids of what it acted on, `first` the number of the first parameter of `actValues`.
 */
export function appendingPart(acted: string, first: number): string {
  return appending(first, {
    ids: `, $${first + AUDIT_VALUES}::uuid[]`,
    where: `where act_id in (select id from ${acted})`,
  });
}

export function actValues(entries: readonly ActEntry[]): readonly SqlValue[] {
  return [...auditValues(entries), entries.map(({ actId }) => actId)];
}

/** How many there are of `auditValues`. */
const AUDIT_VALUES = 17;

function appending(first: number, act: { readonly ids: string; readonly where: string }): string {
  const $ = (place: number) => `$${first + place - 1}`;
  return `insert into audit (actor, on_behalf_of, event, outcome, object_kind, object_id, practice_id, patient_key, reason, fields,
       action, event_type, role, is_requestor, purpose, access_point, source, participants)
     select actor, on_behalf_of, event, outcome, object_kind, object_id, practice_id, patient_key, reason, fields::jsonb,
       action, event_type, role, role = 'staff', purpose, access_point, ${$(17)}, participants::jsonb
     from unnest(${$(1)}::text[], ${$(2)}::text[], ${$(3)}::text[], ${$(4)}::text[], ${$(5)}::text[], ${$(6)}::text[], ${$(7)}::uuid[],
       ${$(8)}::bytea[], ${$(9)}::text[], ${$(10)}::text[], ${$(11)}::text[], ${$(12)}::text[], ${$(13)}::text[], ${$(14)}::text[],
       ${$(15)}::text[], ${$(16)}::text[]${act.ids}) with ordinality as u (actor, on_behalf_of, event, outcome, object_kind,
       object_id, practice_id, patient_key, reason, fields, action, event_type, role, purpose, access_point, participants,
       ${act.ids === '' ? '' : 'act_id, '}place)
     ${act.where} order by place`;
}

const APPEND = appending(1, { ids: '', where: '' });

function auditValues(entries: readonly AuditEntry[]): readonly SqlValue[] {
  const of = <Value>(value: (entry: AuditEntry, facts: EventFacts) => Value) =>
    entries.map((entry) => value(entry, EVENTS[entry.event]));
  const role = ({ actor }: AuditEntry) => (actor === WORKER ? 'software' : 'staff');
  const points = { software: accessPoint('software'), staff: accessPoint('staff') };
  return [
    of(({ actor }) => actor),
    of(responsible),
    of(({ event }) => event),
    of(({ outcome }) => outcome ?? 'success'),
    of(({ objectKind }) => objectKind),
    of(({ objectId }) => objectId),
    of(({ practiceId }) => practiceId ?? null),
    of(({ patientKey }) => patientKey ?? null),
    of(({ reason }) => reason ?? null),
    of(({ fields }) => JSON.stringify(fields ?? {})),
    of((_, { action }) => action),
    of((_, { type }) => type),
    of(role),
    of((_, { purpose }) => purpose),
    of((entry) => points[role(entry)]),
    of(({ participants }) => JSON.stringify(participants ?? {})),
    auditSource(),
  ];
}

// zorgkoerier works in the practice's files: the practice answers for what is done there.
function responsible({ onBehalfOf, practiceId }: AuditEntry): string | null {
  return onBehalfOf ?? (practiceId == null ? null : `practice ${practiceId}`);
}

/**
 * Switching integrations on and off. The rules of Customer Care's request guide: only cBoards cannot have forwarding;
 * live needs the practice's authorisation and an explicit choice of determinations.
 */

import { type AuditEvent, appendAudit } from '../audit/audit.ts';
import type { Sql } from '../ledger/ledger.ts';
import { CHANGES } from './changes.ts';
import type { Determinations, Integration, IntegrationName, IntegrationState, Mode, Practice } from './practice.ts';

export interface EnableRequest {
  readonly name: IntegrationName;
  readonly mode: Mode;
  readonly authorisedBy: string | null;
  /** A date, `2026-11-22`. */
  readonly authorisedOn: string | null;
  /** null: not chosen, which only shadow may be. */
  readonly determinations: Determinations | null;
  /** Mails from this moment on are assigned. */
  readonly since: Date;
}

/** Why a request is refused: shown to Customer Care. */
export type Refusal = 'only-cboards' | 'no-mailbox' | 'no-authorisation' | 'no-determinations' | 'not-enabled';

interface IntegrationRow {
  readonly name: IntegrationName;
  readonly state: IntegrationState;
  readonly mode: Mode;
  readonly authorised_by: string | null;
  readonly authorised_on: string | null;
  readonly determinations: Determinations | null;
  readonly since: Date;
  readonly disabled_at: Date | null;
}

export async function integrationOf(sql: Sql, practiceId: string, name: IntegrationName): Promise<Integration | null> {
  const { rows } = await sql.query<IntegrationRow>(
    `select name, state, mode, authorised_by, authorised_on, determinations, since, disabled_at
     from integration where practice_id = $1 and name = $2`,
    [practiceId, name],
  );
  const row = rows[0];
  if (row === undefined) return null;
  return {
    name: row.name,
    state: row.state,
    mode: row.mode,
    authorisedBy: row.authorised_by,
    authorisedOn: row.authorised_on,
    determinations: row.determinations,
    since: row.since,
    disabledAt: row.disabled_at,
  };
}

/** Enables in shadow or live, or says why not. Re-enabling keeps nothing of the earlier choice: each is made anew. */
export async function enableIntegration(
  tx: Sql,
  practice: Practice,
  request: EnableRequest,
  actor: string,
): Promise<Refusal | null> {
  const refusal = await refusalOf(tx, practice, request);
  if (refusal !== null) return refusal;
  await tx.query(
    `insert into integration (practice_id, name, state, mode, authorised_by, authorised_on, determinations, since)
     values ($1, $2, 'enabled', $3, $4, $5, $6, $7)
     on conflict (practice_id, name) do update set state = 'enabled', mode = excluded.mode, authorised_by = excluded.authorised_by,
       authorised_on = excluded.authorised_on, determinations = excluded.determinations, since = excluded.since,
       changed_at = now(), disabled_at = null`,
    [
      practice.id,
      request.name,
      request.mode,
      request.authorisedBy,
      request.authorisedOn,
      request.determinations === null ? null : JSON.stringify(request.determinations),
      request.since,
    ],
  );
  await unpark(tx, practice.id);
  await announce(tx, practice, request.name, 'integration.enabled', actor, {
    mode: request.mode,
    authorisedBy: request.authorisedBy,
  });
  return null;
}

async function refusalOf(tx: Sql, practice: Practice, request: EnableRequest): Promise<Refusal | null> {
  if (request.name === 'forwarding' && !practice.products.includes('cKIS')) return 'only-cboards';
  const { count } = await tx.query('select 1 from mailbox_practice where practice_id = $1', [practice.id]);
  if (request.name === 'forwarding' && count === 0) return 'no-mailbox';
  if (request.mode === 'shadow') return null;
  if (request.authorisedBy === null || request.authorisedOn === null) return 'no-authorisation';
  if (request.name === 'forwarding' && request.determinations === null) return 'no-determinations';
  return null;
}

/** Pauses or disables. A paused integration keeps copying; a disabled one stops, and what waits is discarded after 7 days. */
export async function changeIntegration(
  tx: Sql,
  practice: Practice,
  name: IntegrationName,
  state: 'paused' | 'disabled',
  actor: string,
): Promise<Refusal | null> {
  const changed = await tx.query(
    `update integration set state = $3::text, changed_at = now(), disabled_at = case when $3::text = 'disabled' then now() end
     where practice_id = $1 and name = $2 and state <> 'disabled'`,
    [practice.id, name, state],
  );
  if (changed.count === 0) return 'not-enabled';
  await announce(tx, practice, name, `integration.${state}`, actor, {});
  return null;
}

// What waited while the practice was paused goes on at once: the sweeper adds it to the queue.
async function unpark(tx: Sql, practiceId: string): Promise<void> {
  await tx.query(
    `update delivery set is_parked = false, next_check_at = now()
     where is_parked and report_id in (select id from report where practice_id = $1)`,
    [practiceId],
  );
}

async function announce(
  tx: Sql,
  practice: Practice,
  name: IntegrationName,
  event: AuditEvent,
  actor: string,
  fields: Record<string, string | null>,
): Promise<void> {
  await appendAudit(tx, [
    {
      event,
      actor,
      objectKind: 'practice',
      objectId: practice.id,
      practiceId: practice.id,
      fields: { integration: name, ...fields },
    },
  ]);
  await tx.query('select pg_notify($1, $2)', [CHANGES, practice.id]);
}

/**
 * Switching integrations on and off. The rules of Customer Care's request guide: only cBoards cannot have forwarding, and
 * can have registrations; live needs the practice's authorisation and, for forwarding, an explicit choice of determinations.
 * Registrations need the ZorgMail account that the practice's HIS reads, and no mailbox: nothing is read there.
 */

import { type AuditEvent, appendAudit } from '../audit/audit.ts';
import type { Sql } from '../ledger/ledger.ts';
import { CHANGES } from './changes.ts';
import type { Determinations, Integration, IntegrationName, IntegrationState, Mode, Practice } from './practice.ts';
import { PRACTICE_COLUMNS } from './practices.ts';
import {
  chooseReceiver,
  type ReceiverChoice,
  type ReceiverRefusal,
  type ReceiverWish,
  registrationReceiver,
  setReceiver,
} from './receivers.ts';

/** What is null stays as it is where the integration is enabled or paused; for one that was disabled all is chosen anew. */
export interface EnableRequest {
  readonly name: IntegrationName;
  /** null, the first time: shadow. A live practice goes back to shadow only where that is asked for by name. */
  readonly mode: Mode | null;
  readonly authorisedBy: string | null;
  /** A date, `2026-11-22`. */
  readonly authorisedOn: string | null;
  /** null, the first time: not chosen, which only shadow may be. */
  readonly determinations: Determinations | null;
  /** Mails from this moment on are assigned. null, the first time: from now on. */
  readonly since: Date | null;
  /** Only of registrations: where they go, and in which form. Absent: as it was. */
  readonly receiver?: ReceiverWish;
}

const AS_IT_WAS: ReceiverWish = { account: null, charset: null, blankLine: null };

/** A request with what stays filled in. */
type Choice = Pick<Integration, 'mode' | 'authorisedBy' | 'authorisedOn' | 'determinations'> & {
  readonly since: Date | null;
};

/** Why a request is refused: shown to Customer Care. */
export type Refusal =
  | 'only-cboards'
  | 'no-mailbox'
  | 'no-authorisation'
  | 'no-determinations'
  | 'not-enabled'
  | ReceiverRefusal;

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
  return rows[0] === undefined ? null : asIntegration(rows[0]);
}

/** A practice with one of its integrations. */
export interface PracticeWithIntegration {
  readonly practice: Practice;
  readonly integration: Integration;
}

/** By practice, in one statement: both as they are at this moment. One that never had the integration is left out. */
export async function practicesWith(
  sql: Sql,
  practiceIds: readonly string[],
  name: IntegrationName,
): Promise<ReadonlyMap<string, PracticeWithIntegration>> {
  const { rows } = await sql.query<Practice & Omit<IntegrationRow, 'name'>>(
    `select ${PRACTICE_COLUMNS}, i.state, i.mode, i.authorised_by, i.authorised_on, i.determinations, i.since, i.disabled_at
     from practice p join integration i on i.practice_id = p.id and i.name = $2 where p.id = any($1::uuid[])`,
    [practiceIds, name],
  );
  return new Map(
    rows.map((row) => {
      const { id, agb, name: label, his, products, boards, accounts } = row;
      const practice = { id, agb, name: label, his, products, boards, accounts };
      return [id, { practice, integration: asIntegration({ ...row, name }) }] as const;
    }),
  );
}

function asIntegration(row: IntegrationRow): Integration {
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

/** Enables in shadow or live, resumes what was paused as it was, or says why not. */
export async function enableIntegration(
  tx: Sql,
  practice: Practice,
  request: EnableRequest,
  actor: string,
): Promise<Refusal | null> {
  const { name } = request;
  const earlier = await integrationOf(tx, practice.id, name);
  const choice = choiceOf(request, earlier);
  const refusal = await refusalOf(tx, practice, name, choice);
  if (refusal !== null) return refusal;
  const to = await receiverFor(tx, practice, request, earlier);
  if (to?.kind === 'refused') return to.refusal;
  const { mode, authorisedBy, authorisedOn, determinations, since } = choice;
  await tx.query(
    `insert into integration (practice_id, name, state, mode, authorised_by, authorised_on, determinations, since)
     values ($1, $2, 'enabled', $3, $4, $5, $6, coalesce($7, now()))
     on conflict (practice_id, name) do update set state = 'enabled', mode = excluded.mode, authorised_by = excluded.authorised_by,
       authorised_on = excluded.authorised_on, determinations = excluded.determinations, since = excluded.since,
       changed_at = now(), disabled_at = null`,
    [
      practice.id,
      name,
      mode,
      authorisedBy,
      authorisedOn,
      determinations === null ? null : JSON.stringify(determinations),
      since,
    ],
  );
  // After the integration: who renders locks these two in the same order.
  if (to !== null) await setReceiver(tx, practice.id, to.receiver);
  await unpark(tx, practice.id, name);
  const fields = { mode, authorisedBy, was: wasText(earlier), ...to?.receiver };
  await announce(tx, practice, name, 'integration.enabled', actor, fields);
  return null;
}

function wasText(earlier: Integration | null): string {
  return earlier === null ? 'none' : `${earlier.state} ${earlier.mode}`;
}

function choiceOf(request: EnableRequest, earlier: Integration | null): Choice {
  const kept = earlier === null || earlier.state === 'disabled' ? null : earlier;
  // Who and when belong together: a new name under the day of the former one would be an authorisation that nobody gave.
  const isAuthorisedAnew = request.authorisedBy !== null || request.authorisedOn !== null;
  const authorised = isAuthorisedAnew ? request : kept;
  return {
    mode: request.mode ?? kept?.mode ?? 'shadow',
    authorisedBy: authorised?.authorisedBy ?? null,
    authorisedOn: authorised?.authorisedOn ?? null,
    determinations: request.determinations ?? kept?.determinations ?? null,
    since: request.since ?? kept?.since ?? null,
  };
}

/** Where registrations go, or why they cannot; as with all else, after disabling it is chosen anew. null: of no matter. */
async function receiverFor(
  tx: Sql,
  practice: Practice,
  { name, receiver: wish = AS_IT_WAS }: EnableRequest,
  earlier: Integration | null,
): Promise<ReceiverChoice | null> {
  if (name !== 'registrations') return null;
  const isKept = earlier !== null && earlier.state !== 'disabled';
  return chooseReceiver(practice, wish, isKept ? await registrationReceiver(tx, practice.id) : null);
}

async function refusalOf(tx: Sql, practice: Practice, name: IntegrationName, choice: Choice): Promise<Refusal | null> {
  if (name === 'forwarding' && !practice.products.includes('cKIS')) return 'only-cboards';
  const { count } = await tx.query('select 1 from mailbox_practice where practice_id = $1', [practice.id]);
  if (name === 'forwarding' && count === 0) return 'no-mailbox';
  if (choice.mode === 'shadow') return null;
  if (choice.authorisedBy === null || choice.authorisedOn === null) return 'no-authorisation';
  if (name === 'forwarding' && choice.determinations === null) return 'no-determinations';
  return null;
}

/**
 * Pauses or disables. Paused forwarding keeps copying; disabled it stops, and what waits is discarded after 7 days. Paused
 * registrations are still taken; disabled they are not, and what waits comes before a person.
 */
export async function changeIntegration(
  tx: Sql,
  practice: Practice,
  name: IntegrationName,
  state: 'paused' | 'disabled',
  actor: string,
): Promise<Refusal | null> {
  const earlier = await integrationOf(tx, practice.id, name);
  const changed = await tx.query(
    `update integration set state = $3::text, changed_at = now(), disabled_at = case when $3::text = 'disabled' then now() end
     where practice_id = $1 and name = $2 and state <> 'disabled'`,
    [practice.id, name, state],
  );
  if (changed.count === 0) return 'not-enabled';
  await announce(tx, practice, name, `integration.${state}`, actor, { was: wasText(earlier) });
  return null;
}

// What waited while the practice was paused goes on at once: the sweeper adds it to the queue.
async function unpark(tx: Sql, practiceId: string, name: IntegrationName): Promise<void> {
  const waiting =
    name === 'forwarding'
      ? 'delivery set is_parked = false, next_check_at = now() where is_parked and report_id in (select id from report where practice_id = $1)'
      : 'registration set is_parked = false, next_check_at = now() where is_parked and practice_id = $1';
  await tx.query(`update ${waiting}`, [practiceId]);
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

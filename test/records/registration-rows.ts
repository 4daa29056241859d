/** Registrations for the tests, put into a state as the owner of the tables may; their practice is switched on by the door. */

import { randomBytes, randomUUID } from 'node:crypto';
import type { Ledger, RegistrationState } from '../../src/ledger/ledger.ts';
import type { EnableRequest, Practice } from '../../src/practice/practice.ts';
import { newId } from '../../src/shared/ids.ts';

export const REGISTRATIONS: EnableRequest = {
  name: 'registrations',
  mode: 'live',
  authorisedBy: 'dr. A. de Proef',
  authorisedOn: '2026-11-20',
  determinations: null,
  since: null,
};

type MailState = 'queued' | 'uncertain' | 'sent' | 'delivered' | 'bounced' | 'superseded';

export interface MadeRegistration {
  readonly id: string;
  readonly practice: Practice;
  readonly patientKey: Buffer;
  readonly mailIds: readonly string[];
}

export interface RegistrationWish {
  readonly reason?: string | null;
  readonly mails?: readonly MailState[];
  readonly account?: string;
  readonly patientKey?: Buffer;
  readonly content?: Buffer | null;
}

let references = 0;

export async function sourceIn(owner: Ledger): Promise<string> {
  const id = newId<string>();
  await owner.query(`insert into source (id, name, added_by) values ($1, $2, 'a person')`, [
    id,
    `ckis-${id.slice(-12)}`,
  ]);
  return id;
}

export async function registrationIn(
  owner: Ledger,
  practice: Practice,
  state: RegistrationState,
  wish: RegistrationWish = {},
): Promise<MadeRegistration> {
  const { reason = null, mails = [], account = practice.accounts[0], patientKey = randomBytes(32) } = wish;
  const content = wish.content === undefined ? Buffer.from('a sealed registration') : wish.content;
  const id = newId<string>();
  const isOpen = ['accepted', 'queued', 'sending', 'uncertain'].includes(state);
  await owner.query(
    `insert into registration (id, source_id, idempotency_key, body_digest, practice_id, patient_key, origin, state, reason, content, settled_at, sent_at)
     values ($1, $2, $3, $4, $5, $6, 'card', $7, $8, $9, case when $10::boolean then null else now() end, case when $7 in ('sent', 'delivered') then now() end)`,
    [
      id,
      await sourceIn(owner),
      randomUUID(),
      randomBytes(32),
      practice.id,
      patientKey,
      state,
      reason,
      content,
      isOpen || state === 'sent',
    ],
  );
  const mailIds: string[] = [];
  for (const [index, mailState] of mails.entries()) {
    const mailId = newId<string>();
    references += 1;
    mailIds.push(mailId);
    await owner.query(
      `insert into outward_mail (id, registration_id, part, sender, recipient, control_reference, envelope_id, message_id, content, state)
       values ($1, $2, $3, '500099999', $4, $5, $6, $7, $8, $9)`,
      [
        ...[
          mailId,
          id,
          index + 1,
          `${account}@zorgmail.example`,
          `R${references}`,
          mailId,
          `<${mailId}@zorgmail.example>`,
        ],
        ...[Buffer.from(`sealed bytes of part ${index + 1}`), mailState],
      ],
    );
  }
  return { id, practice, patientKey, mailIds };
}

export interface RegistrationRow {
  readonly state: RegistrationState;
  readonly reason: string | null;
  readonly generation: number;
  readonly is_parked: boolean;
  readonly kept: boolean;
  readonly settled: boolean;
  readonly attempts: number;
}

export async function registrationRow(
  ledger: Ledger,
  { id }: Pick<MadeRegistration, 'id'>,
): Promise<RegistrationRow | undefined> {
  const { rows } = await ledger.query<RegistrationRow>(
    `select state, reason, generation, is_parked, content is not null as kept, settled_at is not null as settled, attempts from registration where id = $1`,
    [id],
  );
  return rows[0];
}

/** The state of each part, and whether its bytes are there: `queued`, `superseded without bytes`. */
export async function mailStates(ledger: Ledger, { id }: Pick<MadeRegistration, 'id'>): Promise<readonly string[]> {
  const { rows } = await ledger.query<{ state: string; kept: boolean }>(
    'select state, content is not null as kept from outward_mail where registration_id = $1 order by rendering, part',
    [id],
  );
  return rows.map(({ state, kept }) => (kept ? state : `${state} without bytes`));
}

/** The audit of one registration, in order. */
export async function auditOf(owner: Ledger, { id }: Pick<MadeRegistration, 'id'>) {
  const { rows } = await owner.query<{
    event: string;
    actor: string;
    reason: string | null;
    fields: Record<string, unknown>;
  }>(
    `select event, actor, reason, fields from audit where object_kind = 'registration' and object_id = $1 order by id`,
    [id],
  );
  return rows;
}

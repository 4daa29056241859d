/** Registrations and the mails that carry them, as rows: for what comes back about them, whoever sent them. */

import { randomBytes, randomUUID } from 'node:crypto';
import { type OutwardMail, renderMail } from '../../src/delivery/zorgmail/zorgmail.ts';
import type { Sql } from '../../src/ledger/ledger.ts';
import { newId } from '../../src/shared/ids.ts';

/** A statement as the owner of the tables. */
export type Run = (text: string, values: NonNullable<Parameters<Sql['query']>[1]>) => Promise<unknown>;

export interface SentPart {
  readonly id: string;
  readonly envelopeId: string;
  readonly messageId: string;
  readonly controlReference: string;
  /** As it went over the relay. */
  readonly mail: OutwardMail;
  readonly raw: Buffer;
}

export interface SentRegistration {
  readonly id: string;
  readonly parts: readonly [SentPart, ...SentPart[]];
}

export interface SentOptions {
  /** Of the registration; `sent` unless said otherwise. */
  readonly state?: string;
  readonly reason?: string;
  /** One per part. */
  readonly mails?: readonly [string, ...string[]];
  /** A worker has it in hand now. */
  readonly isInHand?: boolean;
  readonly sentAt?: Date;
  readonly from?: string;
  readonly to?: string;
}

let referencesGiven = 0;
const DOMAIN = 'lms.lifeline.nl';

/** One registration with its mails, in the states that are given. */
export async function registrationIn(
  run: Run,
  practiceId: string,
  options: SentOptions = {},
): Promise<SentRegistration> {
  const { state = 'sent', mails = ['sent'], from = '500077001', to = '500088001' } = options;
  const [id, sourceId] = [newId(), randomUUID()];
  await run('insert into source (id, name, added_by) values ($1, $2, $3)', [
    sourceId,
    `s-${sourceId.slice(0, 8)}`,
    'test',
  ]);
  await run(
    `insert into registration (id, source_id, idempotency_key, body_digest, practice_id, patient_key, origin, state, reason, lease_token, lease_until, sent_at)
     values ($1, $2, $3, $4, $5, $6, 'card', $7::text, $8, $9, $10,
       case when $7::text in ('sent', 'delivered') then coalesce($11::timestamptz, now()) end)`,
    [
      id,
      sourceId,
      randomUUID(),
      randomBytes(32),
      practiceId,
      randomBytes(32),
      state,
      options.reason ?? null,
      options.isInHand === true ? randomUUID() : null,
      options.isInHand === true ? '2999-01-01T00:00:00Z' : null,
      options.sentAt ?? null,
    ],
  );
  const parts: SentPart[] = [];
  for (const [index, mailState] of mails.entries()) {
    const part = newPart(index + 1, from, to);
    await run(
      `insert into outward_mail (id, registration_id, part, sender, recipient, control_reference, envelope_id, message_id, state, sent_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9::text, case when $9::text in ('sent', 'delivered') then now() end)`,
      [part.id, id, index + 1, from, part.mail.to, part.controlReference, part.envelopeId, part.messageId, mailState],
    );
    parts.push(part);
  }
  const [first, ...others] = parts;
  if (first === undefined) throw new Error('a registration has a part');
  return { id, parts: [first, ...others] };
}

function newPart(number: number, from: string, to: string): SentPart {
  referencesGiven += 1;
  const id = newId();
  const envelopeId = `${id}.${number}`;
  const controlReference = `ZK${String(900_000 + referencesGiven)}`;
  const edifact = `UNB+UNOC:3+${from}+${to}+261116:0915+${controlReference}'\rUNH+1+MEDVRI:1'\rTXT:1+Gebeld'\rUNT+3+1'\rUNZ+1+${controlReference}'\r`;
  const mail: OutwardMail = {
    messageId: `<${envelopeId}@zorgkoerier.example>`,
    date: new Date('2026-11-16T09:15:00Z'),
    from: `${from}@${DOMAIN}`,
    to: `${to}@${DOMAIN}`,
    subject: 'Registratie',
    envelopeId,
    edifact: Buffer.from(edifact, 'latin1'),
  };
  return { id, envelopeId, messageId: mail.messageId, controlReference, mail, raw: renderMail(mail) };
}

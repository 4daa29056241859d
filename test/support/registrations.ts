/** Registrations in a journey: practices that take them, what a source posts, what the ledger and the HIS have of it. */

import { randomUUID } from 'node:crypto';
import { unwrapMail } from '../../src/mail/mail.ts';
import { type AcceptAnswer, acceptRegistration } from '../../src/pipeline/pipeline.ts';
import { addPractice, type Mode, type Practice } from '../../src/practice/practice.ts';
import { findRegistration, type RegistrationView } from '../../src/records/records.ts';
import {
  joinedText,
  type MedvriMessage,
  type PostedRegistration,
  readMedvri,
  registrationPart,
} from '../../src/registration/registration.ts';
import type { SandboxPractice } from '../../src/sandbox/people.ts';
import { newId, type SourceId } from '../../src/shared/ids.ts';
import { person, practice } from './medlab.ts';
import { until } from './until.ts';
import type { Journey } from './world.ts';

type Key = SandboxPractice['key'];

/** A practice that only takes registrations: nothing is read from its mailbox. */
export async function registerReceiver(journey: Journey, key: Key, mode: Mode = 'live'): Promise<Practice> {
  const sandbox = practice(key);
  await journey.courier.ledger.transaction((tx) =>
    addPractice(tx, { ...sandbox, accounts: [sandbox.zorgmail] }, 'klantenservice'),
  );
  const registered = await journey.practice(key);
  await journey.sql(
    `insert into registration_receiver (practice_id, account, charset, blank_line) values ($1, $2, 'ascii', 'full-stop')`,
    [registered.id, sandbox.zorgmail],
  );
  await journey.sql(
    `insert into integration (practice_id, name, state, mode, authorised_by, authorised_on, since)
     values ($1, 'registrations', 'enabled', $2, 'P. Praktijkhouder', '2026-11-20', now())`,
    [registered.id, mode],
  );
  return registered;
}

export async function switchTo(
  journey: Journey,
  { id }: Practice,
  to: { readonly state: 'enabled' | 'paused' | 'disabled'; readonly mode?: Mode },
): Promise<void> {
  await journey.sql(
    `update integration set state = $2::text, mode = coalesce($3, mode), disabled_at = case when $2::text = 'disabled' then now() end
     where practice_id = $1 and name = 'registrations'`,
    [id, to.state, to.mode ?? null],
  );
}

export async function addSource(journey: Pick<Journey, 'sql'>): Promise<SourceId> {
  const id = newId<SourceId>();
  await journey.sql(`insert into source (id, name, added_by) values ($1, $2, 'klantenservice')`, [
    id,
    `s${id.slice(-12)}`,
  ]);
  return id;
}

export interface Posting {
  readonly bsn?: string;
  readonly to?: Key;
  readonly text?: string;
  readonly writtenAt?: string;
  readonly earlier?: PostedRegistration['earlier'];
  readonly field?: string;
}

export function posted(change: Posting = {}): PostedRegistration {
  const { bsn = '999990019', to = 'linde' } = change;
  const { family, prefix, partnerFamily, partnerPrefix, given, initials, birthDate, sex } = person(bsn);
  return {
    practice: { agb: practice(to).agb },
    patient: { bsn, birthDate, sex, name: { family, prefix, partnerFamily, partnerPrefix, given, initials } },
    author: { name: 'A. de Vries', role: 'praktijkondersteuner' },
    source: { kind: 'card', field: change.field ?? 'Bijzonderheden' },
    writtenAt: change.writtenAt ?? '2026-11-25T10:15:00+01:00',
    text: change.text ?? 'Belde over haar medicijnen.',
    earlier: change.earlier ?? null,
  };
}

/** Posts it; the id, or an error with the answer. */
export async function post(
  journey: Pick<Journey, 'courier'>,
  source: SourceId,
  body: PostedRegistration,
  key = randomUUID() as string,
): Promise<string> {
  return idOf(await acceptRegistration(journey.courier, source, key, body));
}

export function idOf(answer: AcceptAnswer): string {
  if (answer.kind !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(answer)}`);
  return answer.registration.id;
}

/** As the office sees it. */
export async function seen(journey: Pick<Journey, 'courier'>, id: string): Promise<RegistrationView> {
  const found = await findRegistration(journey.courier.ledger, null, id);
  if (found === null) throw new Error('no such registration');
  return found;
}

export async function untilState(
  journey: Journey,
  id: string,
  state: string,
  deadlineMs?: number,
): Promise<RegistrationView> {
  return until(
    `registration ${state}`,
    () => seen(journey, id),
    (view) => view.state === state,
    deadlineMs,
  );
}

/** What the HIS finds in the mailbox of the practice, in the order of arrival. */
export async function messagesOf(journey: Journey, key: Key): Promise<readonly MedvriMessage[]> {
  const mails = await journey.world.zorgmail.mailsOf(practice(key).zorgmail);
  const messages: MedvriMessage[] = [];
  for (const mail of mails) {
    for (const { kind, bytes, charset } of (await unwrapMail(mail)).payloads) {
      const reading = kind === 'edifact' ? readMedvri(bytes, charset) : null;
      if (reading?.kind === 'read') messages.push(...reading.messages);
    }
  }
  return messages;
}

/** The messages of one registration, by its control references; a message that came twice is there twice. */
export async function arrived(journey: Journey, key: Key, view: RegistrationView): Promise<readonly MedvriMessage[]> {
  const references = view.parts.map(({ controlReference }) => controlReference);
  return (await messagesOf(journey, key)).filter(({ interchangeReference }) =>
    references.includes(interchangeReference ?? ''),
  );
}

/** The text as it stands at the HIS, its parts joined; null while one is missing or there twice. */
export function textOf(messages: readonly MedvriMessage[]): string | null {
  return joinedText(messages.map(({ lines }) => registrationPart(lines)));
}

/** What a dead worker held is free, checks are due, and receipts were waited for long enough, as minutes later. */
export async function minutesLater(journey: Pick<Journey, 'sql'>): Promise<void> {
  const past = `now() - interval '1 second'`;
  await journey.sql(
    `update registration set lease_until = case when lease_until is not null then ${past} end, next_check_at = ${past}
     where id in (select id from registration where state in ('accepted', 'queued', 'sending', 'uncertain') for update skip locked)`,
  );
}

/** A receipt was waited for longer than anybody would. */
export async function hoursLater(journey: Pick<Journey, 'sql'>): Promise<void> {
  await journey.sql(`update outward_mail set tried_at = tried_at - interval '2 hours' where tried_at is not null`);
  await minutesLater(journey);
}

/** A receipt for this part came back and was read; the mail that said so stands in the return mailbox. */
export async function keepReceipt(journey: Pick<Journey, 'sql'>, id: string, kind = 'delivered'): Promise<void> {
  const mailId = newId<string & never>() as string;
  await journey.sql(
    `insert into mail (id, source, day, state, verdict, copied_at) values ($1, 'replay', current_date, 'read', 'receipt', now())`,
    [mailId],
  );
  await journey.sql(
    `insert into outward_receipt (outward_mail_id, mail_id, kind, matched_by)
     select id, $2, $3, 'message-id' from outward_mail where registration_id = $1 and state = 'uncertain'`,
    [id, mailId, kind],
  );
}

export async function auditOf(journey: Pick<Journey, 'sql'>, id: string): Promise<readonly string[]> {
  const rows = await journey.sql<{ event: string }>('select event from audit where object_id = $1 order by id', [id]);
  return rows.map(({ event }) => event);
}

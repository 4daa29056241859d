/** What the journeys look at: the accounting, what became of each mail, the cards, and the passing of time. */

import type { MailOutcome } from '../../src/ledger/ledger.ts';
import { type Accounting, accountingOf, totalOf } from '../../src/records/records.ts';
import { type CardReading, type FhirSandbox, readCards } from '../../src/sandbox/fhir/fhir.ts';
import { until } from './until.ts';
import type { Journey } from './world.ts';

/** The sum over all mailboxes. */
export async function accounting(journey: Journey): Promise<Accounting> {
  return totalOf(await accountingOf(journey.courier.ledger));
}

/** Until `assigned` mails were seen and every one of them, and every board, is at rest; and proves that it adds up. */
export async function untilAtRest(journey: Journey, assigned: number, deadlineMs?: number): Promise<Accounting> {
  const look = async () => ({ ...(await accounting(journey)), open: await openDeliveries(journey) });
  const { open: _open, ...sum } = await until(
    `${assigned} mails at rest`,
    look,
    (seen) => seen.assigned === assigned && seen.waiting === 0 && seen.open === 0,
    deadlineMs,
  );
  if (sum.difference !== 0) throw new Error(`the accounting does not add up: ${JSON.stringify(sum)}`);
  return sum;
}

async function openDeliveries(journey: Journey): Promise<number> {
  const [row] = await journey.sql<{ open: string }>(
    `select count(*) as open from delivery where state in ('ready', 'sending', 'uncertain')`,
  );
  return Number(row?.open);
}

export interface Delivered {
  readonly id: string;
  readonly target: 'patient-card' | 'board';
  readonly state: string;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly attempts: number;
  readonly is_parked: boolean;
  readonly mail_id: string;
  readonly uid: string | null;
  readonly has_content: boolean;
  readonly has_bytes: boolean;
  readonly withheld_count: number;
}

/** Every delivery, in the order in which its mail came in. */
export async function deliveries(journey: Journey): Promise<readonly Delivered[]> {
  return journey.sql<Delivered>(
    `select d.id, d.target, d.state, d.reason, d.detail, d.attempts, d.is_parked, m.id as mail_id, m.uid, r.content is not null as has_content,
       m.content is not null as has_bytes, r.withheld_count
     from delivery d join report r on r.id = d.report_id join mail m on m.id = r.mail_id
     order by m.copied_at, m.uid, m.id, r.payload_ordinal, r.report_ordinal, d.target desc`,
  );
}

export async function outcomes(journey: Journey): Promise<readonly MailOutcome[]> {
  const rows = await journey.sql<{ outcome: MailOutcome }>(
    'select o.outcome from mail_outcome o join mail m on m.id = o.id order by m.copied_at, m.uid, m.id',
  );
  return rows.map((row) => row.outcome);
}

/** The card of one person, as a person reads it. */
export async function cardOf(server: FhirSandbox, bsn: string): Promise<CardReading> {
  const found = (await readCards(server)).filter(({ patient }) => patient.bsn === bsn);
  if (found[0] === undefined || found.length > 1) throw new Error(`${found.length} cards`);
  return found[0];
}

/** Name, value and status of every result on a card, in order of name. */
export async function resultsOf(server: FhirSandbox, bsn: string): Promise<readonly string[]> {
  const { results } = await cardOf(server, bsn);
  return results.map(({ name, value, status }) => `${name} ${value} ${status}`).sort();
}

/** What ten minutes do to leases and checks. Rows that somebody holds at this moment keep their time. */
export async function letTimePass(journey: Journey): Promise<void> {
  const past = `now() - interval '1 second'`;
  await journey.sql(
    `update mail set lease_until = ${past} where id in (select id from mail where lease_until is not null for update skip locked)`,
  );
  await journey.sql(
    `update delivery set lease_until = case when lease_until is not null then ${past} end, next_check_at = ${past}
     where id in (select id from delivery where state in ('ready', 'sending', 'uncertain') for update skip locked)`,
  );
  await journey.sql(
    `update read_batch set next_check_at = ${past} where id in (select id from read_batch for update skip locked)`,
  );
}

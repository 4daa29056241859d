/**
 * What comes back about our mails: receipts in the return mailbox, and our own mail seen in the recipient's.
 *
 * It may be repeated: a receipt is kept once per mail that says it, and what follows from receipts is worked out from all
 * of them (records/receipts.ts). It never believes more than that: a receipt for a mail that we do not wait for moves nothing,
 * and silence is an alarm and never an answer.
 */

import { settleAlarms } from '../alarms/alarms.ts';
import { appendAudit } from '../audit/audit.ts';
import type { Sql } from '../ledger/ledger.ts';
import { readSighting } from '../receipt/receipt.ts';
import {
  insertReceipts,
  isOursFor,
  type MatchedReceipt,
  type SaidReceipt,
  type SettledRegistration,
  settleByReceipts,
  unansweredSince,
  unsettledByReceipts,
} from '../records/records.ts';
import type { Courier } from './pipeline.ts';

/** Registrations per round of the sweeper. */
const UNSETTLED_MOST = 500;
/** Ours has its Message-ID among its first lines; a relay puts some before them. */
const HEADER_MOST = 16_384;

/** Ours at ZorgMail, which our mails come from; null: none is set. */
export function ownAccount({ smtpFrom }: Pick<Courier, 'smtpFrom'>): string | null {
  return smtpFrom?.split('@')[0] ?? null;
}

/** In the transaction that settles the mail which said it. */
export async function recordReceipts(
  tx: Sql,
  mailId: string,
  receipts: readonly MatchedReceipt[],
): Promise<readonly SettledRegistration[]> {
  if (receipts.length === 0) return [];
  await insertReceipts(tx, mailId, receipts);
  return settled(tx, [...new Set(receipts.map(({ registrationId }) => registrationId))], mailId);
}

/** In the transaction that records what the relay said: a receipt may have been read before. */
export async function settleEarlyReceipts(tx: Sql, registrationId: string): Promise<readonly SettledRegistration[]> {
  return settled(tx, [registrationId], null);
}

/** What was kept while a worker had the registration in hand, and that worker died: for the sweeper. */
export async function settleKeptReceipts(courier: Pick<Courier, 'ledger' | 'logger' | 'meter'>): Promise<void> {
  const ids = await unsettledByReceipts(courier.ledger, UNSETTLED_MOST);
  if (ids.length === 0) return;
  tellSettled(courier, await courier.ledger.transaction((tx) => settled(tx, ids, null)));
}

async function settled(
  tx: Sql,
  registrationIds: readonly string[],
  mailId: string | null,
): Promise<readonly SettledRegistration[]> {
  const changed = await settleByReceipts(tx, registrationIds);
  // One that goes on being sent is audited when it is.
  const ended = changed.filter(({ state }) => state !== 'queued');
  await appendAudit(
    tx,
    ended.map(({ id, practiceId, patientKey, was, state, reason, detail }) => ({
      event: 'registration.answered',
      actor: 'worker',
      objectKind: 'registration',
      objectId: id,
      practiceId,
      patientKey,
      reason,
      ...(mailId === null ? {} : { participants: { mail: mailId } }),
      fields: { was, state, detail },
    })),
  );
  return changed;
}

/** After the commit: counted, and logged: what a person must see as a warning, the rest as it goes. */
export function tellSettled(
  { logger, meter }: Pick<Courier, 'logger' | 'meter'>,
  changed: readonly SettledRegistration[],
): void {
  for (const { id, practiceId, state, reason, acceptedMs } of changed) {
    // One that goes on being sent was counted when it was rendered.
    if (state !== 'queued') meter.registered({ state, reason, acceptedMs });
    const about = { registrationId: id, practiceId, state };
    if (reason === null) logger.info('a registration was answered', about);
    else logger.warn('a registration did not arrive', { ...about, reason });
  }
}

/**
 * Our own mail in a practice's mailbox, for what no laboratory payload was found in; none where it is another's. Two looks
 * that cost next to nothing come before the mail is opened: into its header, and whether such an id was ever ours for
 * this mailbox. A mail that quotes or attaches ours has another id.
 */
export async function sightingOf(
  { ledger }: Pick<Courier, 'ledger'>,
  mailboxId: string | null,
  raw: Buffer,
): Promise<readonly SaidReceipt[]> {
  const messageId = mailboxId === null ? null : messageIdOf(raw);
  if (mailboxId === null || messageId === null || !(await isOursFor(ledger, mailboxId, messageId))) return [];
  const sighted = await readSighting(raw);
  const own = sighted.filter(({ by, reference }) => by === 'message-id' && reference === messageId);
  return own.map((receipt) => ({ ...receipt, kind: 'seen' }));
}

function messageIdOf(raw: Buffer): string | null {
  const [header = ''] = raw.toString('latin1', 0, HEADER_MOST).split(/\r?\n\r?\n/, 1);
  return /^message-id:[ \t]*(?:\r?\n[ \t]+)?(<[\x21-\x3b\x3d\x3f-\x7e]{3,250}>)/im.exec(header)?.[1] ?? null;
}

const UNANSWERED = 'registration.no-receipt';

/** One round: opens and closes the alarm of every registration that was sent and not heard of since. */
export async function alarmUnanswered({
  ledger,
  clock,
  logger,
  limits,
}: Pick<Courier, 'ledger' | 'clock' | 'logger'> & {
  readonly limits: Pick<Courier['limits'], 'receiptWithinMs'>;
}): Promise<void> {
  const moment = new Date(clock.now().getTime() - limits.receiptWithinMs);
  const look = async (tx: Sql) =>
    (await unansweredSince(tx, moment)).map(({ id, practiceId }) => ({ objectId: id, practiceId }));
  const { opened, closed } = await ledger.transaction((tx) => settleAlarms(tx, UNANSWERED, 'error', () => look(tx)));
  const about = ({ objectId, practiceId }: (typeof opened)[number]) => ({
    registrationId: objectId,
    ...(practiceId === null ? {} : { practiceId }),
    code: UNANSWERED,
  });
  for (const object of opened) logger.error('nothing was heard of a registration', about(object));
  for (const object of closed) logger.info('a registration is waited for no longer', about(object));
}

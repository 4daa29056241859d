/**
 * Reconciling: once a day each mailbox's books are closed by its owner, and its uids compared with what its server holds.
 *
 * It may be repeated: it looks, and where the server has a mail that the ledger counts as vanished, or does not know, that
 * uid is assigned again. Copying it then is the same as copying any other; what is a duplicate ends as one.
 */

import { setAlarm } from '../alarms/alarms.ts';
import { appendAudit } from '../audit/audit.ts';
import type { MailboxConnection } from '../mailbox/mailbox.ts';
import { lastReconciled, openEpochOf, recordReconciled } from '../practice/practice.ts';
import {
  accountingOf,
  assignAgain,
  type Contradictions,
  contradictions,
  isVanishedRateHigh,
  uidGaps,
  type VanishedRate,
  vanishedRate,
} from '../records/records.ts';
import type { Courier } from './pipeline.ts';

type Books = Pick<Courier, 'ledger'>;

/** How the ledger and the server agree on one mailbox. */
export type Comparison =
  | ({ readonly kind: 'compared'; readonly epochId: string; readonly present: number } & Contradictions)
  /** Nothing is open, or the server numbers anew: the owner will open the next epoch when it reconnects. */
  | { readonly kind: 'not-watched' }
  | { readonly kind: 'renumbered' };

/** Compares; writes nothing. A mail that left or was copied while we looked is asked for again before it counts. */
export async function compareWithServer(
  courier: Books,
  mailboxId: string,
  connection: MailboxConnection,
): Promise<Comparison> {
  const epoch = await openEpochOf(courier.ledger, mailboxId);
  if (epoch === null) return { kind: 'not-watched' };
  const { uidValidity } = await connection.status();
  if (uidValidity !== epoch.uidValidity) return { kind: 'renumbered' };
  const uids = await connection.listUids();
  let found = await contradictions(courier.ledger, epoch.id, uids);
  if (found.unrecorded.length + found.returned.length > 0) {
    found = await contradictions(courier.ledger, epoch.id, await connection.listUids());
  }
  return { kind: 'compared', epochId: epoch.id, present: uids.length, ...found };
}

/** Assigns again what the server holds and the ledger does not have; audited. Answers how many. */
export async function repair(
  courier: Books,
  mailboxId: string,
  comparison: Comparison,
  actor: string,
): Promise<number> {
  if (comparison.kind !== 'compared') return 0;
  const { epochId, unrecorded, returned } = comparison;
  if (unrecorded.length + returned.length === 0) return 0;
  return courier.ledger.transaction(async (tx) => {
    const assigned = await assignAgain(tx, { epochId, mailboxId }, comparison);
    const fields = { assigned, unrecorded: unrecorded.length, returned: returned.length };
    await appendAudit(tx, [{ event: 'mailbox.repaired', actor, objectKind: 'mailbox', objectId: mailboxId, fields }]);
    return assigned;
  });
}

/** What a day's reconciling found of one mailbox. */
export interface Findings {
  /** assigned − waiting − at rest. */
  readonly difference: number;
  readonly uidsWithoutRow: number;
  readonly rowsWithoutUid: number;
  readonly comparison: Comparison;
  readonly assignedAgain: number;
  readonly lately: VanishedRate;
}

const DAY_MS = 24 * 3_600_000;
/** The first time, and after a day, spread over this, so that a worker that starts does not ask every server at once. */
const SPREAD_MS = 3_600_000;

/** For the owner of a mailbox: reconciles when a day has passed since anybody did, on the connection that it has anyhow. */
export async function dailyReconcile(
  courier: Pick<Courier, 'ledger' | 'clock' | 'logger' | 'random'>,
  mailboxId: string,
): Promise<(connection: MailboxConnection) => Promise<void>> {
  const last = await lastReconciled(courier.ledger, mailboxId);
  const now = () => courier.clock.now().getTime();
  const spread = () => Math.floor(courier.random() * SPREAD_MS);
  let dueMs = (last === null ? now() : last.getTime() + DAY_MS) + spread();
  return async (connection) => {
    if (now() < dueMs) return;
    await reconcileMailbox(courier, mailboxId, connection);
    await recordReconciled(courier.ledger, mailboxId);
    dueMs = now() + DAY_MS + spread();
  };
}

const LATELY_MS = 7 * 24 * 3_600_000;

/** Closes the books of one mailbox, compares, repairs, and says aloud what is wrong. */
export async function reconcileMailbox(
  courier: Pick<Courier, 'ledger' | 'clock' | 'logger'>,
  mailboxId: string,
  connection: MailboxConnection,
): Promise<Findings> {
  const comparison = await compareWithServer(courier, mailboxId, connection);
  const [accounting] = await accountingOf(courier.ledger, mailboxId);
  const [gaps] = await uidGaps(courier.ledger, mailboxId);
  const assignedAgain = await repair(courier, mailboxId, comparison, 'worker');
  const since = new Date(courier.clock.now().getTime() - LATELY_MS);
  const findings: Findings = {
    difference: accounting?.difference ?? 0,
    uidsWithoutRow: gaps?.uidsWithoutRow ?? 0,
    rowsWithoutUid: gaps?.rowsWithoutUid ?? 0,
    comparison,
    assignedAgain,
    lately: await vanishedRate(courier.ledger, { mailboxId }, since),
  };
  await complain(courier, mailboxId, findings);
  return findings;
}

const ALARMS = {
  difference: { kind: 'accounting.difference', words: 'the accounting does not add up' },
  vanished: { kind: 'mailbox.vanished-rate', words: 'more mail vanishes than may' },
} as const;

async function complain(
  { ledger, logger }: Pick<Courier, 'ledger' | 'logger'>,
  mailboxId: string,
  found: Findings,
): Promise<void> {
  const { difference, uidsWithoutRow, rowsWithoutUid, assignedAgain, lately } = found;
  const say = async (which: keyof typeof ALARMS, isSo: boolean, count: number) => {
    const { kind, words } = ALARMS[which];
    const alarm = { kind, level: 'error', objectId: mailboxId, practiceId: null } as const;
    if (!(await setAlarm(ledger, alarm, isSo))) return;
    if (isSo) logger.error(words, { mailboxId, code: kind, count });
    else logger.info('an alarm is over', { mailboxId, code: kind });
  };
  await say('difference', difference !== 0 || uidsWithoutRow !== 0 || rowsWithoutUid !== 0, difference);
  await say('vanished', isVanishedRateHigh(lately), lately.vanished);
  // No state but an event: what was found is put right.
  if (assignedAgain > 0) {
    logger.error('the server has mails that the ledger had not: copied again', {
      mailboxId,
      code: 'accounting.assigned-again',
      count: assignedAgain,
    });
  }
}

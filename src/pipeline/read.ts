/**
 * Step 2, read: copied mails become reports, or a verdict.
 *
 * It may be repeated: a mail is claimed with a lease, its reports are inserted by their place in the mail, and the mail
 * is settled in the same transaction. One poisonous mail is quarantined by itself; the others of its batch go on.
 */

import type { Sql } from '../ledger/ledger.ts';
import type { JobAnswer } from '../queue/queue.ts';
import {
  type ClaimedMail,
  claimBatch,
  findOriginal,
  insertReports,
  lockContents,
  type NewReport,
  releaseMails,
  settleMail,
} from '../records/records.ts';
import { asFailure } from '../shared/failure.ts';
import { newId } from '../shared/ids.ts';
import type { Courier } from './pipeline.ts';
import { type MailReading, readMail } from './read-mail.ts';
import { isPracticeForwarding } from './recipient.ts';

/** Reads one batch. Never throws for a mail's sake; throws when the ledger or the keys cannot be reached. */
export async function readBatch(courier: Courier, batchId: string): Promise<JobAnswer> {
  const leaseToken = newId();
  const mails = await claimBatch(courier.ledger, batchId, leaseToken);
  if (mails.length === 0) return { kind: 'done' };
  try {
    const readings: MailReading[] = [];
    for (const mail of mails) readings.push(await readMail(courier, mail));
    const added = await courier.ledger.transaction((tx) => record(tx, leaseToken, readings));
    courier.mark('read-committed');
    logReadings(courier, mails, readings);
    await addDeliverJobs(courier, added);
    return { kind: 'done' };
  } catch (thrown) {
    await releaseMails(courier.ledger, leaseToken).catch(() => {});
    throw thrown;
  }
}

async function record(tx: Sql, leaseToken: string, readings: readonly MailReading[]): Promise<string[]> {
  const reports = readings.flatMap((reading) => reading.reports);
  await lockContents(
    tx,
    reports.map((report) => report.contentDigest).filter((digest) => digest !== null),
  );
  const added: string[] = [];
  for (const reading of readings) {
    if (!(await settleMail(tx, reading.mailId, leaseToken, { verdict: reading.verdict, reason: null }))) continue;
    for (const report of reading.reports) {
      const settled = await withOriginal(tx, await withPracticeState(tx, report));
      const inserted = await insertReports(tx, [settled]);
      if (settled.state === 'ready') added.push(...inserted);
    }
  }
  return added;
}

// A practice that switched forwarding off (it may share the mailbox with one that did not) receives nothing.
async function withPracticeState(tx: Sql, report: NewReport): Promise<NewReport> {
  if (report.state !== 'ready' || report.practiceId === null || (await isPracticeForwarding(tx, report.practiceId)))
    return report;
  return { ...report, state: 'discarded', reason: 'practice.disabled', content: null };
}

/** duplicate: the same content is forwarded or on its way. Where it is held, this one joins the hold. */
async function withOriginal(tx: Sql, report: NewReport): Promise<NewReport> {
  if (report.state !== 'ready' || report.practiceId === null || report.contentDigest === null) return report;
  const original = await findOriginal(tx, report.practiceId, report.contentDigest);
  if (original === null) return report;
  const joined = { ...report, content: null, originalId: original.deliveryId };
  return original.state === 'held'
    ? { ...joined, state: 'held', reason: original.reason }
    : { ...joined, state: 'duplicate' };
}

function logReadings(courier: Courier, mails: readonly ClaimedMail[], readings: readonly MailReading[]): void {
  for (const [index, reading] of readings.entries()) {
    const mailboxId = mails[index]?.mailboxId;
    courier.logger.info('mail read', {
      mailId: reading.mailId,
      ...(mailboxId == null ? {} : { mailboxId }),
      state: reading.verdict ?? reading.reports.map((report) => report.state).join(' '),
      count: reading.reports.length,
    });
  }
}

async function addDeliverJobs(courier: Courier, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await courier.queue
    .add(ids.map((id) => ({ kind: 'deliver', id, generation: 1 })))
    .catch((thrown) =>
      courier.logger.warn('deliveries wait for the sweeper', { count: ids.length, code: asFailure(thrown).code }),
    );
}

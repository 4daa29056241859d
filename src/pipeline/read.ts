/**
 * Step 2, read: copied mails become reports, or a verdict.
 *
 * It may be repeated: a mail is claimed with a lease, its reports are inserted by their place in the mail, and the mail
 * is settled in the same transaction. Large mails and those whose reading did not end before are claimed one at a time,
 * after the others were recorded: one poisonous mail is quarantined by itself, and the others of its batch go on.
 */

import type { JobAnswer } from '../queue/queue.ts';
import {
  type ClaimedMail,
  type ClaimedMails,
  claimMails,
  leaveMails,
  releaseMails,
  renewMails,
} from '../records/records.ts';
import { asFailure } from '../shared/failure.ts';
import { type MailId, newId } from '../shared/ids.ts';
import type { Courier } from './pipeline.ts';
import { knownOfBatch, type MailReading, READ_HERE_MAX_BYTES, readMail } from './read-mail.ts';
import { tellSettled } from './receipts.ts';
import { NOT_OURS, recordReadings, type Settled } from './record-readings.ts';
import { together } from './together.ts';

/** A third of the lease: a mail that takes long must not make the claim another's. */
const RENEW_LEASE_MS = 10_000;
/** Two minutes: while the ledger is away there is nothing else to read either. */
const GIVE_BACK_TRIES = 240;
const GIVE_BACK_WAIT_MS = 500;
/** Batches in one round: most of a mailbox's mail comes alone, and so has a batch for itself. */
const BATCHES_MOST = 50;

/**
 * Reads batches: those that are asked for while others are being read are read together. `lanes`: rounds at once. Never
 * throws for a mail's sake; throws when the ledger or the keys cannot be reached.
 */
export function batchReader(courier: Courier, lanes: number): (batchId: string) => Promise<JobAnswer> {
  return together(
    async (batchIds: readonly string[]) => {
      await readBatches(courier, batchIds);
      return batchIds.map(() => ({ kind: 'done' }) as const);
    },
    { most: BATCHES_MOST, lanes },
  );
}

/** Reads all mails of these batches. Throws as `batchReader` does. */
export async function readBatches(courier: Courier, batchIds: readonly string[]): Promise<void> {
  for (;;) {
    const leaseToken = newId();
    const { mails, areAll } = await claimed(courier, batchIds, leaseToken);
    if (mails.length === 0) return;
    const areRead = await readClaimed(courier, mails, leaseToken);
    if (areAll && areRead) return;
  }
}

// The claim may have been made although its answer was lost.
async function claimed(courier: Courier, batchIds: readonly string[], leaseToken: string): Promise<ClaimedMails> {
  try {
    return await claimMails(courier.ledger, batchIds, leaseToken, READ_HERE_MAX_BYTES);
  } catch (thrown) {
    await giveBack(courier, leaseToken);
    throw thrown;
  }
}

// Tried until the ledger is back: a claim that is never given back looks like a reading that never ended, and at the third
// such an innocent mail would be taken for a poisonous one.
async function giveBack({ ledger, clock }: Courier, leaseToken: string, ended: readonly MailId[] = []): Promise<void> {
  for (let tries = 0; tries < GIVE_BACK_TRIES; tries += 1) {
    const isBack = await releaseMails(ledger, leaseToken, ended).then(
      () => true,
      () => false,
    );
    if (isBack) return;
    await clock.wait(GIVE_BACK_WAIT_MS);
  }
}

/** Whether all of them were read to their end, and recorded. */
async function readClaimed(courier: Courier, mails: readonly ClaimedMail[], leaseToken: string): Promise<boolean> {
  const readings: MailReading[] = [];
  const renew = () => void renewMails(courier.ledger, leaseToken).catch(() => {});
  const stopRenewing = courier.clock.every(RENEW_LEASE_MS, renew);
  try {
    const digestKeys = await courier.keys.digestKeys();
    const known = await knownOfBatch(courier, mails, digestKeys);
    for (const mail of mails) {
      const reading = await readMail(courier, mail, known);
      if (reading !== 'stopped') readings.push(reading);
    }
    const settled: Settled = new Map();
    const { added, answered, notOurs } = await recordReadings(courier, { leaseToken, digestKeys, settled }, readings);
    courier.mark('read-committed');
    for (const mail of settled.values()) courier.meter.read(mail);
    logReadings(courier, mails, readings);
    tellSettled(courier, answered);
    if (notOurs > 0) courier.logger.warn('receipts for nothing of ours', { count: notOurs, code: NOT_OURS });
    await addDeliverJobs(courier, added);
    courier.mark('deliveries-added');
    if (readings.length === mails.length) return settled.size === mails.length;
    await leaveMails(courier.ledger, leaseToken);
    return false;
  } catch (thrown) {
    await giveBack(
      courier,
      leaseToken,
      readings.map(({ mailId }) => mailId),
    );
    if (asFailure(thrown).code !== 'keys.rotated-meanwhile') throw thrown;
    courier.logger.info('digest keys were rotated: reading again', { count: mails.length });
    return false;
  } finally {
    stopRenewing();
  }
}

function logReadings(courier: Courier, mails: readonly ClaimedMail[], readings: readonly MailReading[]): void {
  for (const reading of readings) {
    const mailboxId = mails.find(({ id }) => id === reading.mailId)?.mailboxId;
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

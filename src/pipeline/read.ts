/**
 * Step 2, read: copied mails become reports, or a verdict.
 *
 * It may be repeated: a mail is claimed with a lease, its reports are inserted by their place in the mail, and the mail
 * is settled in the same transaction. Large mails and those whose reading did not end before are claimed one at a time,
 * after the others were recorded: one poisonous mail is quarantined by itself, and the others of its batch go on.
 */

import { type AuditEntry, appendAudit } from '../audit/audit.ts';
import type { DigestKeys } from '../keys/keys.ts';
import type { Sql } from '../ledger/ledger.ts';
import type { JobAnswer } from '../queue/queue.ts';
import {
  type ClaimedMail,
  claimBatch,
  contentDigestsOf,
  eraseMails,
  findOriginals,
  insertPlaced,
  leaveMails,
  lockContents,
  lockRegistrations,
  type MatchedReceipt,
  matchReceipts,
  type NewReport,
  type Original,
  releaseMails,
  renewMails,
  reportPlaces,
  type SettledRegistration,
  settleMails,
  uncountReadings,
} from '../records/records.ts';
import { asFailure } from '../shared/failure.ts';
import { type MailId, newId } from '../shared/ids.ts';
import type { ReasonCode } from '../shared/reasons.ts';
import type { Courier } from './pipeline.ts';
import { knownOfBatch, type MailReading, quarantinedMail, READ_HERE_MAX_BYTES, readMail } from './read-mail.ts';
import { ownAccount, recordReceipts, tellSettled } from './receipts.ts';
import { type ReceivingPractice, receivingPractice } from './recipient.ts';

/** A third of the lease: a mail that takes long must not make the claim another's. */
const RENEW_LEASE_MS = 10_000;
/** Two minutes: while the ledger is away there is nothing else to read either. */
const GIVE_BACK_TRIES = 240;
const GIVE_BACK_WAIT_MS = 500;
/** A receipt, but for no mail that we ever made. */
const NOT_OURS: ReasonCode = 'receipt.not-ours';

/** Reads one batch. Never throws for a mail's sake; throws when the ledger or the keys cannot be reached. */
export async function readBatch(courier: Courier, batchId: string): Promise<JobAnswer> {
  for (;;) {
    const leaseToken = newId();
    const mails = await claimed(courier, batchId, leaseToken);
    if (mails.length === 0) return { kind: 'done' };
    await readClaimed(courier, mails, leaseToken);
  }
}

// The claim may have been made although its answer was lost.
async function claimed(courier: Courier, batchId: string, leaseToken: string): Promise<readonly ClaimedMail[]> {
  try {
    return await claimBatch(courier.ledger, batchId, leaseToken, READ_HERE_MAX_BYTES);
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

async function readClaimed(courier: Courier, mails: readonly ClaimedMail[], leaseToken: string): Promise<void> {
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
    const { added, answered, notOurs } = await recordAll(courier, { leaseToken, digestKeys, settled }, readings);
    courier.mark('read-committed');
    for (const mail of settled.values()) courier.meter.read(mail);
    logReadings(courier, mails, readings);
    tellSettled(courier, answered);
    if (notOurs > 0) courier.logger.warn('receipts for nothing of ours', { count: notOurs, code: NOT_OURS });
    await addDeliverJobs(courier, added);
    courier.mark('deliveries-added');
    if (readings.length < mails.length) await leaveMails(courier.ledger, leaseToken);
  } catch (thrown) {
    await giveBack(
      courier,
      leaseToken,
      readings.map(({ mailId }) => mailId),
    );
    if (asFailure(thrown).code !== 'keys.rotated-meanwhile') throw thrown;
    courier.logger.info('digest keys were rotated: reading again', { count: mails.length });
  } finally {
    stopRenewing();
  }
}

/** Under which claim, and with which digest keys, mails were read. */
interface Claim {
  readonly leaseToken: string;
  readonly digestKeys: DigestKeys;
  /** Filled as they are recorded. */
  readonly settled: Settled;
}

/** What recording added: deliveries to make, and what receipts made of registrations. */
interface Recorded {
  readonly added: readonly string[];
  readonly answered: readonly SettledRegistration[];
  /** Receipts for nothing that we ever made. */
  readonly notOurs: number;
}

/** What became of each mail that was ours; a mail that is recorded anew takes its own place. */
type Settled = Map<MailId, { readonly verdict: MailReading['verdict']; readonly reports: readonly NewReport[] }>;

/** Together where it can be; one by one where the ledger refuses something of one of them, which is then quarantined. */
async function recordAll(courier: Courier, claim: Claim, readings: readonly MailReading[]): Promise<Recorded> {
  try {
    return await courier.ledger.transaction((tx) => record(courier, tx, claim, readings));
  } catch (thrown) {
    if (asFailure(thrown).code !== 'ledger.refused') throw thrown;
    const [only, ...others] = readings;
    if (only === undefined) return { added: [], answered: [], notOurs: 0 };
    if (others.length === 0) return recordRefused(courier, claim, only, thrown);
    const all: Recorded[] = [];
    for (const reading of readings) all.push(await recordAll(courier, claim, [reading]));
    return {
      added: all.flatMap(({ added }) => added),
      answered: all.flatMap(({ answered }) => answered),
      notOurs: all.reduce((sum, { notOurs }) => sum + notOurs, 0),
    };
  }
}

async function recordRefused(courier: Courier, claim: Claim, reading: MailReading, thrown: unknown): Promise<Recorded> {
  courier.logger.error('the ledger refused a mail', { mailId: reading.mailId }, thrown);
  const kept = quarantinedMail(reading, 'mail.reader-failed');
  return courier.ledger.transaction((tx) => record(courier, tx, claim, [kept]));
}

async function record(
  courier: Courier,
  tx: Sql,
  { leaseToken, digestKeys, settled: settledMails }: Claim,
  readings: readonly MailReading[],
): Promise<Recorded> {
  await courier.keys.guardDigests(tx, digestKeys);
  const all = readings.flatMap(({ reports }) => reports);
  await lockContents(tx, all.flatMap(contentDigestsOf));
  const receipts = await receiptsAmong(courier, tx, readings);
  const rows = readings.map(({ mailId, verdict, originalMailId = null }) => {
    const isNotOurs = verdict === 'receipt' && (receipts.get(mailId) ?? []).length === 0;
    return { mailId, verdict, reason: isNotOurs ? NOT_OURS : null, originalMailId };
  });
  const ours = await settleMails(tx, leaseToken, rows);
  // Another has them now. These readings came to their end and are not to be counted as ones that never did.
  await uncountReadings(
    tx,
    readings.map(({ mailId }) => mailId).filter((mailId) => !ours.has(mailId)),
  );
  const kept = readings.filter(({ mailId }) => ours.has(mailId));
  const settled = await settledReports(tx, kept);
  await insertPlaced(
    tx,
    settled.flatMap(({ placed }) => placed ?? []),
  );
  const answered: SettledRegistration[] = [];
  for (const { mailId } of kept) answered.push(...(await recordReceipts(tx, mailId, receipts.get(mailId) ?? [])));
  await eraseMails(tx, [...ours]);
  await appendAudit(
    tx,
    settled.flatMap(({ report }) => entriesOf(report)),
  );
  const byMail = Map.groupBy(settled, ({ report }) => report.mailId);
  for (const { mailId, verdict } of kept)
    settledMails.set(mailId, { verdict, reports: (byMail.get(mailId) ?? []).map(({ report }) => report) });
  return {
    added: settled.flatMap(({ placed }) => (placed?.state === 'ready' ? [placed.deliveryId] : [])),
    answered,
    notOurs: rows.filter(({ mailId, reason }) => reason !== null && ours.has(mailId)).length,
  };
}

// What the receipts in a batch say of mails of ours; the registrations they carry are locked for as long as it is recorded.
async function receiptsAmong(
  courier: Courier,
  tx: Sql,
  readings: readonly MailReading[],
): Promise<ReadonlyMap<MailId, readonly MatchedReceipt[]>> {
  const matched = new Map<MailId, readonly MatchedReceipt[]>();
  for (const { mailId, receipts = [] } of readings)
    if (receipts.length > 0) matched.set(mailId, await matchReceipts(tx, receipts, ownAccount(courier)));
  const ids = [...matched.values()].flat().map(({ registrationId }) => registrationId);
  await lockRegistrations(tx, [...new Set(ids)]);
  return matched;
}

interface SettledReport {
  readonly report: NewReport;
  /** In its place in the mail; null: it is there from an earlier reading. */
  readonly placed: NewReport | null;
}

/** The reports of these readings in order, each as it is once those before it are there. */
async function settledReports(tx: Sql, readings: readonly MailReading[]): Promise<readonly SettledReport[]> {
  const reports = await withPracticeStates(tx, readings);
  const originals = await findOriginals(
    tx,
    reports.map((report) => ({
      practiceId: report.practiceId ?? '',
      contentDigests: isComparable(report) ? contentDigestsOf(report) : [],
    })),
  );
  const places = await reportPlaces(
    tx,
    readings.map(({ mailId }) => mailId),
  );
  // What these readings themselves bring, by practice and content.
  const fresh = new Map<string, Original>();
  return reports.map((before, index) => {
    const same = `${before.practiceId} ${before.contentDigest?.toString('hex')}`;
    const report = withOriginal(before, originals[index] ?? fresh.get(same) ?? null);
    const placed = places.take(report);
    if (placed !== null && isOriginal(placed))
      fresh.set(same, { deliveryId: placed.deliveryId, state: placed.state, reason: placed.reason });
    return { report, placed };
  });
}

function isOriginal({ state, contentDigest, originalId }: NewReport): boolean {
  return (state === 'ready' || state === 'held') && contentDigest !== null && originalId === null;
}

function isComparable({ state, practiceId, contentDigest }: NewReport): boolean {
  return state === 'ready' && practiceId !== null && contentDigest !== null;
}

// That it was read, and what comes to rest here; what goes on is audited where it ends.
function entriesOf(report: NewReport): readonly AuditEntry[] {
  const { id, mailId, deliveryId, practiceId, patientKey, reason, state } = report;
  const participants = { mail: mailId, report: id, delivery: deliveryId };
  const about = { actor: 'worker', practiceId, patientKey, participants } as const;
  const read = { ...about, event: 'report.read', objectKind: 'report', objectId: id, fields: { state } } as const;
  if (state !== 'held' && state !== 'quarantined' && state !== 'discarded') return [read];
  const event = state === 'discarded' ? 'report.discarded' : 'report.held';
  return [read, { ...about, event, objectKind: 'delivery', objectId: deliveryId, reason }];
}

// A practice that switched forwarding off (it may share the mailbox with one that did not) receives nothing. What was
// copied before that waits as everything else of that practice does.
async function withPracticeStates(tx: Sql, readings: readonly MailReading[]): Promise<readonly NewReport[]> {
  const states = new Map<string, ReceivingPractice>();
  const reports: NewReport[] = [];
  for (const { copiedAt, reports: read } of readings) {
    for (const report of read) {
      const { practiceId } = report;
      if (report.state !== 'ready' || practiceId === null) {
        reports.push(report);
        continue;
      }
      const state = states.get(practiceId) ?? (await receivingPractice(tx, practiceId));
      states.set(practiceId, state);
      // Shredded: sealed a moment ago under a key that was destroyed since.
      if (state.isShredded) reports.push({ ...report, state: 'discarded', reason: 'practice.shredded', content: null });
      else if (state.wasForwarding(copiedAt)) reports.push(report);
      else reports.push({ ...report, state: 'discarded', reason: 'practice.disabled', content: null });
    }
  }
  return reports;
}

/** duplicate: the same content is forwarded or on its way. Where it is held, this one joins the hold. */
function withOriginal(report: NewReport, original: Original | null): NewReport {
  if (original === null || !isComparable(report)) return report;
  const joined = { ...report, content: null, originalId: original.deliveryId };
  return original.state === 'held'
    ? { ...joined, state: 'held', reason: original.reason }
    : { ...joined, state: 'duplicate' };
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

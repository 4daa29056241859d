/**
 * What mails were read as is recorded: many in one transaction, each only for the worker that claimed it.
 *
 * Where the ledger refuses something of one of them, each is recorded by itself, and the one that it refuses is quarantined.
 */

import { type AuditEntry, appendAudit } from '../audit/audit.ts';
import type { DigestKeys } from '../keys/keys.ts';
import type { Sql } from '../ledger/ledger.ts';
import {
  contentDigestsOf,
  eraseMails,
  findOriginals,
  insertPlaced,
  lockContents,
  lockRegistrations,
  type MatchedReceipt,
  matchReceipts,
  type NewReport,
  type Original,
  reportPlaces,
  type SettledRegistration,
  settleMails,
  uncountReadings,
} from '../records/records.ts';
import { asFailure } from '../shared/failure.ts';
import type { MailId } from '../shared/ids.ts';
import type { ReasonCode } from '../shared/reasons.ts';
import type { Courier } from './pipeline.ts';
import { type MailReading, quarantinedMail } from './read-mail.ts';
import { ownAccount, recordReceipts } from './receipts.ts';
import { receivingPractices } from './recipient.ts';

/** A receipt, but for no mail that we ever made. */
export const NOT_OURS: ReasonCode = 'receipt.not-ours';

/** Under which claim, and with which digest keys, mails were read. */
export interface Claim {
  readonly leaseToken: string;
  readonly digestKeys: DigestKeys;
  /** Filled as they are recorded. */
  readonly settled: Settled;
}

/** What recording added: deliveries to make, and what receipts made of registrations. */
export interface Recorded {
  readonly added: readonly string[];
  readonly answered: readonly SettledRegistration[];
  /** Receipts for nothing that we ever made. */
  readonly notOurs: number;
}

/** What became of each mail that was ours; a mail that is recorded anew takes its own place. */
export type Settled = Map<MailId, { readonly verdict: MailReading['verdict']; readonly reports: readonly NewReport[] }>;

/** Together where it can be; one by one where the ledger refuses something of one of them, which is then quarantined. */
export async function recordReadings(
  courier: Courier,
  claim: Claim,
  readings: readonly MailReading[],
): Promise<Recorded> {
  try {
    return await courier.ledger.transaction((tx) => record(courier, tx, claim, readings));
  } catch (thrown) {
    if (asFailure(thrown).code !== 'ledger.refused') throw thrown;
    const [only, ...others] = readings;
    if (only === undefined) return { added: [], answered: [], notOurs: 0 };
    if (others.length === 0) return recordRefused(courier, claim, only, thrown);
    const all: Recorded[] = [];
    for (const reading of readings) all.push(await recordReadings(courier, claim, [reading]));
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
  const answered: SettledRegistration[] = [];
  for (const { mailId } of kept) answered.push(...(await recordReceipts(tx, mailId, receipts.get(mailId) ?? [])));
  // Done in this order, since a connection does what it is sent one after the other; sent together.
  await Promise.all([
    insertPlaced(
      tx,
      settled.flatMap(({ placed }) => placed ?? []),
    ),
    eraseMails(tx, [...ours]),
    appendAudit(
      tx,
      settled.flatMap(({ report }) => entriesOf(report)),
    ),
  ]);
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
  // Reads, of which each needs nothing of the others: sent together.
  const read = readings.flatMap(({ reports }) => reports);
  const [reports, originals, places] = await Promise.all([
    withPracticeStates(tx, readings),
    findOriginals(
      tx,
      read.map((report) => ({
        practiceId: report.practiceId ?? '',
        contentDigests: isComparable(report) ? contentDigestsOf(report) : [],
      })),
    ),
    reportPlaces(
      tx,
      readings.map(({ mailId }) => mailId),
    ),
  ]);
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
  const goesOn = ({ state, practiceId }: NewReport) => state === 'ready' && practiceId !== null;
  const all = readings.flatMap(({ copiedAt, reports }) => reports.map((report) => ({ copiedAt, report })));
  const practiceIds = all.flatMap(({ report }) => (goesOn(report) ? (report.practiceId ?? []) : []));
  if (practiceIds.length === 0) return all.map(({ report }) => report);
  const practice = await receivingPractices(tx, [...new Set(practiceIds)]);
  return all.map(({ copiedAt, report }): NewReport => {
    if (!goesOn(report) || report.practiceId === null) return report;
    const { isShredded, wasForwarding } = practice(report.practiceId);
    // Shredded: sealed a moment ago under a key that was destroyed since.
    if (isShredded) return { ...report, state: 'discarded', reason: 'practice.shredded', content: null };
    return wasForwarding(copiedAt)
      ? report
      : { ...report, state: 'discarded', reason: 'practice.disabled', content: null };
  });
}

/** duplicate: the same content is forwarded or on its way. Where it is held, this one joins the hold. */
function withOriginal(report: NewReport, original: Original | null): NewReport {
  if (original === null || !isComparable(report)) return report;
  const joined = { ...report, content: null, originalId: original.deliveryId };
  return original.state === 'held'
    ? { ...joined, state: 'held', reason: original.reason }
    : { ...joined, state: 'duplicate' };
}

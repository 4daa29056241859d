/**
 * One copied mail, opened and understood: what to record of it. Straight lines; nothing is written here.
 *
 * Its first claim reads in this process, or in a thread where it is large. The second claim, of a mail whose reading
 * began and did not end, reads in a thread, whatever its size. The third quarantines it unread. So what can hang or
 * exhaust a reader costs two time limits at most, and what takes a whole process down does so once.
 */

import type { DigestKeys } from '../keys/keys.ts';
import type { LabReport, PayloadReading } from '../lab/lab.ts';
import { type MailFailed, type MailRead, type MailStopped, readHere, readReturnedHere } from '../reading/reading.ts';
import {
  type ClaimedMail,
  earliestDate,
  findOriginalMails,
  type NewReport,
  registrationNamed,
  type SaidReceipt,
} from '../records/records.ts';
import { amsterdamIso } from '../shared/amsterdam.ts';
import { asFailure } from '../shared/failure.ts';
import { type DeliveryId, type MailId, newId, type ReportId } from '../shared/ids.ts';
import type { ReasonCode } from '../shared/reasons.ts';
import { attachmentsOf, mailOwner, sealReport } from './content.ts';
import { contentDigests, patientKey, referenceDigests, referenceNameDigests } from './digests.ts';
import type { Courier } from './pipeline.ts';
import { ownAccount, sightingOf } from './receipts.ts';
import { type Candidates, candidatesOf, practiceAmong } from './recipient.ts';

export interface MailReading {
  readonly mailId: MailId;
  readonly copiedAt: Date;
  /** not-lab, duplicate, receipt: the bytes are erased with the verdict. null: its reports say what became of it. */
  readonly verdict: 'not-lab' | 'duplicate' | 'receipt' | null;
  /** duplicate: the mail of the same bytes. */
  readonly originalMailId?: MailId;
  /** receipt: what it says about mails that may be ours. */
  readonly receipts?: readonly SaidReceipt[];
  readonly reports: readonly NewReport[];
}

/** A larger mail is read in a thread, claimed by itself. A MEDLAB is a few kB; what is above this has documents. */
export const READ_HERE_MAX_BYTES = 1_000_000;
/** A mail whose reading began this often without an end is not begun again. */
const READ_ATTEMPTS_MAX = 2;

/** What is asked of the ledger once for all mails of a batch. */
export interface KnownOfBatch {
  /** The live ones, to be guarded where what is read is recorded. */
  readonly digestKeys: DigestKeys;
  /** Of mails whose bytes came before in the same mailbox. */
  readonly originals: ReadonlyMap<MailId, MailId>;
  /** The practices that what comes through this mailbox may be for. */
  readonly candidates: Candidates;
}

export async function knownOfBatch(
  courier: Courier,
  mails: readonly ClaimedMail[],
  digestKeys: DigestKeys,
): Promise<KnownOfBatch> {
  const digested: { readonly id: MailId; readonly digests: readonly Buffer[] }[] = [];
  for (const mail of mails) {
    if (mail.content === null || mail.readAttempts > READ_ATTEMPTS_MAX || mail.purpose === 'return') continue;
    // One at a time and opened again where it is read: of a whole batch only ciphertext is in memory.
    const raw = await opened(courier, mail, mail.content, false);
    if (raw !== null) digested.push({ id: mail.id, digests: digestKeys.of(raw) });
  }
  const [originals, candidates] = await Promise.all([
    findOriginalMails(courier.ledger, digested),
    candidatesOf(
      courier.ledger,
      mails.map(({ mailboxId }) => mailboxId),
    ),
  ]);
  return { digestKeys, originals, candidates };
}

/** `stopped`: the reading was ended before it had an answer, and the mail waits for its next claim. */
export async function readMail(
  courier: Courier,
  mail: ClaimedMail,
  known: KnownOfBatch,
): Promise<MailReading | 'stopped'> {
  if (mail.content === null) return wholeMail(mail, 'mail.too-large');
  if (mail.readAttempts > READ_ATTEMPTS_MAX) return wholeMail(mail, 'mail.poisonous');
  const raw = await opened(courier, mail, mail.content);
  if (raw === null) return wholeMail(mail, 'ledger.cannot-decrypt');
  if (mail.purpose === 'return') return returnedMail(courier, mail, raw);
  const originalMailId = known.originals.get(mail.id);
  if (originalMailId !== undefined)
    return { mailId: mail.id, copiedAt: mail.copiedAt, verdict: 'duplicate', originalMailId, reports: [] };
  const understood = await understand(courier, mail, raw);
  if (understood === 'stopped') return 'stopped';
  if (understood.kind === 'failed') return wholeMail(mail, 'mail.reader-failed');
  const reports: NewReport[] = [];
  for (const [index, reading] of understood.readings.entries())
    reports.push(...(await reportsOf(courier, { mail, raw, read: understood, known }, reading, index + 1)));
  const read = { mailId: mail.id, copiedAt: mail.copiedAt, reports };
  if (reports.length > 0) return { ...read, verdict: null };
  const receipts = await sightingOf(courier, mail.mailboxId, raw);
  return receipts.length === 0 ? { ...read, verdict: 'not-lab' } : { ...read, verdict: 'receipt', receipts };
}

// What is no receipt is kept for a person; only what a machine answered goes.
async function returnedMail(courier: Courier, mail: ClaimedMail, raw: Buffer): Promise<MailReading | 'stopped'> {
  const read = isReadInThread(mail) ? await courier.reading.readReturned(raw) : await readReturnedHere(raw);
  if (read.kind === 'stopped') return stopped(courier, mail, read);
  if (read.kind === 'failed') {
    courier.logger.error('the reader failed on a mail', { mailId: mail.id }, read.failure);
    return wholeMail(mail, 'mail.reader-failed');
  }
  const { reading } = read;
  const about = { mailId: mail.id, copiedAt: mail.copiedAt, reports: [] };
  if (reading.kind === 'none') return { ...about, verdict: 'not-lab' };
  if (reading.kind === 'receipts') return { ...about, verdict: 'receipt', receipts: reading.receipts };
  return wholeMail(
    mail,
    reading.code,
    await registrationNamed(courier.ledger, reading.references, ownAccount(courier)),
  );
}

/** null: it cannot be decrypted, which is said where the mail is read. */
async function opened(courier: Courier, mail: ClaimedMail, sealed: Buffer, isSaid = true): Promise<Buffer | null> {
  try {
    return await courier.keys.open({ table: 'mail', rowId: mail.id, owner: mailOwner(mail.mailboxId) }, sealed);
  } catch (thrown) {
    const failure = asFailure(thrown);
    if (failure.code !== 'keys.cannot-open') throw failure;
    if (isSaid) courier.logger.error('mail cannot be decrypted', { mailId: mail.id }, failure);
    return null;
  }
}

async function understand(
  courier: Courier,
  mail: ClaimedMail,
  raw: Buffer,
): Promise<MailRead | MailFailed | 'stopped'> {
  // A replayed file may be a bare .edi or .hl7.
  const fileName = mail.mailboxId === null ? 'replay' : null;
  const read = isReadInThread(mail)
    ? await courier.reading.read(raw, fileName)
    : await readHere(raw, fileName, courier.registry);
  const { id: mailId } = mail;
  if (read.kind === 'stopped') return stopped(courier, mail, read);
  if (read.kind === 'failed') courier.logger.error('the reader failed on a mail', { mailId }, read.failure);
  else for (const failure of read.defects) courier.logger.error('the reader failed on a payload', { mailId }, failure);
  return read;
}

function isReadInThread({ readAttempts, bytes }: ClaimedMail): boolean {
  return readAttempts > 1 || bytes > READ_HERE_MAX_BYTES;
}

function stopped({ logger }: Courier, { id: mailId, readAttempts: attempt }: ClaimedMail, { by }: MailStopped) {
  logger.error('the reading of a mail was stopped', { mailId, attempt, code: `reading.stopped-by-${by}` });
  return 'stopped' as const;
}

interface OpenedMail {
  readonly mail: ClaimedMail;
  readonly raw: Buffer;
  readonly read: MailRead;
  readonly known: KnownOfBatch;
}

async function reportsOf(
  courier: Courier,
  opened: OpenedMail,
  reading: PayloadReading,
  payloadOrdinal: number,
): Promise<NewReport[]> {
  if (reading.outcome === 'not-lab') return [];
  if (reading.outcome === 'quarantined') return [quarantined(opened.mail, reading, payloadOrdinal)];
  return Promise.all(
    reading.reports.map((report, index) =>
      newReport(courier, opened, { reading, report, payloadOrdinal, reportOrdinal: index + 1 }),
    ),
  );
}

interface PlacedReport {
  readonly reading: PayloadReading;
  readonly report: LabReport;
  readonly payloadOrdinal: number;
  readonly reportOrdinal: number;
}

async function newReport(courier: Courier, opened: OpenedMail, placed: PlacedReport): Promise<NewReport> {
  const { mail, read, known } = opened;
  const { digestKeys } = known;
  const { report, reading } = placed;
  const id = newId<ReportId>();
  const candidates = known.candidates(mail.mailboxId);
  const whose = practiceAmong(candidates, mail.mailboxId, report, read.recipientAccounts);
  const version = report.sentAt ?? (await arrivalOf(courier, opened));
  const practiceId = whose.kind === 'practice' ? whose.practiceId : null;
  const common = {
    ...blank(mail, placed.payloadOrdinal, placed.reportOrdinal),
    id,
    kind: 'report' as const,
    format: reading.format,
    laboratory: report.laboratory,
    sender: report.laboratory === null ? (report.sender.zorgmail ?? report.sender.name) : null,
    version,
    isCorrected: report.specimens.some((specimen) => specimen.results.some((result) => result.status === 'corrected')),
  };
  if (practiceId === null) return { ...common, state: 'held', reason: whose.kind === 'held' ? whose.code : null };
  const [contentDigest = null, ...olderContentDigests] = contentDigests(digestKeys, report, version);
  const [referenceDigest = null] = referenceDigests(digestKeys, report, placed.reportOrdinal);
  const [referenceNameDigest = null] = referenceNameDigests(digestKeys, report, reading.format);
  const sealed = await sealReport(courier.keys, id, practiceId, {
    report,
    attachments: attachmentsOf(read, report),
  }).catch(asShredded);
  return {
    ...common,
    practiceId,
    patientKey: await patientKey(courier.keys, report),
    contentDigest,
    olderContentDigests,
    referenceDigest,
    referenceNameDigest,
    content: sealed,
    ...(sealed === null ? ({ state: 'discarded', reason: 'practice.shredded' } as const) : {}),
  };
}

// Nothing may be kept for a practice whose keys were destroyed: what of its mail was still to be read goes too.
function asShredded(thrown: unknown): null {
  if (asFailure(thrown).code === 'keys.owner-shredded') return null;
  throw thrown;
}

// The earliest INTERNALDATE of these bytes: the same mail in a mailbox that was moved is no newer for it.
async function arrivalOf(courier: Courier, { mail, raw, known }: OpenedMail): Promise<string> {
  const earliest = mail.digest === null ? null : await earliestDate(courier.ledger, known.digestKeys.of(raw));
  return amsterdamIso(earliest ?? mail.internalDate ?? courier.clock.now());
}

function quarantined(mail: ClaimedMail, reading: PayloadReading, payloadOrdinal: number): NewReport {
  const { position } = reading;
  const detail =
    position === null
      ? null
      : `${position.tag} ${position.segment}${position.element === undefined ? '' : `/${position.element}`}`;
  return {
    ...blank(mail, payloadOrdinal, 0),
    format: reading.format,
    state: 'quarantined',
    reason: reading.code,
    detail,
  };
}

function wholeMail(mail: ClaimedMail, code: ReasonCode, detail: string | null = null): MailReading {
  return quarantinedMail({ mailId: mail.id, copiedAt: mail.copiedAt }, code, detail);
}

/** The mail as a whole, kept for a person. */
export function quarantinedMail(
  mail: Pick<MailReading, 'mailId' | 'copiedAt'>,
  code: ReasonCode,
  detail: string | null = null,
): MailReading {
  const report = { ...blank({ id: mail.mailId }, 0, 0), state: 'quarantined', reason: code, detail } as const;
  return { mailId: mail.mailId, copiedAt: mail.copiedAt, verdict: null, reports: [report] };
}

function blank(mail: Pick<ClaimedMail, 'id'>, payloadOrdinal: number, reportOrdinal: number): NewReport {
  return {
    id: newId<ReportId>(),
    deliveryId: newId<DeliveryId>(),
    mailId: mail.id,
    practiceId: null,
    kind: 'payload',
    payloadOrdinal,
    reportOrdinal,
    format: 'unknown',
    laboratory: null,
    sender: null,
    patientKey: null,
    contentDigest: null,
    referenceDigest: null,
    version: null,
    isCorrected: false,
    content: null,
    state: 'ready',
    reason: null,
    detail: null,
    originalId: null,
  };
}

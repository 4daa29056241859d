/** Unwrapped, read, and its documents at hand: the same lines in this process and in a thread. */

import { type LaboratoryRegistry, type PayloadReading, readMailContents, readPayloadAttachments } from '../lab/lab.ts';
import { type MailContents, openFile, readableMail, unwrapMail } from '../mail/mail.ts';
import { readReceipt } from '../receipt/receipt.ts';
import { asFailure, type Failure } from '../shared/failure.ts';
import type { MailFailed, MailRead, MailShown, ReturnedRead } from './reading.ts';

/** Reads in this process, without a limit. Never throws. */
export async function readHere(
  raw: Buffer,
  fileName: string | null,
  registry: LaboratoryRegistry,
): Promise<MailRead | MailFailed> {
  try {
    const contents = fileName === null ? await unwrapMail(raw) : await openFile(raw, fileName);
    const defects: Failure[] = [];
    const readings = readMailContents(contents, registry, (failure) => defects.push(failure));
    const { recipientAccounts } = contents;
    return { kind: 'read', recipientAccounts, readings, documents: documentsOf(contents, readings), defects };
  } catch (thrown) {
    return { kind: 'failed', failure: asFailure(thrown, 'reading.reader-failed') };
  }
}

/** Reads a mail of a return mailbox in this process, without a limit. Never throws. */
export async function readReturnedHere(raw: Buffer): Promise<ReturnedRead | MailFailed> {
  try {
    return { kind: 'returned', reading: await readReceipt(raw) };
  } catch (thrown) {
    return { kind: 'failed', failure: asFailure(thrown, 'reading.reader-failed') };
  }
}

/** Opens a mail for a person in this process, without a limit. Never throws. */
export async function showHere(raw: Buffer): Promise<MailShown | MailFailed> {
  try {
    return { kind: 'shown', mail: await readableMail(raw) };
  } catch (thrown) {
    return { kind: 'failed', failure: asFailure(thrown, 'reading.reader-failed') };
  }
}

function documentsOf(contents: MailContents, readings: readonly PayloadReading[]): MailRead['documents'] {
  const named = readings.flatMap(({ reports }) => reports).flatMap(({ attachments }) => attachments);
  const wanted = new Set(named.map(({ sha256 }) => sha256));
  if (wanted.size === 0) return new Map();
  const found = contents.payloads.flatMap((payload) => [...readPayloadAttachments(payload)]);
  return new Map(found.filter(([sha256]) => wanted.has(sha256)));
}

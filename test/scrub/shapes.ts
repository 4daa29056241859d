/** What scrubbing must leave as it was: the shape of the bytes, and what a reader says that is about nobody. */

import { readDocument } from '../../src/commands/inspect.ts';
import { type LabReport, type LabResult, loadLaboratoryRegistry, type PayloadReading } from '../../src/lab/lab.ts';
import { openFile } from '../../src/mail/mail.ts';
import { scrubFile } from '../../src/scrub/scrub.ts';

const registry = loadLaboratoryRegistry();

export async function scrubbed(bytes: Buffer, fileName: string, seed = 'seed'): Promise<Buffer> {
  const result = await scrubFile(bytes, fileName, seed);
  if (result.kind === 'refused') throw new Error(`${fileName}: ${result.code}`);
  return result.bytes;
}

/** Letters, digits and everything else, each as one of its kind: delimiters, line ends and lengths are left. */
export function outline(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replace(/[a-z]/g, 'a')
    .replace(/[A-Z]/g, 'A')
    .replace(/[1-9]/g, '0')
    .replace(/[\xc0-\xde]/g, '\xc0')
    .replace(/[\xe0-\xfe]/g, '\xe0')
    .replace(/[\x80-\xbf]/g, '\x80');
}

/** Everything of the readings but who, when and which number; of a text its length. */
export async function readingShape(bytes: Buffer, fileName: string): Promise<unknown> {
  const { payloads } = await readDocument(bytes, fileName, registry);
  return payloads.map(({ source, format, outcome, code, position, warnings, reports }) => ({
    ...{ source, format, outcome, code, position, warnings },
    reports: reports.map(reportShape),
  }));
}

function reportShape(report: LabReport) {
  const { patient, specimens, holds, isTest, laboratory, copy, notCarried, attachments, comments } = report;
  return {
    ...{ holds, isTest, laboratory, notCarried },
    has: [report.sentAt, report.references.interchange, report.requester.name, copy?.direction].map(
      (one) => one != null,
    ),
    patient: [patient.sex, patient.isBsnValid, patient.birthDate?.length, patient.name.prefix, patient.otherIds.length],
    attachments: attachments.length,
    comments: comments.map(lengthOf),
    specimens: specimens.map(({ material, isComplete, collectedAt, labNumber, remarks, results, pending }) => ({
      ...{ material, isComplete, pending: pending.map(({ name }) => name), remarks: remarks.map(lengthOf) },
      has: [collectedAt?.length, labNumber?.length],
      results: results.map(resultShape),
    })),
  };
}

function resultShape({ kind, name, code, value, unit, unitUcum, range, flag, status, remarks, section }: LabResult) {
  return {
    ...{ kind, name, section, code, unit, unitUcum, flag, status },
    value: [value.number, value.comparator, value.number === null ? lengthOf(value.text) : value.text],
    range: [range.low, range.high],
    remarks: remarks.map(lengthOf),
  };
}

const lengthOf = (text: string | null) => text?.length ?? null;

// Prefixes and what an institution is called whoever's it is.
const NOT_A_NAME = /^(?:van|den?|der|ter|het|dr|huisarts|huisartsenpraktijk|praktijk)$/i;

/** What the readings say of who it is about: found without the help of what scrubs. */
export async function identityOf(bytes: Buffer, fileName: string): Promise<readonly string[]> {
  const { payloads } = await readDocument(bytes, fileName, registry);
  return [...new Set(payloads.flatMap((payload: PayloadReading) => payload.reports.flatMap(identifying)))];
}

function identifying({ patient, requester, specimens, recipient, references }: LabReport): readonly string[] {
  const { family, partnerFamily, given } = patient.name;
  const names = [family, partnerFamily, given, requester.name].flatMap((name) => name?.split(/[^\p{L}]+/u) ?? []);
  const { bsn, birthDate } = patient;
  const born =
    birthDate?.length === 10 ? [birthDate, birthDate.replaceAll('-', ':'), birthDate.replaceAll('-', '')] : [];
  const numbers = [
    ...[bsn, references.interchange, requester.code, recipient.agb],
    ...patient.otherIds.map(({ value }) => value),
    ...specimens.map(({ labNumber }) => labNumber),
  ];
  return [
    ...names.filter((name) => name.length > 2 && !NOT_A_NAME.test(name)),
    ...numbers.flatMap((number) => (number !== null && number.length >= 5 ? [number] : [])),
    ...born,
  ];
}

/** The bytes as they stand, and decoded as our mail reader and its payloads have them. */
export async function viewsOf(bytes: Buffer, fileName: string): Promise<readonly string[]> {
  const { payloads } = await openFile(bytes, fileName);
  const all = [bytes, ...payloads.map((payload) => payload.bytes)];
  return all.flatMap((one) => [one.toString('latin1'), one.toString('utf8')]);
}

/** Which of these stand in one of the views as a word or a number of their own. */
export function foundIn(views: readonly string[], identity: readonly string[]): readonly string[] {
  return identity.filter((text) => {
    const escaped = text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const pattern = new RegExp(`(?<![\\p{L}\\d])${escaped}(?![\\p{L}\\d])`, 'u');
    return views.some((view) => pattern.test(view));
  });
}

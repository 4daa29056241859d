/**
 * Keyed digests by which the ledger compares what it cannot read (reliability: deduplication on four levels). Where keys
 * rotate there is one under each live key, the newest key's first: that one is written, all are looked up.
 */

import type { DigestKeys, Keys } from '../keys/keys.ts';
import { type LaboratoryRegistry, type LabReport, laboratoryOfSender, type PayloadFormat } from '../lab/lab.ts';

/** One patient at a time: a keyed hash of the BSN. Null without a BSN. */
export async function patientKey(keys: Keys, report: LabReport): Promise<Buffer | null> {
  return report.patient.bsn === null ? null : keys.mac('patient', report.patient.bsn);
}

/**
 * The clinical content and its version. The version is part of it: a value that was corrected and corrected back is a
 * third message, not a repetition of the first. References are not: the same content sent again under a new number
 * at the same moment is the same.
 */
export function contentDigests(keys: DigestKeys, report: LabReport, version: string): readonly Buffer[] {
  const { laboratory, sender, patient, specimens, comments, attachments, copy, requester } = report;
  const clinical = {
    laboratory,
    sender: sender.zorgmail ?? sender.name,
    patient,
    specimens,
    comments,
    attachments,
    copy,
    requester,
    version,
  };
  return keys.of(`content|${JSON.stringify(clinical)}`);
}

/** Laboratory, moment, references and the report's place in its message: the same with other content is a conflict. */
export function referenceDigests(keys: DigestKeys, report: LabReport, reportOrdinal: number): readonly Buffer[] {
  const { interchange, message: unh } = report.references;
  if (report.sentAt === null || (interchange === null && unh === null)) return [];
  const parts = [
    report.laboratory ?? report.sender.zorgmail ?? report.sender.name,
    report.sentAt,
    interchange,
    unh,
    reportOrdinal,
  ];
  return keys.of(`reference|${JSON.stringify(parts)}`);
}

/** The same without the moment, of a payload of EDIFACT: a laboratory that uses a reference again does so at another moment. */
export function referenceNameDigests(keys: DigestKeys, report: LabReport, format: string): readonly Buffer[] {
  if (!EDIFACT.has(format) || referenceDigests(keys, report, 1).length === 0) return [];
  const { interchange, message } = report.references;
  const laboratory = report.laboratory ?? report.sender.zorgmail ?? report.sender.name;
  return keys.of(`reference-name|${JSON.stringify([laboratory, interchange, message])}`);
}

const EDIFACT: ReadonlySet<string> = new Set<PayloadFormat>(['medlab-1', 'medrpt-3.2']);

/**
 * The references of a report that was stored: its place in the message was perhaps another than its row's (what was read
 * differently the second time stands in the next free place), so it is the one that gives the digest of the row.
 */
export function storedReferenceDigests(
  keys: DigestKeys,
  report: LabReport,
  row: { readonly referenceDigest: Buffer | null; readonly reportOrdinal: number },
): readonly Buffer[] {
  const { referenceDigest, reportOrdinal } = row;
  if (referenceDigest === null) return [];
  for (let ordinal = reportOrdinal; ordinal > 0; ordinal -= 1) {
    const digests = referenceDigests(keys, report, ordinal);
    if (digests.some((digest) => digest.equals(referenceDigest))) return digests;
  }
  return [referenceDigest];
}

/**
 * A name under which a laboratory's numbers and results are remembered. A laboratory that enters the registry gets another
 * one, and what was delivered before is still found under the former.
 */
export interface LaboratoryName {
  /** Of its numbers. */
  readonly laboratory: string | null;
  /** What its results' keys may begin with; empty: as the report has them. */
  readonly inKeys: readonly string[];
}

/** The name that this report has for its laboratory, and then the one that another report may have had, if there is one. */
export function laboratoryNames(report: LabReport, registry: LaboratoryRegistry): readonly LaboratoryName[] {
  const { laboratory, sender } = report;
  const account = sender.zorgmail ?? sender.name;
  const own = { laboratory: laboratory ?? account, inKeys: [] };
  if (laboratory === null) {
    const id = laboratoryOfSender(registry, sender)?.id;
    return id === undefined ? [own] : [own, { laboratory: id, inKeys: [id] }];
  }
  if (account === null) return [own];
  // A message of EDIFACT without an account has nothing there, and the institution's name for its numbers.
  return [own, { laboratory: account, inKeys: sender.zorgmail === null ? [account, ''] : [account] }];
}

/**
 * The laboratory's numbers in this report, each with the laboratory it belongs to: under the report's own name for it, and
 * under the other. Under the key of the card's identifiers, which never rotates: what results are called on the card hangs
 * on them for as long as corrections can come.
 */
export async function labNumberDigests(
  keys: Keys,
  report: LabReport,
  registry: LaboratoryRegistry,
): Promise<LabNumbers> {
  const texts = report.specimens.flatMap(({ labNumber }) =>
    labNumber === null || labNumber === '' ? [] : [labNumber],
  );
  const numbers = [...new Set(texts)];
  const [own = [], other = []] = await Promise.all(
    laboratoryNames(report, registry).map((name) =>
      Promise.all(numbers.map((number) => labNumberDigest(keys, name, number))),
    ),
  );
  return { own, other, all: [...own, ...other] };
}

export interface LabNumbers {
  readonly own: readonly Buffer[];
  readonly other: readonly Buffer[];
  readonly all: readonly Buffer[];
}

export function labNumberDigest(keys: Keys, { laboratory }: LaboratoryName, number: string): Promise<Buffer> {
  return keys.mac('card', `lab-number|${JSON.stringify([laboratory, number])}`);
}

/** Whose the lab numbers are: the patient, and where there is no BSN the card that a person named. */
export async function numberOwner(keys: Keys, key: Buffer | null, cardId: string): Promise<Buffer> {
  return key ?? keys.mac('patient', `card|${cardId}`);
}

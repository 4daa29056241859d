/**
 * Keyed digests by which the ledger compares what it cannot read (reliability: deduplication on four levels). Where keys
 * rotate there is one under each live key, the newest key's first: that one is written, all are looked up.
 */

import type { DigestKeys, Keys } from '../keys/keys.ts';
import type { LabReport } from '../lab/lab.ts';

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

/**
 * The same of a report that was stored: its place in the message was perhaps another than its row's (what was read
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
 * The laboratory's numbers in this report, each with the laboratory it belongs to. Under the key of the card's identifiers,
 * which never rotates: what results are called on the card hangs on them for as long as corrections can come.
 */
export async function labNumberDigests(keys: Keys, report: LabReport): Promise<readonly Buffer[]> {
  const numbers = new Set(
    report.specimens.flatMap(({ labNumber }) => (labNumber === null || labNumber === '' ? [] : [labNumber])),
  );
  return Promise.all([...numbers].map((number) => labNumberDigest(keys, report, number)));
}

export function labNumberDigest(keys: Keys, report: LabReport, number: string): Promise<Buffer> {
  const laboratory = report.laboratory ?? report.sender.zorgmail ?? report.sender.name;
  return keys.mac('card', `lab-number|${JSON.stringify([laboratory, number])}`);
}

/** Whose the lab numbers are: the patient, and where there is no BSN the card that a person named. */
export async function numberOwner(keys: Keys, key: Buffer | null, cardId: string): Promise<Buffer> {
  return key ?? keys.mac('patient', `card|${cardId}`);
}

/** Keyed digests by which the ledger compares what it cannot read (reliability: deduplication on four levels). */

import type { Keys } from '../keys/keys.ts';
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
export async function contentDigest(keys: Keys, report: LabReport, version: string): Promise<Buffer> {
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
  return keys.mac('digest', `content|${JSON.stringify(clinical)}`);
}

/** Laboratory, moment, references and the report's place in its message: the same with other content is a conflict. */
export async function referenceDigest(keys: Keys, report: LabReport, reportOrdinal: number): Promise<Buffer | null> {
  const { interchange, message: unh } = report.references;
  if (report.sentAt === null || (interchange === null && unh === null)) return null;
  const parts = [
    report.laboratory ?? report.sender.zorgmail ?? report.sender.name,
    report.sentAt,
    interchange,
    unh,
    reportOrdinal,
  ];
  return keys.mac('digest', `reference|${JSON.stringify(parts)}`);
}

/** The laboratory's numbers in this report, each with the laboratory it belongs to. */
export async function labNumberDigests(keys: Keys, report: LabReport): Promise<readonly Buffer[]> {
  const laboratory = report.laboratory ?? report.sender.zorgmail ?? report.sender.name;
  const numbers = new Set(
    report.specimens.map((specimen) => specimen.labNumber).filter((number) => number !== null && number !== ''),
  );
  return Promise.all(
    [...numbers].map((number) => keys.mac('digest', `lab-number|${JSON.stringify([laboratory, number])}`)),
  );
}

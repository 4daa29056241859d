/** A report's content as the ledger keeps it: JSON under the practice's key, documents included. */

import type { ReportContent } from '../delivery/patient-card/patient-card.ts';
import type { KeyOwner, Keys } from '../keys/keys.ts';
import type { LabReport } from '../lab/lab.ts';
import type { MailRead } from '../reading/reading.ts';

type Documents = ReportContent['attachments'];

export interface StoredReport {
  readonly report: LabReport;
  readonly attachments: Documents;
}

/** Files that a developer replays belong to no mailbox. */
export function mailOwner(mailboxId: string | null): KeyOwner {
  return mailboxId === null ? { purpose: 'replay', id: null } : { purpose: 'mailbox', id: mailboxId };
}

/** The documents of a mail that this report names, by their digest. */
export function attachmentsOf({ documents }: MailRead, report: LabReport): Documents {
  const wanted = new Set(report.attachments.map((attachment) => attachment.sha256));
  return new Map([...documents].filter(([sha256]) => wanted.has(sha256)));
}

export async function sealReport(
  keys: Keys,
  reportId: string,
  practiceId: string,
  stored: StoredReport,
): Promise<Buffer> {
  const attachments = [...stored.attachments].map(([sha256, { contentType, bytes }]) => ({
    sha256,
    contentType,
    base64: bytes.toString('base64'),
  }));
  const plain = Buffer.from(JSON.stringify({ version: 1, report: stored.report, attachments }));
  return keys.seal({ table: 'report', rowId: reportId, owner: { purpose: 'practice', id: practiceId } }, plain);
}

export async function openReport(
  keys: Keys,
  reportId: string,
  practiceId: string,
  sealed: Buffer,
): Promise<StoredReport> {
  const plain = await keys.open(
    { table: 'report', rowId: reportId, owner: { purpose: 'practice', id: practiceId } },
    sealed,
  );
  const stored = JSON.parse(plain.toString()) as {
    report: LabReport;
    attachments: { sha256: string; contentType: string; base64: string }[];
  };
  const documents = stored.attachments.map(
    ({ sha256, contentType, base64 }) => [sha256, { contentType, bytes: Buffer.from(base64, 'base64') }] as const,
  );
  return { report: stored.report, attachments: new Map(documents) };
}

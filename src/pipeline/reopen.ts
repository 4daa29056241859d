/** What is held, opened for a person who must decide: the report as stored, or the mail read again. */

import { type LaboratoryRegistry, type PayloadReading, readMailContents } from '../lab/lab.ts';
import { openFile, unwrapMail } from '../mail/mail.ts';
import { type HeldItem, mailContent, reportContent } from '../records/records.ts';
import { Failure } from '../shared/failure.ts';
import { mailOwner, openReport } from './content.ts';
import type { Courier } from './pipeline.ts';
import type { ReplaySource } from './replay.ts';

export async function reopenContent(
  courier: Pick<Courier, 'ledger' | 'keys'> & { readonly registry: LaboratoryRegistry },
  item: HeldItem,
): Promise<readonly PayloadReading[]> {
  if (item.practiceId !== null && item.kind === 'report') {
    const sealed = await reportContent(courier.ledger, item.reportId);
    if (sealed === null) throw erased(item);
    const { report } = await openReport(courier.keys, item.reportId, item.practiceId, sealed);
    return [
      {
        source: 'ledger',
        format: 'unknown',
        outcome: 'reports',
        code: null,
        position: null,
        warnings: [],
        reports: [report],
      },
    ];
  }
  const mail = await mailContent(courier.ledger, item.mailId);
  if (mail?.content == null) throw erased(item);
  const raw = await courier.keys.open(
    { table: 'mail', rowId: mail.id, owner: mailOwner(mail.mailboxId) },
    mail.content,
  );
  const contents = mail.mailboxId === null ? await openFile(raw, 'replay') : await unwrapMail(raw);
  const readings = readMailContents(contents, courier.registry);
  return readings.filter((_, index) => item.payloadOrdinal === 0 || index + 1 === item.payloadOrdinal);
}

export type OpenedMail =
  | { readonly kind: 'mail'; readonly source: ReplaySource }
  /** null: it was never copied, being too large. */
  | { readonly kind: 'erased'; readonly erasedAt: Date | null }
  | { readonly kind: 'unknown' };

/** A mail that the ledger still holds, for replaying. */
export async function openMail(courier: Pick<Courier, 'ledger' | 'keys' | 'clock'>, id: string): Promise<OpenedMail> {
  const mail = await mailContent(courier.ledger, id);
  if (mail === null) return { kind: 'unknown' };
  if (mail.content === null) return { kind: 'erased', erasedAt: mail.erasedAt };
  const raw = await courier.keys.open(
    { table: 'mail', rowId: mail.id, owner: mailOwner(mail.mailboxId) },
    mail.content,
  );
  const mails = [{ raw, internalDate: mail.internalDate ?? courier.clock.now() }];
  return { kind: 'mail', source: { mailboxId: mail.mailboxId, mails } };
}

function erased(item: HeldItem): Failure {
  return new Failure('pipeline.content-erased', { kind: 'permanent', fields: { delivery: item.deliveryId } });
}

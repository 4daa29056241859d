/** What is held, opened for a person who must decide: the report as stored, or the mail read again. */

import type { PayloadReading } from '../lab/lab.ts';
import type { ReadableMail } from '../mail/mail.ts';
import { type HeldItem, mailContent, reportContent } from '../records/records.ts';
import { Failure } from '../shared/failure.ts';
import { mailOwner, openReport } from './content.ts';
import type { Courier } from './pipeline.ts';
import type { ReplaySource } from './replay.ts';

export async function reopenContent(
  courier: Pick<Courier, 'ledger' | 'keys' | 'reading'>,
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
  const { raw, mailboxId } = await bytesOf(courier, item);
  // What waits here is what readers had trouble with: a person who looks at it must get an answer.
  const read = await courier.reading.read(raw, mailboxId === null ? 'replay' : null);
  if (read.kind === 'failed') throw read.failure;
  if (read.kind === 'stopped') throw unreadable(item, `reading.stopped-by-${read.by}`);
  return read.readings.filter((_, index) => item.payloadOrdinal === 0 || index + 1 === item.payloadOrdinal);
}

/** The mail of a held item as a person reads it: for the return mailbox, where people may have written. */
export async function reopenMail(
  courier: Pick<Courier, 'ledger' | 'keys' | 'reading'>,
  item: HeldItem,
): Promise<ReadableMail> {
  const shown = await courier.reading.show((await bytesOf(courier, item)).raw);
  if (shown.kind === 'failed') throw shown.failure;
  if (shown.kind === 'stopped') throw unreadable(item, `reading.stopped-by-${shown.by}`);
  return shown.mail;
}

async function bytesOf({ ledger, keys }: Pick<Courier, 'ledger' | 'keys'>, item: HeldItem) {
  const mail = await mailContent(ledger, item.mailId);
  if (mail?.content == null) throw erased(item);
  const { id: rowId, mailboxId } = mail;
  const raw = await keys.open({ table: 'mail', rowId, owner: mailOwner(mailboxId) }, mail.content);
  return { raw, mailboxId };
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

function unreadable(item: HeldItem, code: string): Failure {
  return new Failure(code, { kind: 'permanent', fields: { delivery: item.deliveryId } });
}

function erased(item: HeldItem): Failure {
  return new Failure('pipeline.content-erased', { kind: 'permanent', fields: { delivery: item.deliveryId } });
}

/**
 * Replay: the same pipeline for files of a developer, for mails that the ledger still holds, and for mails that are still
 * in a practice's mailbox (patients newly followed). Replayed mails are outside the mailbox accounting; what was
 * delivered before is a duplicate, so replaying twice changes nothing.
 */

import { appendAudit } from '../audit/audit.ts';
import type { CopiedMail } from '../mailbox/mailbox.ts';
import { mailboxAccount, mailboxesOf } from '../practice/practice.ts';
import { areAtRest, insertBatch, insertReplayed, openDeliveriesOf, type ReplayedMail } from '../records/records.ts';
import { amsterdamDay } from '../shared/amsterdam.ts';
import { asFailure } from '../shared/failure.ts';
import { type BatchId, type MailboxId, type MailId, newId } from '../shared/ids.ts';
import { mailOwner } from './content.ts';
import { deliver } from './deliver.ts';
import type { Courier } from './pipeline.ts';
import { readBatches } from './read.ts';

const SETTLE_LOOK_MS = 200;

export interface ReplaySource {
  /** null: a file, which is only ever delivered to a sandbox. */
  readonly mailboxId: MailboxId | null;
  readonly mails: readonly { readonly raw: Buffer; readonly internalDate: Date }[];
}

/** Mails that are still in a mailbox, with the uids by which a person finds them. */
export interface StillThere extends ReplaySource {
  readonly mailboxId: MailboxId;
  readonly mailbox: string;
  readonly mails: readonly CopiedMail[];
  /** Uids of mails over the size limit: not fetched. */
  readonly oversized: readonly number[];
}

/** The batch, and the mails' ids in the order given. */
export interface Replayed {
  readonly batchId: BatchId;
  readonly mailIds: readonly MailId[];
}

/** Puts mails into the pipeline. */
export async function replayMails(courier: Courier, source: ReplaySource, actor: string): Promise<Replayed> {
  const batchId = newId<BatchId>();
  const rows = await Promise.all(source.mails.map((mail) => sealed(courier, source.mailboxId, mail)));
  await courier.ledger.transaction(async (tx) => {
    await insertBatch(tx, batchId, source.mailboxId);
    await insertReplayed(tx, { batchId, mailboxId: source.mailboxId }, rows);
    await appendAudit(tx, [
      { event: 'mail.replayed', actor, objectKind: 'batch', objectId: batchId, fields: { mails: rows.length } },
    ]);
  });
  await courier.queue
    .add([{ kind: 'read', id: batchId, generation: 1 }])
    .catch((thrown) => courier.logger.warn('replay waits for the sweeper', { batchId, code: asFailure(thrown).code }));
  return { batchId, mailIds: rows.map((row) => row.id) };
}

async function sealed(
  courier: Courier,
  mailboxId: MailboxId | null,
  mail: ReplaySource['mails'][number],
): Promise<ReplayedMail> {
  const id = newId<MailId>();
  return {
    id,
    internalDate: mail.internalDate,
    day: amsterdamDay(mail.internalDate),
    bytes: mail.raw.length,
    digest: await courier.keys.mac('digest', mail.raw),
    content: await courier.keys.seal({ table: 'mail', rowId: id, owner: mailOwner(mailboxId) }, mail.raw),
  };
}

/**
 * Walks replayed mails to their rest in this process, beside whatever workers do: every step claims its rows. What must
 * wait longer than the deadline is left to the workers. Returns whether all are at rest.
 */
export async function settleReplayed(courier: Courier, replayed: Replayed, deadlineMs: number): Promise<boolean> {
  const endsAt = courier.clock.now().getTime() + deadlineMs;
  for (;;) {
    // A worker may have claimed the batch, or any of the deliveries, before us: then it is waited for.
    await readBatches(courier, [replayed.batchId]);
    const open = await openDeliveriesOf(courier.ledger, replayed.mailIds);
    for (const id of open) await deliver(courier, { kind: 'deliver', id, generation: 0, attempt: 1 });
    if (await areAtRest(courier.ledger, replayed.mailIds)) return true;
    if (courier.clock.now().getTime() >= endsAt) return false;
    await courier.clock.wait(SETTLE_LOOK_MS);
  }
}

/** Mails of a practice's mailboxes from a moment on, that are still there: read-only, at most `most` per mailbox at a time. */
export async function* mailsStillThere(courier: Courier, practiceId: string, since: Date): AsyncGenerator<StillThere> {
  for (const mailbox of await mailboxesOf(courier.ledger, practiceId)) {
    const connection = await courier.openMailbox(await mailboxAccount(courier.ledger, courier.keys, mailbox.id));
    try {
      const { uidNext } = await connection.status();
      const uids = (await connection.listSince(since, uidNext)).map((mail) => mail.uid);
      for (let from = 0; from < uids.length; from += 50) {
        const fetched = await connection.fetch(uids.slice(from, from + 50), courier.limits.mailMaxBytes);
        const oversized = fetched.oversized.map((mail) => mail.uid);
        yield { mailboxId: mailbox.id, mailbox: mailbox.name, mails: fetched.mails, oversized };
      }
    } finally {
      await connection.release();
    }
  }
}

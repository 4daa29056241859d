/**
 * `zorgkoerier reconcile [--settled] [--repair] [--json]`: closes the books of every watched mailbox. Per mailbox and day
 * the rows add up, every uid has its row, and the server (looked at read-only) holds nothing that the ledger does not
 * know. Exit 3 on a difference, or where a server could not be compared; with --settled also when anything waits.
 */

import type { Office } from '../compose.ts';
import { type Comparison, compareWithServer, repair } from '../pipeline/pipeline.ts';
import { mailboxAccount, watchedMailboxes } from '../practice/practice.ts';
import { accountingOf, dailyAccounting, totalOf, uidGaps } from '../records/records.ts';
import { amsterdamDay } from '../shared/amsterdam.ts';
import { systemClock } from '../shared/clock.ts';
import { asFailure } from '../shared/failure.ts';
import { type Io, UsageError } from './io.ts';
import { withOffice } from './office.ts';
import { type Books, isInOrder, type ServerAnswer, showBooks } from './reconcile-show.ts';

export interface ReconcileOptions {
  readonly settled: boolean;
  readonly repair: boolean;
  readonly days: string;
  readonly json: boolean;
  readonly by: string;
}

const DAY_MS = 24 * 3_600_000;

export async function runReconcile(io: Io, options: ReconcileOptions): Promise<number> {
  const days = Number(options.days);
  if (!Number.isInteger(days) || days < 1 || days > 3_660) throw new UsageError('--days: a number of days is expected');
  return withOffice(io, async (office, config) => {
    const books = await booksOf(io, office, days, options);
    const total = totalOf(books);
    const doesAddUp = books.every(isInOrder);
    const document = {
      at: systemClock.now().toISOString(),
      doesAddUp,
      waiting: total.waiting,
      total,
      mailboxes: books,
    };
    io.out(options.json ? JSON.stringify(document) : showBooks(books, config.language));
    if (!doesAddUp) return 3;
    return options.settled && total.waiting > 0 ? 3 : 0;
  });
}

async function booksOf(io: Io, office: Office, days: number, options: ReconcileOptions): Promise<readonly Books[]> {
  const firstDay = amsterdamDay(new Date(systemClock.now().getTime() - (days - 1) * DAY_MS));
  // The server first, then the rows: what is copied in between is in both.
  const servers = await askServers(io, office, options);
  const [accounting, gaps, daily] = await Promise.all([
    accountingOf(office.ledger),
    uidGaps(office.ledger, null),
    dailyAccounting(office.ledger, firstDay),
  ]);
  return accounting.map((mailbox) => {
    const gap = gaps.find(({ mailboxId }) => mailboxId === mailbox.mailboxId);
    return {
      ...mailbox,
      uidsWithoutRow: gap?.uidsWithoutRow ?? 0,
      rowsWithoutUid: gap?.rowsWithoutUid ?? 0,
      days: daily
        .filter(({ mailboxId }) => mailboxId === mailbox.mailboxId)
        .map(({ mailboxId: _mailboxId, ...day }) => day),
      server: servers.get(mailbox.mailboxId) ?? { kind: 'not-watched' },
    };
  });
}

async function askServers(
  io: Io,
  office: Office,
  options: ReconcileOptions,
): Promise<ReadonlyMap<string, ServerAnswer>> {
  const answers = new Map<string, ServerAnswer>();
  const watched = await watchedMailboxes(office.ledger);
  for (const [index, { id, name }] of watched.entries()) {
    io.progress(`${index + 1}/${watched.length} ${name}`);
    answers.set(id, await askServer(office, id, options));
  }
  return answers;
}

// One mailbox that cannot be reached must not hide the books of the others.
async function askServer(office: Office, mailboxId: string, options: ReconcileOptions): Promise<ServerAnswer> {
  try {
    const connection = await office.openMailbox(await mailboxAccount(office.ledger, office.keys, mailboxId));
    try {
      const comparison = await compareWithServer(office, mailboxId, connection);
      const assignedAgain = options.repair ? await repair(office, mailboxId, comparison, options.by) : 0;
      return answerOf(comparison, assignedAgain);
    } finally {
      await connection.release();
    }
  } catch (thrown) {
    return { kind: 'not-compared', code: asFailure(thrown).code };
  }
}

function answerOf(comparison: Comparison, assignedAgain: number): ServerAnswer {
  if (comparison.kind === 'not-watched') return { kind: 'not-watched' };
  if (comparison.kind !== 'compared') return { kind: 'not-compared', code: 'mailbox.renumbered' };
  const { present, unrecorded, returned } = comparison;
  return { kind: 'compared', present, unrecorded: unrecorded.length, returned: returned.length, assignedAgain };
}

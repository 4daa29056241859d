/**
 * One mailbox that this worker reads. A visit asks the server; where its numbers are those of the last visit and nothing is
 * to be done by the ledger, it ends there, without a statement: of thousands of mailboxes nearly all are quiet.
 */

import {
  type LoginGate,
  type MailboxConnection,
  type MailboxStatus,
  type MailboxWatch,
  watchMailbox,
} from '../mailbox/mailbox.ts';
import { type Epoch, mailboxAccount, type OwnedMailbox, recordTrouble } from '../practice/practice.ts';
import type { MailboxId, WorkerId } from '../shared/ids.ts';
import { copyMailbox } from './copy.ts';
import type { Courier } from './pipeline.ts';
import { dailyReconcile } from './reconcile.ts';

/** Beyond the longest poll interval, no good visit for this long: the connection is closed and opened anew. */
const WATCHDOG_MS = 5 * 60_000;

/**
 * After mail came, the mailbox is looked at once more before it is listened to again. Mail comes in bursts, and a server that
 * puts a connection that listens to sleep can lose a hint in that moment (seen with Dovecot’s imap-hibernate: two mails of a
 * burst were announced only by the next poll). It sleeps a second after the listening begins, and to wake it costs it more
 * than the mail did: so this is waited for awake.
 */
const SECOND_LOOK_MS = 800;

export interface Whose {
  readonly workerId: WorkerId;
  readonly mailbox: OwnedMailbox;
  readonly logins: LoginGate;
  readonly onLost: () => void;
  /** It was looked at, and nothing had changed; nothing was written. */
  readonly onQuiet: (id: MailboxId) => void;
  /** Aborted when the worker stops. */
  readonly ending: AbortSignal;
}

export interface OneWatch {
  /** Visits soon, and whatever the server says asks the ledger too: something is to be copied there, or the epoch is another. */
  visitWhole(): void;
  release(): Promise<void>;
}

/** Throws where the account cannot be read: its password is under a key that is gone, say. */
export async function watchOne(courier: Courier, whose: Whose): Promise<OneWatch> {
  const { mailbox, workerId, logins, ending } = whose;
  const account = await mailboxAccount(courier.ledger, courier.keys, mailbox.id);
  const owner = { mailboxId: mailbox.id, workerId, epoch: mailbox.ownerEpoch };
  const reconcile = await dailyReconcile(courier, mailbox.id);
  const trouble = troubleOf(courier, mailbox.id);
  const books = newBooks();
  /** How many mails were there that were not known. */
  const look = async (connection: MailboxConnection, progress: () => void): Promise<number> => {
    const status = await connection.status();
    if (books.areClosed(status)) {
      whose.onQuiet(mailbox.id);
      return 0;
    }
    const close = books.begin(status);
    const visit = { asked: status, known: books.known(), progress };
    const { count, epoch } = await copyMailbox(courier, owner, connection, visit);
    close(epoch);
    if (count > 0) courier.logger.info('mails copied', { mailboxId: mailbox.id, count });
    return count;
  };
  const watch: MailboxWatch = watchMailbox({
    mailboxId: mailbox.id,
    account,
    open: courier.openMailbox,
    logins,
    visit: async (connection, progress) => {
      while ((await look(connection, progress)) > 0 && !ending.aborted)
        await courier.clock.wait(SECOND_LOOK_MS, ending);
      await reconcile(connection);
      await trouble.is(null);
    },
    onState: (state) => {
      if (state.kind === 'ownership-lost') whose.onLost();
      if (state.kind === 'visited' && state.wasUnannounced)
        courier.logger.info('mail was not announced', { mailboxId: mailbox.id });
      if (state.kind === 'waiting') void trouble.is(state.failure.code).catch(() => {});
    },
    clock: courier.clock,
    random: courier.random,
    logger: courier.logger,
    pollIntervalMs: courier.limits.pollIntervalMs,
    pollLongestMs: courier.limits.pollLongestMs,
    watchdogMs: WATCHDOG_MS + courier.limits.pollLongestMs,
  });
  return {
    visitWhole: () => {
      books.reopen();
      watch.wake();
    },
    release: watch.release,
  };
}

/** What the last whole visit dealt with: as long as the server says the same, everything below is in the ledger. */
function newBooks() {
  let dealtWith: MailboxStatus | null = null;
  let epoch: Epoch | null = null;
  // Counted, so that what is asked for during a visit is not forgotten at its end.
  let asked = 0;
  let done = -1;
  return {
    areClosed: ({ uidValidity, uidNext }: MailboxStatus) =>
      done === asked && dealtWith?.uidValidity === uidValidity && dealtWith.uidNext === uidNext,
    begin: (status: MailboxStatus) => {
      const answering = asked;
      return (reached: Epoch) => {
        dealtWith = status;
        epoch = reached;
        done = answering;
      };
    },
    /** What the last visit came to, where nobody asked for a whole one since. */
    known: () => (done === asked ? epoch : null),
    reopen: () => {
      asked += 1;
    },
  };
}

/** Written where it is another than before, and once at the beginning, since an earlier owner may have left one. */
function troubleOf({ ledger }: Courier, mailboxId: MailboxId) {
  let known: string | null | undefined;
  return {
    is: async (code: string | null): Promise<void> => {
      if (code === known) return;
      known = undefined;
      await recordTrouble(ledger, mailboxId, code);
      known = code;
    },
  };
}

/** The mailboxes that this worker reads now: one watch each, taken and let go as ownership and practices change. */

import { type MailboxWatch, watchMailbox } from '../mailbox/mailbox.ts';
import {
  claimMailboxes,
  dropMailboxes,
  mailboxAccount,
  mailboxesToDrop,
  type OwnedMailbox,
  recordTrouble,
} from '../practice/practice.ts';
import { asFailure } from '../shared/failure.ts';
import type { MailboxId, WorkerId } from '../shared/ids.ts';
import { copyMailbox } from './copy.ts';
import type { Courier } from './pipeline.ts';
import { dailyReconcile } from './reconcile.ts';

/** A worker that could not renew for this long closes its connections: takeover comes 10 s later. */
const STALE_MS = 20_000;
/** No good visit for this long: the connection is closed and opened anew. */
const WATCHDOG_MS = 5 * 60_000;

/**
 * After mail came, the mailbox is looked at once more without being asked. Mail comes in bursts, and a server that puts
 * an idle connection to sleep can lose a hint in that moment (seen with Dovecot’s imap-hibernate: two mails of a burst
 * were announced only by the next poll).
 */
const SECOND_LOOK_MS = 2_000;

export interface Watches {
  /** Takes free mailboxes, and drops those that are no longer watched. */
  refresh(): Promise<void>;
  /** The worker's row was renewed just now. */
  renewed(): void;
  /** Closes every connection when the last renewal is too long ago. */
  letGoIfStale(): Promise<void>;
  letGo(): Promise<void>;
  release(): Promise<void>;
}

export function watchOwned(courier: Courier, workerId: WorkerId): Watches {
  const watches = new Map<MailboxId, MailboxWatch>();
  // Not by the time of day: while that is set back, this worker would take itself for alive.
  let renewedAtMs = courier.clock.elapsedMs();
  const ending = new AbortController();
  let refreshing: Promise<void> = Promise.resolve();

  const letGo = async () => {
    const open = [...watches.values()];
    watches.clear();
    await Promise.all(open.map((watch) => watch.release()));
  };
  const drop = async (ids: readonly MailboxId[]) => {
    await Promise.all(ids.map((id) => watches.get(id)?.release()));
    for (const id of ids) watches.delete(id);
    await dropMailboxes(courier.ledger, workerId, ids);
  };
  // One mailbox that cannot be begun (its password cannot be opened) must not keep the others from being read.
  const begin = async (mailbox: OwnedMailbox) => {
    const whose = { workerId, mailbox, onLost: () => watches.delete(mailbox.id), ending: ending.signal };
    try {
      watches.set(mailbox.id, await watchOne(courier, whose));
    } catch (thrown) {
      const { code } = asFailure(thrown);
      courier.logger.error('mailbox cannot be read', { mailboxId: mailbox.id, code }, thrown);
      await recordTrouble(courier.ledger, mailbox.id, code);
      await dropMailboxes(courier.ledger, workerId, [mailbox.id]);
    }
  };
  const refreshOnce = async () => {
    if (ending.signal.aborted) return;
    await drop(await mailboxesToDrop(courier.ledger, workerId, [...watches.keys()]));
    const most = courier.limits.mailboxesMax - watches.size;
    const owned = await claimMailboxes(courier.ledger, workerId, most, [...watches.keys()]);
    for (const mailbox of owned) await begin(mailbox);
  };
  return {
    // One after the other: two refreshes at once would claim a mailbox twice.
    refresh: () => {
      refreshing = refreshing
        .then(refreshOnce)
        .catch((thrown) => courier.logger.warn('mailboxes could not be refreshed', { code: asFailure(thrown).code }));
      return refreshing;
    },
    renewed: () => {
      renewedAtMs = courier.clock.elapsedMs();
    },
    letGoIfStale: async () => {
      if (courier.clock.elapsedMs() - renewedAtMs >= STALE_MS) await letGo();
    },
    letGo,
    release: async () => {
      ending.abort();
      await refreshing;
      await letGo();
    },
  };
}

interface Whose {
  readonly workerId: WorkerId;
  readonly mailbox: OwnedMailbox;
  readonly onLost: () => void;
  /** Aborted when the worker stops. */
  readonly ending: AbortSignal;
}

async function watchOne(courier: Courier, { workerId, mailbox, onLost, ending }: Whose): Promise<MailboxWatch> {
  const account = await mailboxAccount(courier.ledger, courier.keys, mailbox.id);
  const owner = { mailboxId: mailbox.id, workerId, epoch: mailbox.ownerEpoch };
  const reconcile = await dailyReconcile(courier, mailbox.id);
  const watch: MailboxWatch = watchMailbox({
    mailboxId: mailbox.id,
    account,
    open: courier.openMailbox,
    visit: async (connection, progress) => {
      const copied = await copyMailbox(courier, owner, connection, progress);
      if (copied > 0) {
        courier.logger.info('mails copied', { mailboxId: mailbox.id, count: copied });
        void courier.clock.wait(SECOND_LOOK_MS, ending).then(() => watch.wake());
      }
      await reconcile(connection);
      await recordTrouble(courier.ledger, mailbox.id, null);
    },
    onState: (state) => {
      if (state.kind === 'ownership-lost') onLost();
      if (state.kind === 'waiting') void recordTrouble(courier.ledger, mailbox.id, state.failure.code).catch(() => {});
    },
    clock: courier.clock,
    random: courier.random,
    logger: courier.logger,
    pollIntervalMs: courier.limits.pollIntervalMs,
    watchdogMs: WATCHDOG_MS,
  });
  return watch;
}

/**
 * The mailboxes that this worker reads now: one watch each, taken and let go as ownership and practices change. Workers
 * share them evenly: one that has more than its share hands some over, a few at a time, each closed here before another
 * may open it there.
 */

import { ALIVE_SECONDS, fairShare, recordPolled, type Survey, surveyMailboxes } from '../practice/practice.ts';
import { asFailure } from '../shared/failure.ts';
import type { MailboxId, WorkerId } from '../shared/ids.ts';
import { newHoldings } from './holdings.ts';
import type { Courier } from './pipeline.ts';

/** A worker that could not renew for this long closes its connections: takeover comes 10 s later. */
const STALE_MS = 20_000;
/** So many more than its share a worker keeps: to move a mailbox costs a login, and so few cost nothing. */
const SLACK = 10;
/** Mailboxes handed over at once; the next ones only when these have an owner. */
const HAND_OVER_AT_ONCE = 200;

export interface Watches {
  /** Something was changed: takes free mailboxes, drops those that are no longer watched, follows new epochs. */
  refresh(): Promise<void>;
  /** The worker's row was renewed just now: does the same where the ledger says that something is different, and balances. */
  renewed(): Promise<void>;
  /** Closes every connection when the last renewal is too long ago. */
  letGoIfStale(): Promise<void>;
  letGo(): Promise<void>;
  release(): Promise<void>;
}

export function watchOwned(courier: Courier, workerId: WorkerId): Watches {
  const { ledger, limits, clock, logger } = courier;
  const polled = newPolled(courier, workerId);
  const ending = new AbortController();
  const holdings = newHoldings(courier, { workerId, onQuiet: polled.add, ending: ending.signal });
  // Not by the time of day: while that is set back, this worker would take itself for alive.
  let renewedAtMs = clock.elapsedMs();
  let mark: string | null = null;
  let freeBefore = 0;

  const balance = async (share: number) => {
    const excess = holdings.size() - share;
    if (excess <= SLACK) return;
    const count = Math.min(excess, HAND_OVER_AT_ONCE);
    await holdings.giveAway(count);
    logger.info('mailboxes handed over', { workerId, count });
  };
  const look = async (why: 'asked' | 'renewed') => {
    if (ending.signal.aborted) return;
    const survey = await surveyMailboxes(ledger, workerId, ALIVE_SECONDS);
    const isDifferent = why === 'asked' || survey.mark !== mark || survey.own !== holdings.size();
    const hasUnread = isDifferent && (await holdings.follow());
    mark = survey.mark;
    const free = survey.free - holdings.shunned.now().length;
    const share = shareOf(survey, limits.mailboxesMax);
    // What nobody took for two rounds is taken whatever the share: another worker may be alive and not able.
    const most = why === 'renewed' && free > 0 && freeBefore > 0 ? limits.mailboxesMax : share;
    if (free > 0 || hasUnread) await holdings.take(most - holdings.size());
    if (why !== 'renewed') return;
    if (free <= 0) await balance(share);
    freeBefore = free;
    await polled.record();
  };
  const looks = oneAtATime(look, (thrown) =>
    logger.warn('mailboxes could not be refreshed', { code: asFailure(thrown).code }),
  );
  return {
    refresh: () => {
      holdings.shunned.tryAll();
      return looks('asked');
    },
    renewed: () => {
      renewedAtMs = clock.elapsedMs();
      return looks('renewed');
    },
    letGoIfStale: async () => {
      if (clock.elapsedMs() - renewedAtMs >= STALE_MS) await holdings.letGo();
    },
    letGo: holdings.letGo,
    release: async () => {
      ending.abort();
      await looks('asked');
      await holdings.letGo();
    },
  };
}

// Where nobody renewed lately, not even we: whoever asks is the only one it knows of.
function shareOf({ watched, capacities }: Survey, own: number): number {
  return capacities.length === 0 ? own : fairShare(watched, capacities, own);
}

/** Mailboxes that were looked at and had nothing new: that is written down for many at a time. */
function newPolled({ ledger, clock }: Courier, workerId: WorkerId) {
  let ids = new Set<MailboxId>();
  let sinceMs = clock.elapsedMs();
  return {
    add: (id: MailboxId) => void ids.add(id),
    record: async () => {
      const seconds = Math.ceil((clock.elapsedMs() - sinceMs) / 1_000);
      const recorded = ids;
      ids = new Set();
      sinceMs = clock.elapsedMs();
      if (recorded.size > 0) await recordPolled(ledger, workerId, [...recorded], seconds);
    },
  };
}

/** Runs one after the other, and of those that wait only one of a kind: two at once would claim a mailbox twice. */
function oneAtATime<Kind>(run: (kind: Kind) => Promise<void>, complain: (thrown: unknown) => void) {
  const waiting = new Map<Kind, Promise<void>>();
  let last: Promise<void> = Promise.resolve();
  return (kind: Kind): Promise<void> => {
    const known = waiting.get(kind);
    if (known !== undefined) return known;
    last = last.then(() => {
      waiting.delete(kind);
      return run(kind).catch(complain);
    });
    waiting.set(kind, last);
    return last;
  };
}

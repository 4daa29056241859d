/** The mailboxes that one worker holds, each with its watch: begun when they are claimed, closed before they are another’s. */

import { type LoginGate, newLoginGate } from '../mailbox/mailbox.ts';
import { claimMailboxes, dropMailboxes, handOver, heldMailboxes, type OwnedMailbox } from '../practice/practice.ts';
import type { MailboxId, WorkerId } from '../shared/ids.ts';
import type { Courier } from './pipeline.ts';
import { newShunned, type Shunned } from './shunned.ts';
import { type OneWatch, watchOne } from './watch-one.ts';

/** Accounts read at once when many mailboxes are taken: fewer than the pool has connections to the ledger. */
const BEGIN_AT_ONCE = 10;

export interface Holdings {
  size(): number;
  readonly shunned: Shunned;
  /** What the ledger says of the mailboxes that are read here. Answers whether it knows of more as this worker's. */
  follow(): Promise<boolean>;
  /** Claims up to so many more, and begins to read them. */
  take(most: number): Promise<void>;
  /** Leaves so many to another worker. */
  giveAway(count: number): Promise<void>;
  /** Closes every connection, and writes nothing. */
  letGo(): Promise<void>;
}

interface Held {
  readonly watch: OneWatch;
  readonly ownerEpoch: number;
  epochId: string;
}

export interface HoldingsOptions {
  readonly workerId: WorkerId;
  readonly onQuiet: (id: MailboxId) => void;
  /** Aborted when the worker stops. */
  readonly ending: AbortSignal;
}

export function newHoldings(courier: Courier, { workerId, onQuiet, ending }: HoldingsOptions): Holdings {
  const { ledger, limits, clock } = courier;
  const held = new Map<MailboxId, Held>();
  const shunned = newShunned(courier);
  const logins: LoginGate = newLoginGate({ perSecond: limits.loginsPerSecond, atOnce: limits.loginsAtOnce }, clock);
  const close = async (ids: readonly MailboxId[]) => {
    await Promise.all(ids.map((id) => held.get(id)?.watch.release()));
    for (const id of ids) held.delete(id);
  };
  // One mailbox that cannot be begun must not keep the others from being read.
  const begin = async (mailbox: OwnedMailbox, epochId: string) => {
    const onLost = () => void held.delete(mailbox.id);
    try {
      const watch = await watchOne(courier, { workerId, mailbox, logins, onLost, onQuiet, ending });
      held.set(mailbox.id, { watch, ownerEpoch: mailbox.ownerEpoch, epochId });
      shunned.succeeded(mailbox.id);
    } catch (thrown) {
      await shunned.failed(mailbox.id, thrown);
      await dropMailboxes(ledger, workerId, [mailbox.id]);
    }
  };
  return {
    size: () => held.size,
    shunned,
    follow: async () => {
      const rows = new Map((await heldMailboxes(ledger, workerId)).map((row) => [row.id, row]));
      const isOurs = ([id, { ownerEpoch }]: readonly [MailboxId, Held]) => rows.get(id)?.ownerEpoch === ownerEpoch;
      const gone = [...held].filter((one) => !isOurs(one)).map(([id]) => id);
      await close(gone);
      await dropMailboxes(ledger, workerId, gone);
      for (const [id, one] of held) {
        const row = rows.get(id);
        if (row === undefined || (row.epochId === one.epochId && !row.hasAssigned)) continue;
        one.epochId = row.epochId;
        one.watch.visitWhole();
      }
      return rows.size > held.size;
    },
    take: async (most) => {
      if (most <= 0) return;
      const owned = await claimMailboxes(ledger, workerId, most, [...held.keys()], shunned.now());
      if (owned.length === 0) return;
      // After the claim: where an epoch changes later, the next look notices.
      const epochs = new Map((await heldMailboxes(ledger, workerId)).map((row) => [row.id, row.epochId]));
      await inLanes(BEGIN_AT_ONCE, owned, (mailbox) => begin(mailbox, epochs.get(mailbox.id) ?? ''));
    },
    giveAway: async (count) => {
      const ids = [...held.keys()].slice(0, count);
      await close(ids);
      await handOver(ledger, workerId, ids);
    },
    letGo: async () => {
      const open = [...held.values()];
      held.clear();
      await Promise.all(open.map(({ watch }) => watch.release()));
    },
  };
}

async function inLanes<Item>(lanes: number, items: readonly Item[], act: (item: Item) => Promise<void>): Promise<void> {
  const rest = items.values();
  const lane = async () => {
    for (const item of rest) await act(item);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

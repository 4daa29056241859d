/**
 * Mailboxes that this worker could not begin to read, since its keys do not open their passwords. Others may; so they are
 * left to them, and tried again later and later, or as soon as anything was changed.
 */

import { recordTrouble } from '../practice/practice.ts';
import { asFailure } from '../shared/failure.ts';
import type { MailboxId } from '../shared/ids.ts';
import type { Courier } from './pipeline.ts';

const FIRST_MS = 10_000;
const MAX_MS = 10 * 60_000;

export interface Shunned {
  /** Those that are not to be tried yet. */
  now(): readonly MailboxId[];
  failed(id: MailboxId, thrown: unknown): Promise<void>;
  succeeded(id: MailboxId): void;
  /** Something was changed: each may be tried once more. */
  tryAll(): void;
}

interface Entry {
  readonly code: string;
  readonly waitMs: number;
  untilMs: number;
}

export function newShunned({ clock, logger, ledger }: Pick<Courier, 'clock' | 'logger' | 'ledger'>): Shunned {
  const entries = new Map<MailboxId, Entry>();
  return {
    now: () => [...entries].filter(([, { untilMs }]) => untilMs > clock.elapsedMs()).map(([id]) => id),
    failed: async (id, thrown) => {
      const { code } = asFailure(thrown);
      const before = entries.get(id);
      const waitMs = before === undefined ? FIRST_MS : Math.min(2 * before.waitMs, MAX_MS);
      entries.set(id, { code, waitMs, untilMs: clock.elapsedMs() + waitMs });
      if (before?.code === code) return;
      logger.error('mailbox cannot be read', { mailboxId: id, code }, thrown);
      await recordTrouble(ledger, id, code);
    },
    succeeded: (id) => void entries.delete(id),
    tryAll: () => {
      for (const entry of entries.values()) entry.untilMs = 0;
    },
  };
}

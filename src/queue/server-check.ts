/** What Redis says of itself when we open: two settings decide whether jobs survive. */

import { Failure } from '../shared/failure.ts';
import type { Logger } from '../shared/logger.ts';

/**
 * Refuses an eviction policy other than noeviction: the only setting that guarantees BullMQ's correct behaviour, since
 * an evicted key is half a job (BullMQ, going to production). Missing persistence costs a restart's worth of
 * waiting only (the sweeper adds again from the ledger), so that is a warning.
 */
export function checkServer(info: string, logger: Logger): void {
  const policy = settingOf(info, 'maxmemory_policy');
  if (policy !== null && policy !== 'noeviction') {
    throw new Failure('queue.eviction-policy', { kind: 'permanent', scope: 'peer', fields: { policy } });
  }
  if (settingOf(info, 'loading') === '1') {
    throw new Failure('queue.unreachable', { kind: 'transient', scope: 'peer', fields: { isLoading: true } });
  }
  if (settingOf(info, 'aof_enabled') !== '1') logger.warn('queue.no-persistence', { code: 'queue.no-persistence' });
}

function settingOf(info: string, name: string): string | null {
  const line = info.split(/\r?\n/).find((candidate) => candidate.startsWith(`${name}:`));
  return line?.slice(name.length + 1).trim() ?? null;
}

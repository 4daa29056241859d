/** A queue to add to that may be away when it is opened: it is looked for again with every job. */

import { asFailure } from '../shared/failure.ts';
import { openQueue, type QueueOptions } from './bullmq.ts';
import type { JobQueue } from './queue.ts';

export type LateQueue = Pick<JobQueue, 'add' | 'release'>;

/** Throws where Redis answers and is not fit (`queue.eviction-policy`), not where it is away. */
export async function openQueueLate(options: QueueOptions): Promise<LateQueue> {
  let queue: JobQueue | null = null;
  let opening: Promise<JobQueue> | null = null;
  // One at a time: many that come while Redis is away must not each leave a connection.
  const open = (): Promise<JobQueue> => {
    opening ??= openQueue(options)
      .then((opened) => {
        queue = opened;
        return opened;
      })
      .finally(() => {
        opening = null;
      });
    return opening;
  };
  await open().catch((thrown) => {
    if (asFailure(thrown).code !== 'queue.unreachable') throw thrown;
    options.logger.warn('queue.away', { code: 'queue.unreachable' });
  });
  return {
    add: async (jobs) => (queue ?? (await open())).add(jobs),
    release: async () => {
      await opening?.catch(() => {});
      await queue?.release();
    },
  };
}

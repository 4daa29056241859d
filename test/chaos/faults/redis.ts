/** The queue is killed and started again, stops for 20 seconds with its connections open, or loses everything it knew. */

import { until } from '../../support/until.ts';
import { type FaultKind, STRIKE_WITHIN_MS, type Stage } from '../fault.ts';

const AWAY_MS = 3_000;
const STOPPED_MS = 20_000;
const BURST = 60;
const JOBS_AT_LEAST = 3;

export const REDIS: readonly FaultKind[] = [
  {
    name: 'redis-killed',
    lane: 'redis',
    strike: async ({ redis, wait }) => {
      await redis.kill();
      await wait(AWAY_MS);
      await redis.start();
    },
  },
  {
    name: 'redis-stopped',
    lane: 'redis',
    strike: async ({ redis, wait }) => {
      redis.freeze();
      await wait(STOPPED_MS);
      redis.thaw();
    },
  },
  {
    name: 'redis-flushed',
    lane: 'redis',
    // In the midst of a burst: emptying an empty queue would prove nothing.
    strike: async ({ redis, traffic }) => {
      const sending = traffic.burst(BURST, 0.5);
      await until(
        'deliveries in the queue',
        () => waitingDeliveries(redis),
        (jobs) => jobs >= JOBS_AT_LEAST,
        STRIKE_WITHIN_MS,
      );
      const answer = await redis.command('FLUSHALL');
      if (answer !== '+OK') throw new Error(`FLUSHALL was answered with ${answer}`);
      await sending;
    },
  },
];

// Where BullMQ keeps what waits and what is delayed.
async function waitingDeliveries({ command }: Stage['redis']): Promise<number> {
  const counts = ['LLEN zorgkoerier:deliver:wait', 'ZCARD zorgkoerier:deliver:delayed'].map(command);
  return (await Promise.all(counts)).reduce((sum, answer) => sum + Number(answer.slice(1)), 0);
}

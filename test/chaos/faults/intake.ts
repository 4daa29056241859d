/** The intake is asked twice, dies with an answer on its lips, or has to do without the queue or the ledger. */

import { until } from '../../support/until.ts';
import { type FaultKind, STRIKE_WITHIN_MS, type Stage } from '../fault.ts';
import { whilePosting } from '../source.ts';

const TAKEN = 202;
const UNAVAILABLE = 503;

export const INTAKE: readonly FaultKind[] = [
  {
    name: 'intake-twice-at-once',
    lane: 'intake',
    strike: async ({ source }) => {
      // Two of the same source, of which neither knows of the other.
      const both = async () => {
        const posting = source.begin();
        const answers = await Promise.all([source.ask(posting), source.ask(posting)]);
        await source.untilTaken(posting);
        return answers.every((status) => status === TAKEN);
      };
      await until('both are answered', both, Boolean, STRIKE_WITHIN_MS);
    },
  },
  {
    name: 'intake-answer-lost',
    lane: 'intake',
    strike: (stage) => whilePosting(stage, stage.intake.killAt('registration-accepted')),
  },
  {
    name: 'intake-redis-away',
    lane: 'redis',
    strike: async ({ redis, source }) => {
      await redis.kill();
      try {
        const posting = source.begin();
        await until(
          'taken without a queue',
          () => source.ask(posting),
          (status) => status === TAKEN,
          STRIKE_WITHIN_MS,
        );
      } finally {
        await redis.start();
      }
    },
  },
  {
    name: 'intake-postgres-restarted',
    lane: 'postgres',
    strike: async (stage) => {
      const posting = stage.source.begin();
      await stage.postgres.stop('fast');
      try {
        await untilRefused(stage, posting);
      } finally {
        await stage.postgres.start();
      }
      await stage.source.untilTaken(posting);
    },
  },
];

async function untilRefused({ source }: Stage, posting: ReturnType<Stage['source']['begin']>): Promise<void> {
  await until(
    'not promised',
    () => source.ask(posting),
    (status) => status === UNAVAILABLE,
    STRIKE_WITHIN_MS,
  );
}

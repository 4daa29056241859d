/** The intake is asked twice, dies with an answer on its lips, or has to do without the queue or the ledger. */

import { until } from '../../support/until.ts';
import { type FaultKind, STRIKE_WITHIN_MS, type Stage } from '../fault.ts';
import { whilePosting } from '../source.ts';

const TAKEN = 202;
const UNAVAILABLE = 503;
const ANSWERED_WITHIN_MS = 5_000;

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
    strike: (stage) => untilAnswered(stage, TAKEN, stage.redis.kill, stage.redis.start),
  },
  {
    name: 'intake-postgres-restarted',
    lane: 'postgres',
    strike: (stage) => untilAnswered(stage, UNAVAILABLE, () => stage.postgres.stop('fast'), stage.postgres.start),
  },
];

/**
 * Takes something away, asks until the intake answers so, and gives it back; then the same registration is taken. Again
 * where another fault was in the way: what is away must not stay away until that one is over.
 */
async function untilAnswered(
  { intake, source }: Stage,
  wanted: number,
  takeAway: () => Promise<unknown>,
  giveBack: () => Promise<unknown>,
): Promise<void> {
  const posting = source.begin();
  const strike = async () => {
    await intake.untilUp();
    await takeAway();
    try {
      const ask = () => source.ask(posting);
      await until('answered', ask, (status) => status === wanted, ANSWERED_WITHIN_MS);
      return true;
    } catch {
      return false;
    } finally {
      await giveBack();
      await source.untilTaken(posting);
    }
  };
  await until(`the intake answers ${wanted}`, strike, Boolean, STRIKE_WITHIN_MS);
}

/** Waiting for something that another process or server does, with a deadline: the only polling in the tests. */

import { monotonicMs, systemClock } from '../../src/shared/clock.ts';

const LOOK_MS = 40;

/** The first answer that fits. Fails with `what` and the last answer when none came in time. */
export async function until<Answer>(
  what: string,
  look: () => Promise<Answer> | Answer,
  fits: (answer: Answer) => boolean,
  deadlineMs = 20_000,
): Promise<Answer> {
  const endsAt = monotonicMs() + deadlineMs;
  for (;;) {
    const answer = await look();
    if (fits(answer)) return answer;
    if (monotonicMs() > endsAt) throw new Error(`never came: ${what}; last seen ${JSON.stringify(answer)}`);
    await systemClock.wait(LOOK_MS);
  }
}

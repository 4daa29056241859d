/**
 * How long a mailbox is left alone after a failure. The HIS uses the same account: we may be late, but never the reason
 * that a practice is locked out or throttled (reliability.md §1 "17 logins a second", §2 "Throttle/limits").
 */

import type { Failure } from '../shared/failure.ts';

interface Ladder {
  readonly firstMs: number;
  readonly maxMs: number;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

const ORDINARY: Ladder = { firstMs: SECOND_MS, maxMs: 5 * MINUTE_MS };
/** After a connection on which a visit succeeded: mail still flows, so it is not left alone for long. */
const USEFUL: Ladder = { firstMs: SECOND_MS, maxMs: 30 * SECOND_MS };
const THROTTLED: Ladder = { firstMs: MINUTE_MS, maxMs: 15 * MINUTE_MS };
const REFUSED: Ladder = { firstMs: 5 * MINUTE_MS, maxMs: 60 * MINUTE_MS };

/** A connection that lived this long was no accept-and-drop: what went before it is forgotten. */
const STEADY_AFTER_MS = 5 * MINUTE_MS;

/** How the connection went that just failed. */
export interface Ending {
  readonly failure: Failure;
  /** Since the login; null: there was no login. */
  readonly livedMs: number | null;
  readonly hasVisited: boolean;
}

export interface Backoff {
  /** How long to wait before the next connection. */
  next(ending: Ending): number;
}

/** `random` gives 0 to 1. Refused logins have a count of their own, which only a login that succeeds clears. */
export function newBackoff(random: () => number): Backoff {
  let failures = 0;
  let refusals = 0;
  return {
    next: ({ failure, livedMs, hasVisited }) => {
      if (livedMs !== null) refusals = 0;
      if (livedMs !== null && livedMs >= STEADY_AFTER_MS) failures = 0;
      if (failure.code === 'mailbox.login-refused') {
        refusals += 1;
        // Upwards only: the first wait is at least five minutes.
        return step(REFUSED, refusals) * (1 + 0.1 * random());
      }
      failures += 1;
      const ladder = failure.code === 'mailbox.throttled' ? THROTTLED : hasVisited ? USEFUL : ORDINARY;
      // Thousands of mailboxes lose the same server at the same moment: they must not come back together.
      const waitMs = step(ladder, failures) * (0.5 + 0.5 * random());
      return Math.max(waitMs, failure.retryAfterMs ?? 0);
    },
  };
}

function step(ladder: Ladder, count: number): number {
  return Math.min(ladder.maxMs, ladder.firstMs * 2 ** Math.min(count - 1, 20));
}

/**
 * How long a mailbox may lie until it is looked at without being asked. A hint is no promise (reliability.md §2): so a
 * look finds what was not announced. But a look at each of thousands of mailboxes every half minute is most of what an
 * idle worker does, and where announcements have proved themselves it finds nothing.
 *
 * So the wait is short on a new connection and after mail came, since that is when hints get lost; it grows while looks
 * that nobody asked for find nothing; and where one found mail that had not been announced, it stays short for long.
 */

/** How the last wait ended. `deaf`: the server was not listening to us as it should (no IDLE), so silence means nothing. */
export type Heard = 'hint' | 'nothing' | 'deaf';

export interface PollPace {
  /** A connection was made: it has to prove itself. */
  connected(): void;
  /** A visit ended. `hasFound`: there was new mail. */
  visited(heard: Heard, hasFound: boolean): void;
  /** Until the next look. Up to a fifth earlier, never later: mailboxes that were opened together do not poll together. */
  nextMs(): number;
}

const GROWTH = 2;
/** Looks that must find nothing before the wait grows: after mail came, which seldom comes alone. */
const AFTER_MAIL = 4;
/** The same after a look that found what had not been announced. */
const DISTRUST = 20;

export function newPollPace(shortestMs: number, longestMs: number, random: () => number): PollPace {
  let waitMs = shortestMs;
  let distrust = 0;
  const grow = () => {
    if (distrust > 0) distrust -= 1;
    else waitMs = Math.min(GROWTH * waitMs, Math.max(longestMs, shortestMs));
  };
  return {
    connected: () => {
      waitMs = shortestMs;
    },
    visited: (heard, hasFound) => {
      if (hasFound) distrust = Math.max(distrust, heard === 'nothing' ? DISTRUST : AFTER_MAIL);
      if (hasFound || heard === 'deaf') waitMs = shortestMs;
      else if (heard === 'nothing') grow();
    },
    nextMs: () => waitMs * (0.8 + 0.2 * random()),
  };
}

/**
 * How long a mailbox may lie until it is looked at without being asked. A hint is no promise (reliability.md §2): so a
 * look finds what was not announced. But a look at each of thousands of mailboxes every half minute is most of what an
 * idle worker does, and where announcements have proved themselves it finds nothing.
 *
 * So the wait is short on a new connection and after mail came, since that is when hints get lost, and long after a look
 * that found nothing. Where two finds in a row had not been announced, the server is not believed until it announces again.
 */

/**
 * How the last wait ended. `woken`: we wanted to look, which says nothing of the server. `deaf`: the server was not listening
 * to us as it should (no IDLE), so silence means nothing.
 */
export type Heard = 'hint' | 'woken' | 'nothing' | 'deaf';

export interface PollPace {
  /** A connection was made: it has to prove itself. */
  connected(): void;
  /** A visit ended. `hasFound`: there was new mail. */
  visited(heard: Heard, hasFound: boolean): void;
  /** Until the next look. Up to a fifth earlier, never later: mailboxes that were opened together do not poll together. */
  nextMs(): number;
}

const GROWTH = 4;
/** So many finds in a row that were not announced, and silence means nothing. One may be a hint that met a server's nap. */
const DISTRUSTED_FROM = 2;

export function newPollPace(shortestMs: number, longestMs: number, random: () => number): PollPace {
  let waitMs = shortestMs;
  let unannounced = 0;
  return {
    connected: () => {
      waitMs = shortestMs;
    },
    visited: (heard, hasFound) => {
      if (hasFound && heard === 'hint') unannounced = 0;
      if (hasFound && heard === 'nothing') unannounced += 1;
      if (hasFound || heard === 'deaf') waitMs = shortestMs;
      else if (heard === 'nothing' && unannounced < DISTRUSTED_FROM)
        waitMs = Math.min(GROWTH * waitMs, Math.max(longestMs, shortestMs));
    },
    nextMs: () => waitMs * (0.8 + 0.2 * random()),
  };
}

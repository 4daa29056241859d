/** The network to the mail server stalls, cuts in the middle of a mail, or forgets our connections (half-open). */

import { until } from '../../support/until.ts';
import { type FaultKind, STRIKE_WITHIN_MS } from '../fault.ts';

const STALLED_MS = 8_000;
/** A router forgets some of the connections that it had. */
const FORGOTTEN = 2;

export const IMAP: readonly FaultKind[] = [
  {
    name: 'imap-stalled',
    lane: 'imap',
    strike: async ({ world, wait }) => {
      world.proxy.hold(true);
      await wait(STALLED_MS);
      world.proxy.hold(false);
    },
  },
  {
    name: 'imap-cut-mid-literal',
    lane: 'imap',
    strike: async ({ world }) => {
      const before = world.proxy.cuts();
      world.proxy.cutNextLiteral();
      await until(
        'cut',
        () => world.proxy.cuts(),
        (cuts) => cuts > before,
        STRIKE_WITHIN_MS,
      );
    },
  },
  {
    name: 'imap-half-open',
    lane: 'imap',
    strike: async ({ world }) => {
      await until(
        'a connection',
        () => world.proxy.abandon(FORGOTTEN),
        (count) => count > 0,
        STRIKE_WITHIN_MS,
      );
    },
  },
];

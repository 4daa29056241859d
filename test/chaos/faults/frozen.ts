/** A worker that reads a mailbox stops dead (SIGSTOP) until another has its mailbox, and then comes back. */

import { until } from '../../support/until.ts';
import { type FaultKind, STRIKE_WITHIN_MS } from '../fault.ts';

/** That one worker of the suite may read. */
const MAILBOXES_MOST = 2;

export const FROZEN: FaultKind = {
  name: 'worker-frozen',
  lane: 'frozen',
  strike: async ({ workers, sql }) => {
    const owning = () =>
      sql<{ owner_id: string }>('select owner_id from mailbox where owner_id is not null').catch(() => []);
    const owners = await until('a worker that reads', owning, (rows) => rows.length > 0, STRIKE_WITHIN_MS);
    workers.lendHand(MAILBOXES_MOST);
    try {
      await workers.freeze(
        async (workerId) => (await sql('select 1 from mailbox where owner_id = $1', [workerId])).length === 0,
        owners.map(({ owner_id: id }) => id),
      );
    } finally {
      workers.lendHand(0);
    }
  },
};

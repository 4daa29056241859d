/** What other people do: a HIS that deletes mail beside us, as over POP, and laboratories that send everything twice. */

import { monotonicMs } from '../../../src/shared/clock.ts';
import { type FaultKind, STRIKE_WITHIN_MS } from '../fault.ts';

const REMOVED_AT_LEAST = 5;
const RACES = 3;

export const MAIL: readonly FaultKind[] = [
  {
    name: 'his-deletes',
    lane: 'mail',
    strike: async ({ world, traffic, random, wait }) => {
      let removed = 0;
      const endsAt = monotonicMs() + STRIKE_WITHIN_MS;
      traffic.onArrival = async (mail) => {
        if (!random.isLucky(0.5)) return;
        mail.isRemoved = true;
        await world.zorgmail.hisOfBoth(mail.account).remove([mail.uid]);
        removed += 1;
      };
      while (removed < REMOVED_AT_LEAST && monotonicMs() < endsAt) await wait(100);
      traffic.onArrival = null;
      if (removed < REMOVED_AT_LEAST) throw new Error('there was no mail to delete');
    },
  },
  { name: 'duplicates-race', lane: 'mail', strike: ({ traffic }) => traffic.race(RACES) },
];

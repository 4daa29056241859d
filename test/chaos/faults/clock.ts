/** The clock of two workers jumps an hour, forward or back, and after a while jumps to where it should be. */

import type { FaultKind } from '../fault.ts';

const AWRY_MS = 8_000;

export const CLOCK: readonly FaultKind[] = (
  [
    ['clock-forward', '+3600s'],
    ['clock-backward', '-3600s'],
  ] as const
).map(([name, offset]) => ({
  name,
  lane: 'clock',
  obstacle: ({ workers }) => workers.clockObstacle,
  strike: async ({ workers, wait }) => {
    workers.setClock(offset);
    await wait(AWRY_MS);
    workers.setClock('+0');
  },
}));

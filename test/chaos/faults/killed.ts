/** A worker is killed at a named moment: between any two things that it does. */

import type { Moment } from '../../../src/pipeline/pipeline.ts';
import type { FaultKind } from '../fault.ts';

/** Who copies has a mailbox to hand over; killing one that only reads and delivers does not stop the copying. */
const MOMENTS: readonly (readonly [name: string, moment: Moment, lane: 'copying' | 'delivering'])[] = [
  ['killed-after-fetch', 'fetched', 'copying'],
  ['killed-before-commit', 'copy-uncommitted', 'copying'],
  ['killed-after-commit', 'copy-committed', 'copying'],
  ['killed-after-add', 'batch-added', 'copying'],
  ['killed-after-reading', 'read-committed', 'delivering'],
  ['killed-after-adding-deliveries', 'deliveries-added', 'delivering'],
  ['killed-after-2xx', 'card-written', 'delivering'],
  ['killed-after-recording', 'delivery-settled', 'delivering'],
];

export const KILLED: readonly FaultKind[] = MOMENTS.map(([name, moment, lane]) => ({
  name,
  lane,
  strike: ({ workers }) => workers.killAt(moment, lane),
}));

/** A worker is killed at a named moment: between any two things that it does. */

import type { Moment } from '../../../src/pipeline/pipeline.ts';
import type { FaultKind } from '../fault.ts';
import { whilePosting } from '../source.ts';

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

/** Of the way back: rendered and not sent, before the bytes of a part go, and after the relay's 250 before it is recorded. */
const SENDING: readonly (readonly [name: string, moment: Moment])[] = [
  ['killed-after-rendering', 'registration-rendered'],
  ['killed-before-data', 'mail-sending'],
  ['killed-after-250', 'mail-accepted'],
];

export const KILLED: readonly FaultKind[] = [
  ...MOMENTS.map(
    ([name, moment, lane]): FaultKind => ({
      name,
      lane,
      strike: ({ workers }) => workers.killAt(moment, lane),
    }),
  ),
  ...SENDING.map(
    ([name, moment]): FaultKind => ({
      name,
      lane: 'delivering',
      strike: (stage) => whilePosting(stage, stage.workers.killAt(moment, 'delivering')),
    }),
  ),
];

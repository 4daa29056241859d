/** cKIS is busy, fails, finds that somebody else was first, is slow, or takes a report and does not say so. */

import type { Fault } from '../../../src/sandbox/fhir/fhir.ts';
import { until } from '../../support/until.ts';
import { type FaultKind, STRIKE_WITHIN_MS, type Stage } from '../fault.ts';

const TIMES = 2;
const OUTAGE_MS = 5_000;
const PRECONDITION_FAILED = 412;

const FAULTS: readonly (readonly [name: string, fault: Fault])[] = [
  ['ckis-429', { kind: 'refuse', status: 429, retryAfterSeconds: 3 }],
  ['ckis-500', { kind: 'refuse', status: 500 }],
  ['ckis-500-after-commit', { kind: 'fail-after-commit', status: 500 }],
  ['ckis-slow', { kind: 'delay', ms: 4_000 }],
  ['ckis-timeout-after-commit', { kind: 'silence-after-commit' }],
  ['ckis-cut-after-commit', { kind: 'reset-after-commit' }],
];

export const CKIS: readonly FaultKind[] = [
  ...FAULTS.map(
    ([name, fault]): FaultKind => ({
      name,
      lane: 'ckis',
      strike: (stage) => untilStruck(stage, fault, TIMES),
    }),
  ),
  {
    name: 'ckis-412',
    lane: 'ckis',
    // Only a write that changes something can come too late: one after the other is struck until one did.
    strike: async (stage) => {
      const refusals = () => stage.world.ckis.requests.filter(({ status }) => status === PRECONDITION_FAILED).length;
      const before = refusals();
      while (refusals() === before) await untilStruck(stage, { kind: 'race' }, 1);
    },
  },
  {
    name: 'ckis-away',
    lane: 'ckis',
    strike: async ({ world, wait }) => {
      world.ckis.faults.outage(true);
      await wait(OUTAGE_MS);
      world.ckis.faults.outage(false);
    },
  },
];

async function untilStruck({ world }: Stage, fault: Fault, times: number): Promise<void> {
  const { faults } = world.ckis;
  faults.next(fault, { times });
  try {
    await until(
      `struck by ${fault.kind}`,
      () => faults.waiting(),
      (left) => left === 0,
      STRIKE_WITHIN_MS,
    );
  } finally {
    faults.clear();
  }
}

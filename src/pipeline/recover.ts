/**
 * The sweeper: looks after what was left lying. Batches, deliveries and registrations that are neither at rest nor looked after go into
 * the queue again with the next generation, so an emptied Redis needs no restore.
 *
 * It may be repeated and may run in several workers: every statement takes its rows for itself.
 */

import { discardDisabled, overdueBatches, overdueDeliveries, overdueRegistrations } from '../records/records.ts';
import { alarmHolds } from './hold-alarms.ts';
import type { Courier } from './pipeline.ts';
import { alarmUnanswered, settleKeptReceipts } from './receipts.ts';
import { settleSwitched } from './switch-registrations.ts';

const BATCHES_MOST = 200;
const DELIVERIES_MOST = 2_000;
const REGISTRATIONS_MOST = 2_000;

export interface Swept {
  readonly batches: number;
  readonly deliveries: number;
  readonly registrations: number;
  readonly discarded: number;
}

/** One round. Throws when the ledger or the queue cannot be reached; the next round does the rest. */
export async function sweep(courier: Courier): Promise<Swept> {
  const batches = await overdueBatches(courier.ledger, BATCHES_MOST);
  const deliveries = await overdueDeliveries(courier.ledger, DELIVERIES_MOST);
  const registrations = await overdueRegistrations(courier.ledger, REGISTRATIONS_MOST);
  await courier.queue.add([
    ...batches.map((batch) => ({ kind: 'read' as const, ...batch })),
    ...deliveries.map((delivery) => ({ kind: 'deliver' as const, ...delivery })),
    ...registrations.map((registration) => ({ kind: 'send' as const, ...registration })),
  ]);
  // Last: work that waits must not wait for tidying.
  const discarded = await discardDisabled(courier.ledger);
  await settleSwitched(courier);
  await alarmHolds(courier);
  await settleKeptReceipts(courier);
  await alarmUnanswered(courier);
  const count = batches.length + deliveries.length + registrations.length;
  if (count > 0) courier.logger.info('swept', { count });
  return { batches: batches.length, deliveries: deliveries.length, registrations: registrations.length, discarded };
}

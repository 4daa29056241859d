/**
 * Holds that nobody attends to: after 2 working days their owner is alarmed, after 5 Customer Care too. One log line when
 * it begins and one when it ends; between those it stands in `held list` and `status`.
 *
 * It may be repeated and may run in several workers: an alarm that is open is not opened again.
 */

import { type AlarmObject, settleAlarms } from '../alarms/alarms.ts';
import type { Sql } from '../ledger/ledger.ts';
import { type HeldItem, heldSince } from '../records/records.ts';
import { isReasonCode, type ReasonOwner, reasonOf } from '../shared/reasons.ts';
import { workingDaysBetween } from '../shared/working-days.ts';
import type { Courier } from './pipeline.ts';

export interface HoldAlarm {
  readonly kind: 'hold.owner' | 'hold.customer-care';
  readonly afterWorkingDays: number;
  readonly level: 'warn' | 'error';
}

export const HOLD_ALARMS: readonly HoldAlarm[] = [
  { kind: 'hold.owner', afterWorkingDays: 2, level: 'warn' },
  { kind: 'hold.customer-care', afterWorkingDays: 5, level: 'error' },
];

const DAY_MS = 86_400_000;

type What = Pick<Courier, 'ledger' | 'clock' | 'logger'>;

/** One round. Throws where the ledger cannot be reached. */
export async function alarmHolds(courier: What): Promise<void> {
  for (const alarm of HOLD_ALARMS) {
    const items = new Map<string, HeldItem>();
    const settled = await courier.ledger.transaction((tx) =>
      settleAlarms(tx, alarm.kind, alarm.level, () => overdue(tx, courier.clock.now(), alarm, items)),
    );
    for (const { objectId, practiceId } of settled.opened) {
      const item = items.get(objectId);
      courier.logger[alarm.level]('a hold waits for a decision', {
        ...about(objectId, practiceId),
        code: alarm.kind,
        ...(item === undefined ? {} : { reason: item.reason, owner: ownerOf(item) }),
      });
    }
    for (const { objectId, practiceId } of settled.closed)
      courier.logger.info('a hold waits no longer', { ...about(objectId, practiceId), code: alarm.kind });
  }
}

async function overdue(
  tx: Sql,
  now: Date,
  { afterWorkingDays }: HoldAlarm,
  items: Map<string, HeldItem>,
): Promise<readonly AlarmObject[]> {
  // No working day is shorter than a day.
  const earliest = new Date(now.getTime() - afterWorkingDays * DAY_MS);
  for (const item of await heldSince(tx, earliest))
    if (workingDaysBetween(item.settledAt, now) >= afterWorkingDays) items.set(item.deliveryId, item);
  return [...items.values()].map(({ deliveryId, practiceId }) => ({ objectId: deliveryId, practiceId }));
}

function ownerOf({ reason }: HeldItem): ReasonOwner {
  return isReasonCode(reason) ? reasonOf(reason).owner : 'us';
}

function about(deliveryId: string, practiceId: string | null) {
  return { deliveryId, ...(practiceId === null ? {} : { practiceId }) };
}

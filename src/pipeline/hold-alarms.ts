/**
 * Holds that nobody attends to, registrations that came back too: after 2 working days their owner is alarmed, after 5 Customer Care too. One log line when
 * it begins and one when it ends; between those it stands in `held list` and `status`.
 *
 * It may be repeated and may run in several workers: an alarm that is open is not opened again.
 */

import { type AlarmObject, settleAlarms } from '../alarms/alarms.ts';
import type { Sql } from '../ledger/ledger.ts';
import { heldRegistrationsSince, heldSince, registrationsAmong } from '../records/records.ts';
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

/** What waits: a delivery or a registration. */
interface Waiting {
  readonly kind: 'delivery' | 'registration';
  readonly id: string;
  readonly practiceId: string | null;
  readonly reason: string;
  readonly settledAt: Date;
}

type What = Pick<Courier, 'ledger' | 'clock' | 'logger'>;

/** One round. Throws where the ledger cannot be reached. */
export async function alarmHolds(courier: What): Promise<void> {
  for (const alarm of HOLD_ALARMS) {
    const items = new Map<string, Waiting>();
    const settled = await courier.ledger.transaction((tx) =>
      settleAlarms(tx, alarm.kind, alarm.level, () => overdue(tx, courier.clock.now(), alarm, items)),
    );
    for (const { objectId, practiceId } of settled.opened) {
      const item = items.get(objectId);
      courier.logger[alarm.level]('a hold waits for a decision', {
        ...about(objectId, practiceId, item?.kind === 'registration'),
        code: alarm.kind,
        ...(item === undefined ? {} : { reason: item.reason, owner: ownerOf(item) }),
      });
    }
    const closed = settled.closed.map(({ objectId }) => objectId);
    const registrations = closed.length === 0 ? new Set() : await registrationsAmong(courier.ledger, closed);
    for (const { objectId, practiceId } of settled.closed) {
      const what = about(objectId, practiceId, registrations.has(objectId));
      courier.logger.info('a hold waits no longer', { ...what, code: alarm.kind });
    }
  }
}

async function overdue(
  tx: Sql,
  now: Date,
  { afterWorkingDays }: HoldAlarm,
  items: Map<string, Waiting>,
): Promise<readonly AlarmObject[]> {
  // No working day is shorter than a day.
  const earliest = new Date(now.getTime() - afterWorkingDays * DAY_MS);
  for (const item of await waitingSince(tx, earliest))
    if (workingDaysBetween(item.settledAt, now) >= afterWorkingDays) items.set(item.id, item);
  return [...items.values()].map(({ id, practiceId }) => ({ objectId: id, practiceId }));
}

async function waitingSince(tx: Sql, moment: Date): Promise<readonly Waiting[]> {
  const deliveries = await heldSince(tx, moment);
  const registrations = await heldRegistrationsSince(tx, moment);
  return [
    ...deliveries.map(({ deliveryId, ...item }) => ({ ...item, kind: 'delivery' as const, id: deliveryId })),
    ...registrations.map((item) => ({ ...item, kind: 'registration' as const, reason: item.reason ?? item.state })),
  ];
}

function ownerOf({ reason }: Waiting): ReasonOwner {
  return isReasonCode(reason) ? reasonOf(reason).owner : 'us';
}

function about(id: string, practiceId: string | null, isRegistration: boolean) {
  const named = isRegistration ? { registrationId: id } : { deliveryId: id };
  return { ...named, ...(practiceId === null ? {} : { practiceId }) };
}

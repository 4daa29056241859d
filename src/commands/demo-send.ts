/** The demo's laboratories: they send, and remember when each mail arrived. Then everybody waits for the books to close. */

import type { Courier } from '../pipeline/pipeline.ts';
import { accountingOf, mailOutcomes, totalOf } from '../records/records.ts';
import type { TrafficMail } from '../sandbox/traffic.ts';
import type { World } from '../sandbox/world.ts';
import { Failure } from '../shared/failure.ts';
import type { Io } from './io.ts';

export interface Arrival {
  readonly fixture: string;
  readonly account: string;
  /** Its uid: the sandbox's mailboxes start empty and nobody else writes to them. */
  readonly uid: number;
  /** When LMTP said 250, in milliseconds since 1970. */
  readonly atMs: number;
}

const SETTLE_DEADLINE_MS = 120_000;
const LOOK_MS = 100;

export async function sendTraffic(
  io: Io,
  courier: Courier,
  world: World,
  traffic: readonly TrafficMail[],
): Promise<readonly Arrival[]> {
  const next = new Map<string, number>();
  const arrivals: Arrival[] = [];
  for (const [index, { fixture, account, raw }] of traffic.entries()) {
    await world.zorgmail.deliverToBoth(account, raw);
    const uid = (next.get(account) ?? 0) + 1;
    next.set(account, uid);
    arrivals.push({ fixture, account, uid, atMs: courier.clock.now().getTime() });
    if ((index + 1) % 25 === 0) io.progress(`  ${index + 1} of ${traffic.length} sent`);
  }
  return arrivals;
}

/** Waits until every mail is at rest, and every board too. */
export async function settled(io: Io, courier: Courier, mails: number): Promise<void> {
  const endsAt = courier.clock.now().getTime() + SETTLE_DEADLINE_MS;
  let last = -1;
  for (;;) {
    const total = totalOf(await accountingOf(courier.ledger));
    const atRest = total.assigned - total.waiting;
    if (Math.floor(atRest / 25) !== Math.floor(last / 25)) io.progress(`  ${atRest} of ${mails} at rest`);
    last = atRest;
    if (total.assigned >= mails && total.waiting === 0 && (await boardsOpen(courier)) === 0) return;
    if (courier.clock.now().getTime() > endsAt) {
      throw new Failure('demo.not-settled', {
        kind: 'defect',
        fields: { assigned: total.assigned, waiting: total.waiting, mails },
      });
    }
    await courier.clock.wait(LOOK_MS);
  }
}

async function boardsOpen(courier: Courier): Promise<number> {
  const outcomes = await mailOutcomes(courier.ledger, null);
  const boards = outcomes.flatMap((mail) => mail.reports).filter((report) => report.target === 'board');
  return boards.filter((report) => report.settledAtMs === null).length;
}

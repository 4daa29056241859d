/**
 * A worker as in production, in a process of its own, that its parent may have killed at a named moment. It ends with its
 * parent. `CHAOS_SABOTAGE` breaks it on purpose, to see that the suite notices.
 */

import { closeSync, openSync } from 'node:fs';
import { compose } from '../../src/compose.ts';
import { loadConfig, processEnvironment } from '../../src/config/config.ts';
import { type Courier, startWorker } from '../../src/pipeline/pipeline.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { sabotaged } from './sabotage.ts';

/** What the parent says. */
export interface Orders {
  /** The moment at which to die; null: live on. */
  readonly killAt?: string | null;
  readonly mailboxesMax?: number;
}

const {
  CHAOS_LOG = '/dev/null',
  CHAOS_MAILBOXES = '1',
  CHAOS_TARGET_TIMEOUT_MS,
  CHAOS_SABOTAGE,
  ...environment
} = processEnvironment();
let killAt: string | null = null;
let mailboxesMax = Number(CHAOS_MAILBOXES);
process.on('message', (orders: Orders) => {
  if (orders.killAt !== undefined) killAt = orders.killAt;
  if (orders.mailboxesMax !== undefined) mailboxesMax = orders.mailboxesMax;
});
process.once('disconnect', () => process.exit(1));

const descriptor = openSync(CHAOS_LOG, 'a');
const { courier, release } = await compose(loadConfig(withoutOurs(environment)), {
  logger: createLogger('info', descriptor),
  mark: (moment) => {
    if (moment === killAt) process.kill(process.pid, 'SIGKILL');
  },
  ...(CHAOS_TARGET_TIMEOUT_MS === undefined ? {} : { targetTimeoutMs: Number(CHAOS_TARGET_TIMEOUT_MS) }),
});
const limits = {
  ...courier.limits,
  get mailboxesMax() {
    return mailboxesMax;
  },
};
const ours: Courier = { ...sabotaged(courier, CHAOS_SABOTAGE ?? ''), limits };
const worker = await startWorker(ours);
process.send?.({ workerId: worker.workerId });
process.once('SIGTERM', () => void stop());

async function stop(): Promise<void> {
  await worker.release(10_000);
  await release();
  closeSync(descriptor);
  process.exit(0);
}

function withoutOurs(all: Readonly<Record<string, string | undefined>>) {
  return Object.fromEntries(Object.entries(all).filter(([name]) => !/^(CHAOS|FAKETIME)/.test(name)));
}

/** Copies the only mailbox once when its parent says so, with the courier's own copy step. Ends with its parent. */

import { compose } from '../../src/compose.ts';
import { loadConfig, processEnvironment } from '../../src/config/config.ts';
import { copyMailbox } from '../../src/pipeline/pipeline.ts';
import { claimMailboxes, mailboxAccount, registerWorker } from '../../src/practice/practice.ts';
import { monotonicMs } from '../../src/shared/clock.ts';
import { newId, type WorkerId } from '../../src/shared/ids.ts';
import type { CopySays } from './copy.ts';
import { peakMemoryMb } from './machine.ts';

// No delivery is made: where cKIS is does not matter, that it is set does.
const settings = { ...processEnvironment(), ZORGKOERIER_CKIS_URL: 'http://127.0.0.1:9/fhir', NODE_OPTIONS: undefined };
const { courier, release } = await compose(loadConfig(settings));
const workerId = newId<WorkerId>();
await registerWorker(courier.ledger, workerId);
const [mailbox] = await claimMailboxes(courier.ledger, workerId, 1);
if (mailbox === undefined) throw new Error('no mailbox');
const owner = { mailboxId: mailbox.id, workerId, epoch: mailbox.ownerEpoch };
const account = await mailboxAccount(courier.ledger, courier.keys, mailbox.id);

process.once('disconnect', () => void release().then(() => process.exit(0)));
process.once('message', () => void copy());
process.send?.('ready');

async function copy(): Promise<void> {
  const startedAt = monotonicMs();
  const connection = await courier.openMailbox(account);
  const { count: copied } = await copyMailbox(courier, owner, connection);
  const ms = monotonicMs() - startedAt;
  await connection.release();
  process.send?.({ copied, ms, peakMemoryMb: peakMemoryMb(process.pid) } satisfies CopySays);
}

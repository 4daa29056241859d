/**
 * The worker: owns mailboxes and copies them, reads, delivers and sends what is queued, sweeps. Any number of workers share the
 * work: mailboxes by ownership in the ledger, everything else by the queue. Changes of practices and of keys are heard.
 */

import { KEY_CHANGES } from '../keys/keys.ts';
import { CHANGES, registerWorker, renewWorker, retireWorker } from '../practice/practice.ts';
import type { JobAnswer, JobHandler } from '../queue/queue.ts';
import { asFailure } from '../shared/failure.ts';
import { newId, type WorkerId } from '../shared/ids.ts';
import { auditSealing } from './audit-sealing.ts';
import { deliver } from './deliver.ts';
import type { Courier } from './pipeline.ts';
import { pruneByTimer } from './prune.ts';
import { batchReader } from './read.ts';
import { sweep } from './recover.ts';
import { send } from './send.ts';
import { type Watches, watchOwned } from './watches.ts';

/** A third of the time after which others may take over. */
const RENEW_MS = 10_000;
/** How often a worker asks itself whether its last renewal is too long ago. */
const GUARD_MS = 2_000;
/** How soon an audit row is sealed: the next round notes it, the one after seals it. */
const SEAL_MS = 1_000;
/** Batches that wait for the next round of reading: taken from the queue, and given back to it only when they are read. */
const JOBS_PER_ROUND = 8;
/** Dialogues with the relay at once, per worker: each has a connection of its own there. */
const SEND_CONCURRENCY = 4;
/** Wait after a step failed for a reason that is nobody's mail: the ledger was away, say. */
const STEP_FAILED_MS = 2_000;

export interface RunningWorker {
  readonly workerId: WorkerId;
  /** Stops taking work, finishes what runs up to the deadline, gives the mailboxes back. */
  release(deadlineMs: number): Promise<void>;
}

export async function startWorker(courier: Courier): Promise<RunningWorker> {
  const workerId = newId<WorkerId>();
  await registerWorker(courier.ledger, workerId, courier.limits.mailboxesMax);
  const watches = watchOwned(courier, workerId);
  const { readConcurrency, deliverConcurrency, sweepIntervalMs } = courier.limits;
  const read = batchReader(courier, readConcurrency);
  const readers = courier.queue.work(
    'read',
    handler(courier, (job) => read(job.id)),
    { concurrency: readConcurrency * JOBS_PER_ROUND },
  );
  const deliverers = courier.queue.work(
    'deliver',
    handler(courier, (job) => deliver(courier, job)),
    { concurrency: deliverConcurrency },
  );
  const senders = courier.queue.work(
    'send',
    handler(courier, (job) => send(courier, job)),
    { concurrency: SEND_CONCURRENCY },
  );
  // From the beginning: to take thousands of mailboxes takes longer than a worker counts as alive.
  const stopRenewing = courier.clock.every(RENEW_MS, () => void renew(courier, workerId, watches));
  // By itself, since a renewal that hangs never gets as far as failing.
  const stopGuarding = courier.clock.every(GUARD_MS, () => void watches.letGoIfStale());
  const stopListening = await courier.ledger.listen(CHANGES, () => void watches.refresh());
  const stopHearingKeys = await courier.ledger.listen(KEY_CHANGES, () => courier.keys.forget());
  await watches.refresh();
  const stopSweeping = courier.clock.every(sweepIntervalMs, () => void sweepOnce(courier));
  void sweepOnce(courier);
  const stopPruning = pruneByTimer(courier);
  const sealing = auditSealing(courier);
  const stopSealing = courier.clock.every(SEAL_MS, () => void sealing.round());
  courier.logger.info('worker started', { workerId });
  return {
    workerId,
    release: async (deadlineMs) => {
      stopSweeping();
      await Promise.all([stopPruning(), stopListening()]);
      await watches.release();
      for (const turns of Object.values(courier.turns)) turns.close();
      await Promise.all([readers, deliverers, senders].map((workers) => workers.release(deadlineMs)));
      stopRenewing();
      stopGuarding();
      await stopHearingKeys();
      stopSealing();
      await sealing.release(deadlineMs);
      await retireWorker(courier.ledger, workerId).catch(() => {});
      courier.logger.info('worker stopped', { workerId });
    },
  };
}

// A step throws only for what is not its item's fault; the job waits a moment and spends nothing.
function handler(courier: Courier, step: (job: Parameters<JobHandler>[0]) => Promise<JobAnswer>): JobHandler {
  return async (job) => {
    try {
      return await step(job);
    } catch (thrown) {
      courier.logger.error('step failed', { jobId: job.id }, thrown);
      return { kind: 'later', delayMs: STEP_FAILED_MS };
    }
  };
}

async function renew(courier: Courier, workerId: WorkerId, watches: Watches): Promise<void> {
  try {
    if (await renewWorker(courier.ledger, workerId, courier.limits.mailboxesMax)) return await watches.renewed();
    // Our time had passed: others may own the mailboxes. Let go of all, then begin anew under the same name.
    courier.logger.warn('worker was late: its mailboxes may be another’s now', { workerId });
    await watches.letGo();
    await retireWorker(courier.ledger, workerId);
    await registerWorker(courier.ledger, workerId, courier.limits.mailboxesMax);
  } catch (thrown) {
    courier.logger.warn('worker could not renew', { workerId, code: asFailure(thrown).code });
  }
}

async function sweepOnce(courier: Courier): Promise<void> {
  await sweep(courier).catch((thrown) => courier.logger.warn('sweep failed', { code: asFailure(thrown).code }));
}

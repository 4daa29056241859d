/** One kind's worker: turns a handler's answer into what BullMQ does with the job, and can be let go whatever Redis says. */

import { type Job as BullJob, DelayedError, Worker } from 'bullmq';
import type { Clock } from '../shared/clock.ts';
import { errorName } from '../shared/failure.ts';
import type { Logger } from '../shared/logger.ts';
import { workerOptions } from './connection.ts';
import type { JobAnswer, JobHandler, JobKind, JobWorker } from './queue.ts';

export interface WorkerOptions {
  readonly redisUrl: string;
  readonly prefix: string;
  readonly kind: JobKind;
  readonly handler: JobHandler;
  readonly concurrency: number;
  readonly logger: Logger;
  readonly clock: Clock;
}

interface JobData {
  readonly id: string;
  readonly generation: number;
}

/**
 * Renewed at half time while the event loop turns: a handler may take longer, a process that hangs may not. Half of
 * BullMQ's default: a job whose handing over was cut (Redis killed after it moved the job, before we heard) has no
 * worker, and lies still until its lock has run out and two checks have passed: 25 s at most.
 */
const LOCK_MS = 15_000;
const STALLED_CHECK_MS = 5_000;
/** BullMQ's default 1 would fail a job whose worker was killed twice; the ledger's own lease is what counts attempts. */
const STALLED_MAX = 1_000;
/** How long an idle worker listens before it asks anew, in seconds. */
const DRAIN_DELAY_S = 5;
/** BullMQ's default of 15 s would let work lie still after Redis is back. */
const RUN_RETRY_MS = 1_000;
/** After a handler that threw: a bug of ours, so not soon, but the promise of at least once stands. */
const BUG_DELAY_MS = 60_000;
/** For the goodbye after the running jobs were told to stop. */
const LET_GO_MS = 500;

/** Carries the delay to BullMQ's backoff. Its text is kept in Redis while the job waits, so it says nothing. */
class SpentAttempt extends Error {
  readonly delayMs: number;

  constructor(delayMs: number) {
    super('retry');
    this.name = 'SpentAttempt';
    this.delayMs = delayMs;
  }
}

/** BullMQ's close() has no timeout and waits for a dead Redis (measured: 12 s and counting); this one can be dropped. */
class DroppableWorker extends Worker<JobData> {
  drop(): void {
    this.lockManager.close().catch(() => {});
    this.disconnect().catch(() => {});
    const backend = this.getBackend();
    for (const client of [backend.client, backend.blockingClient]) {
      client?.then((redis) => redis.disconnect()).catch(() => {});
    }
  }
}

export function openWorker(options: WorkerOptions): JobWorker {
  const { logger, clock, kind } = options;
  const worker = new DroppableWorker(kind, (job, token, signal) => runJob(options, job, token, signal), {
    connection: workerOptions(options.redisUrl),
    prefix: options.prefix,
    concurrency: options.concurrency,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_CHECK_MS,
    maxStalledCount: STALLED_MAX,
    drainDelay: DRAIN_DELAY_S,
    runRetryDelay: RUN_RETRY_MS,
    settings: { backoffStrategy: (_attempts, _type, thrown) => (thrown instanceof SpentAttempt ? thrown.delayMs : 0) },
  });
  worker.on('error', (thrown) => logger.debug('queue.worker', { code: errorName(thrown) }));
  worker.on('stalled', (jobId) => logger.warn('queue.stalled', { jobId }));
  // Another worker may be running the same job now: the handler is told, and its claim in the ledger settles who goes on.
  worker.on('lockRenewalFailed', (jobIds) => {
    for (const jobId of jobIds) worker.cancelJob(jobId, 'lock-lost');
  });
  return { release: (deadlineMs) => release(worker, deadlineMs, clock) };
}

async function runJob(
  options: WorkerOptions,
  job: BullJob<JobData>,
  token: string | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const answer = await answerOf(options, job, signal ?? new AbortController().signal);
  if (answer.kind === 'done') return;
  if (answer.kind === 'retry') throw new SpentAttempt(Math.max(0, answer.delayMs));
  await job.moveToDelayed(options.clock.now().getTime() + Math.max(0, answer.delayMs), token);
  throw new DelayedError();
}

async function answerOf(options: WorkerOptions, job: BullJob<JobData>, signal: AbortSignal): Promise<JobAnswer> {
  const { id, generation } = job.data;
  const attempt = job.attemptsMade + 1;
  try {
    return await options.handler({ kind: options.kind, id, generation, attempt }, signal);
  } catch (thrown) {
    options.logger.error('queue.handler-threw', { jobId: `${id}-${generation}`, attempt }, thrown);
    return { kind: 'retry', delayMs: BUG_DELAY_MS };
  }
}

async function release(worker: DroppableWorker, deadlineMs: number, clock: Clock): Promise<void> {
  const closed = worker.close().catch(() => {});
  if (await isInTime(closed, deadlineMs, clock)) return;
  worker.cancelAllJobs('release');
  worker.drop();
  await isInTime(closed, LET_GO_MS, clock);
}

async function isInTime(done: Promise<void>, deadlineMs: number, clock: Clock): Promise<boolean> {
  const enough = new AbortController();
  const late = clock.wait(deadlineMs, enough.signal).then(() => false);
  return Promise.race([done.then(() => true), late]).finally(() => enough.abort());
}

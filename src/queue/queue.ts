/**
 * The door of queue/: jobs wait here. A job carries ids only; the ledger knows what they mean and whether they are done.
 *
 * It promises: at least once. A job may run twice, or twice at the same time; handlers claim their ledger row first.
 * It never holds content, and it may be emptied at any moment without loss (pipeline/recover adds again).
 */

/** read: a batch of mails of one mailbox. deliver: one report for one target. send: one registration, its parts in order. */
export type JobKind = 'read' | 'deliver' | 'send';

export interface Job {
  readonly kind: JobKind;
  /** The ledger id of the batch, the delivery or the registration. */
  readonly id: string;
  /** Counts how often the sweeper added it again; part of the job's identity `<id>-<generation>`. */
  readonly generation: number;
}

/** What a handler says of its job. Only a bug makes a handler throw. */
export type JobAnswer =
  /** At rest, or nothing to do. */
  | { readonly kind: 'done' }
  /** Not its turn (patient busy, target paused): again after the delay, without spending an attempt. */
  | { readonly kind: 'later'; readonly delayMs: number }
  /** Tried and failed: an attempt is spent, again after the delay. */
  | { readonly kind: 'retry'; readonly delayMs: number };

export interface RunningJob extends Job {
  /** 1 on the first try. */
  readonly attempt: number;
}

export type JobHandler = (job: RunningJob, signal: AbortSignal) => Promise<JobAnswer>;

export interface WorkOptions {
  readonly concurrency: number;
}

export interface JobWorker {
  /** Stops taking jobs, waits for the running ones up to the deadline, then lets go whatever Redis says. */
  release(deadlineMs: number): Promise<void>;
}

export interface JobQueue {
  /** Adds in bulk; a job that is already there is absorbed. Fails fast (transient Failure `queue.unreachable`) when Redis is away. */
  add(jobs: readonly Job[]): Promise<void>;
  work(kind: JobKind, handler: JobHandler, options: WorkOptions): JobWorker;
  /** Jobs per kind that wait, are delayed or run: for status. */
  counts(kind: JobKind): Promise<{ readonly waiting: number; readonly delayed: number; readonly active: number }>;
  release(): Promise<void>;
}

export { type AdaptiveLimit, newAdaptiveLimit } from './adaptive-limit.ts';
export { type Breaker, type BreakerOptions, newBreaker } from './breaker.ts';
export { openQueue, type QueueOptions } from './bullmq.ts';
export { type LateQueue, openQueueLate } from './late-queue.ts';
export { type Decision, decide } from './retry-policy.ts';

/**
 * The queue on BullMQ 6: one BullMQ queue per kind, one producer connection for all of them.
 *
 * Why a job may run again: adding is absorbed by the job id `<id>-<generation>` only while that job is in the queue
 * (removeOnComplete), a lost lock runs a job twice, and an emptied Redis is filled again by the sweeper. The ledger decides.
 */

import { Queue } from 'bullmq';
import type { Clock } from '../shared/clock.ts';
import { Failure } from '../shared/failure.ts';
import type { Logger } from '../shared/logger.ts';
import { openProducer } from './connection.ts';
import type { Job, JobKind, JobQueue } from './queue.ts';
import { checkServer } from './server-check.ts';
import { openWorker } from './worker.ts';

export interface QueueOptions {
  /** `redis://…`, `rediss://…` or `unix:///path`. */
  readonly redisUrl: string;
  /** Before every key: installations and test files that share a Redis have one of their own. */
  readonly prefix?: string;
  readonly logger: Logger;
  readonly clock: Clock;
}

const KINDS: readonly JobKind[] = ['read', 'deliver', 'send'];
const ADD_MAX_PER_CALL = 500;
const ANSWER_TIMEOUT_MS = 5_000;
const RELEASE_TIMEOUT_MS = 2_000;

/** The policy says when to stop (retry-policy.ts), not BullMQ: a job that it failed would be gone without a reason. */
const ATTEMPTS_UNLIMITED = 1_000_000;
const JOB_OPTIONS = {
  attempts: ATTEMPTS_UNLIMITED,
  backoff: { type: 'custom' },
  // An id that lingers as completed or failed would make BullMQ ignore the same id silently (reliability §4, trap A).
  removeOnComplete: true,
  removeOnFail: true,
  // Stack traces would be kept in Redis.
  stackTraceLimit: 0,
} as const;

/** Connects, and refuses a Redis that would lose jobs. Throws `queue.unreachable` or `queue.eviction-policy`. */
export async function openQueue(options: QueueOptions): Promise<JobQueue> {
  const { logger, clock } = options;
  const prefix = options.prefix ?? 'zorgkoerier';
  const producer = openProducer(options.redisUrl);
  producer.on('error', (thrown) => logger.debug('queue.connection', { code: codeOf(thrown) }));
  const forget = tellOutages(producer, logger);
  try {
    await answered(producer.connect(), clock);
    checkServer(await answered(producer.info(), clock), logger);
  } catch (thrown) {
    forget();
    producer.disconnect();
    throw thrown;
  }
  const queues = openQueues(producer, prefix, logger);
  return {
    add: async (jobs) => {
      for (const kind of KINDS) {
        const ours = jobs.filter((job) => job.kind === kind);
        for (let from = 0; from < ours.length; from += ADD_MAX_PER_CALL) {
          const chunk = ours.slice(from, from + ADD_MAX_PER_CALL).map(asBulk);
          await answered(queues[kind].addBulk(chunk), clock);
        }
      }
    },
    work: (kind, handler, { concurrency }) =>
      openWorker({ redisUrl: options.redisUrl, prefix, kind, handler, concurrency, logger, clock }),
    counts: async (kind) => {
      const counts = await answered(queues[kind].getJobCounts('wait', 'prioritized', 'delayed', 'active'), clock);
      const of = (state: string) => counts[state] ?? 0;
      return { waiting: of('wait') + of('prioritized'), delayed: of('delayed'), active: of('active') };
    },
    release: async () => {
      forget();
      const closing = Promise.all(KINDS.map((kind) => queues[kind].close()));
      await within(closing, RELEASE_TIMEOUT_MS, clock);
      producer.disconnect();
    },
  };
}

/** One line when Redis goes and one when it is back, however often the connection is tried in between. */
function tellOutages(producer: ReturnType<typeof openProducer>, logger: Logger): () => void {
  let isAway = false;
  const tell = (isAwayNow: boolean) => {
    if (isAway === isAwayNow) return;
    isAway = isAwayNow;
    if (isAway) logger.warn('queue.away', { code: 'queue.unreachable' });
    else logger.info('queue.back');
  };
  const away = () => tell(true);
  const back = () => tell(false);
  producer.on('close', away).on('ready', back);
  return () => void producer.off('close', away).off('ready', back);
}

function openQueues(producer: ReturnType<typeof openProducer>, prefix: string, logger: Logger): Record<JobKind, Queue> {
  const open = (kind: JobKind) => {
    const queue = new Queue(kind, { connection: producer, prefix, defaultJobOptions: JOB_OPTIONS });
    queue.on('error', (thrown) => logger.debug('queue.connection', { code: codeOf(thrown) }));
    return queue;
  };
  return { read: open('read'), deliver: open('deliver'), send: open('send') };
}

function asBulk(job: Job): { name: string; data: { id: string; generation: number }; opts: { jobId: string } } {
  const { kind, id, generation } = job;
  return { name: kind, data: { id, generation }, opts: { jobId: `${id}-${generation}` } };
}

/** The answer, or `queue.unreachable`: whatever Redis did not answer in time may be asked again, the job id absorbs it. */
async function answered<T>(asked: Promise<T>, clock: Clock): Promise<T> {
  const answer = await within(asked, ANSWER_TIMEOUT_MS, clock);
  if (answer.kind === 'value') return answer.value;
  const cause = answer.kind === 'thrown' ? answer.thrown : undefined;
  throw new Failure('queue.unreachable', { kind: 'transient', scope: 'peer', cause, fields: { code: codeOf(cause) } });
}

type Answer<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'thrown'; readonly thrown: unknown }
  | { readonly kind: 'late' };

/** What becomes of a promise within the time; never rejects, and a late rejection has been heard. */
async function within<T>(asked: Promise<T>, timeoutMs: number, clock: Clock): Promise<Answer<T>> {
  const enough = new AbortController();
  const heard = asked.then(
    (value): Answer<T> => ({ kind: 'value', value }),
    (thrown: unknown): Answer<T> => ({ kind: 'thrown', thrown }),
  );
  const late = clock.wait(timeoutMs, enough.signal).then((): Answer<T> => ({ kind: 'late' }));
  return Promise.race([heard, late]).finally(() => enough.abort());
}

function codeOf(thrown: unknown): string {
  if (thrown === undefined) return 'timeout';
  const code = thrown instanceof Error ? (thrown as NodeJS.ErrnoException).code : undefined;
  return code ?? (thrown instanceof Error ? thrown.name : typeof thrown);
}

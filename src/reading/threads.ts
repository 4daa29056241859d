/**
 * The pool of reading threads. A thread that is over its time or its memory is ended, whatever it is doing: an endless
 * loop or a regular expression that never comes back too. The others go on, and the next mail gets a new thread.
 */

import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { LaboratoryRegistry } from '../lab/lab.ts';
import type { Clock } from '../shared/clock.ts';
import { Failure } from '../shared/failure.ts';
import type { Logger } from '../shared/logger.ts';
import { type Answer, fromAnswer, type Question } from './crossing.ts';
import type { MailStopped, ReadingThreads } from './reading.ts';

/** What a thread may hold of JavaScript objects. Buffers are not in it: those are bound by the size of a mail. */
const HEAP_MAX_MB = 256;
/** A thread that has nothing to read goes. */
const IDLE_MS = 30_000;

export interface ThreadsOptions {
  readonly registry: LaboratoryRegistry;
  readonly clock: Clock;
  readonly logger: Logger;
  /** As many as are read at once: a mail that waited for a thread would spend its time waiting. */
  readonly threadsMax: number;
  /** From asking to answering, a new thread's start included. */
  readonly withinMs: number;
  /** What runs in the thread, exporting `readInThread`; the tests put a reader here that never ends. */
  readonly module?: URL;
}

/** No thread starts before the first mail, and none keeps the process alive. */
export function openReadingThreads(options: ThreadsOptions): ReadingThreads {
  let pool: Piscina<Question, Answer> | null = null;
  let isReleased = false;
  const ask = async (question: Omit<Question, 'registry'>) => {
    if (isReleased) throw released();
    pool ??= openPool(options);
    const answer = await answered(pool, options, { ...question, registry: options.registry });
    if (answer.kind !== 'stopped') return fromAnswer(answer);
    // Then it is us who ended the thread.
    if (isReleased) throw released();
    return answer;
  };
  return {
    read: async (raw, fileName) => {
      const read = await ask({ purpose: 'laboratory', raw: new Uint8Array(raw), fileName });
      if (read.kind === 'returned' || read.kind === 'shown') throw answeredAnother();
      return read;
    },
    readReturned: async (raw) => {
      const read = await ask({ purpose: 'return', raw: new Uint8Array(raw), fileName: null });
      if (read.kind === 'read' || read.kind === 'shown') throw answeredAnother();
      return read;
    },
    show: async (raw) => {
      const shown = await ask({ purpose: 'show', raw: new Uint8Array(raw), fileName: null });
      if (shown.kind === 'read' || shown.kind === 'returned') throw answeredAnother();
      return shown;
    },
    release: async () => {
      isReleased = true;
      await pool?.destroy();
    },
  };
}

function openPool({ threadsMax, logger, module }: ThreadsOptions): Piscina<Question, Answer> {
  const pool = new Piscina<Question, Answer>({
    filename: fileURLToPath(module ?? new URL('./thread.ts', import.meta.url)),
    name: 'readInThread',
    minThreads: 0,
    maxThreads: threadsMax,
    idleTimeout: IDLE_MS,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MAX_MB },
    // Of the environment, with its passwords and keys, a thread that opens what comes from outside needs nothing.
    env: {},
    execArgv: [],
  });
  // Of a thread that ended without a task, or could not start; its text may hold content. Unheard it would end us.
  pool.on('error', () => logger.error('a reading thread failed', { code: 'reading.thread-failed' }));
  return pool;
}

async function answered(
  pool: Piscina<Question, Answer>,
  { clock, withinMs }: ThreadsOptions,
  question: Question,
): Promise<Answer | MailStopped> {
  const [late, done] = [new AbortController(), new AbortController()];
  const waiting = clock.wait(withinMs, done.signal).then(() => {
    if (!done.signal.aborted) late.abort();
  });
  try {
    return await pool.run(question, { signal: late.signal });
  } catch (thrown) {
    return { kind: 'stopped', by: late.signal.aborted ? 'time' : causeOf(thrown) };
  } finally {
    done.abort();
    await waiting;
  }
}

function causeOf(thrown: unknown): MailStopped['by'] {
  return (thrown as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'memory' : 'unknown';
}

function answeredAnother(): Failure {
  return new Failure('reading.answered-another', { kind: 'defect' });
}

function released(): Failure {
  return new Failure('reading.released', { kind: 'transient', scope: 'peer' });
}

/**
 * A fuzzing run over all cores. Which input is which depends on seed and index only, never on the number of threads. A
 * thread that dies, or that does not come back from an input, is a finding, and another goes on behind it.
 */

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { monotonicMs, systemClock } from '../../src/shared/clock.ts';
import { errorName } from '../../src/shared/failure.ts';
import type { Verdict } from './judge.ts';
import type { Batch, WorkerTask } from './worker.ts';

export interface FuzzOptions {
  readonly runs: number;
  readonly seed: number;
  readonly threads?: number;
  readonly onProgress?: (summary: FuzzSummary) => void;
}

export interface Finding {
  readonly seed: number;
  readonly index: number;
  readonly complaints: readonly string[];
}

export interface FuzzSummary {
  readonly seed: number;
  readonly inputs: number;
  readonly seconds: number;
  readonly inputsPerSecond: number;
  readonly outcomes: Readonly<Record<Verdict['outcome'], number>>;
  /** In how many inputs each reason to quarantine was met. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
  readonly slowest: { readonly index: number; readonly ms: number };
  /** Resident memory, in bytes: when the threads had warmed up, and at its highest after that. */
  readonly rss: { readonly start: number; readonly highest: number };
}

/**
 * No input of this size takes a second. This only notices one that hangs, on a machine under any load; loading a thread is
 * within it too.
 */
export const HANG_MS = 30_000;
/** Bytes that the process may grow after warming up. Garbage that is not collected yet is part of it. */
export const RSS_GROWTH_MAX = 384 * 1024 * 1024;
/** More than this many findings say nothing new. */
const FINDINGS_MAX = 50;
const WATCH_MS = 500;

/** Runs all inputs of the seed and says what became of them. */
export async function fuzz({ runs, seed, threads, onProgress }: FuzzOptions): Promise<FuzzSummary> {
  const count = Math.max(1, Math.min(threads ?? availableParallelism(), runs));
  const run = new Run(seed);
  const stop = systemClock.every(WATCH_MS, () => {
    run.sampleMemory();
    onProgress?.(run.summary());
  });
  try {
    await Promise.all(Array.from({ length: count }, (_, first) => follow(run, { first, stride: count, end: runs })));
  } finally {
    stop();
  }
  run.sampleMemory();
  return run.summary();
}

async function follow(run: Run, task: Pick<WorkerTask, 'first' | 'stride' | 'end'>): Promise<void> {
  let first = task.first;
  while (first < task.end && !run.isEnough) {
    const stoppedAt = await oneThread(run, { ...task, first });
    if (stoppedAt === null) return;
    first = stoppedAt + task.stride;
  }
}

/** Null when the thread did all of it, else the index at which it stopped. */
function oneThread(run: Run, task: Pick<WorkerTask, 'first' | 'stride' | 'end'>): Promise<number | null> {
  const current = new SharedArrayBuffer(4);
  const index = () => Atomics.load(new Int32Array(current), 0);
  Atomics.store(new Int32Array(current), 0, task.first);
  const workerData: WorkerTask = { ...task, seed: run.seed, current };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData });
  return new Promise((resolve) => {
    let complaint: string | null = null;
    let since = { index: -1, ms: monotonicMs() };
    const stopWatching = systemClock.every(WATCH_MS, () => {
      if (since.index !== index()) since = { index: index(), ms: monotonicMs() };
      if (monotonicMs() - since.ms > HANG_MS) complaint = `no answer within ${HANG_MS} ms`;
      if (complaint !== null || run.isEnough) worker.terminate().catch(() => {});
    });
    worker.on('message', (batch: Batch) => run.add(batch));
    worker.on('error', (thrown) => {
      complaint ??= `the process would have died: ${errorName(thrown)}`;
    });
    worker.on('exit', (code) => {
      stopWatching();
      if (complaint !== null) run.find(index(), [complaint]);
      resolve(code === 0 && complaint === null ? null : index());
    });
  });
}

class Run {
  readonly seed: number;
  readonly #began = monotonicMs();
  readonly #findings: Finding[] = [];
  readonly #reasons = new Map<string, number>();
  readonly #outcomes = { reports: 0, 'not-lab': 0, quarantined: 0 };
  #inputs = 0;
  #slowest = { index: -1, ms: 0 };
  #rss: { start: number; highest: number } | null = null;

  constructor(seed: number) {
    this.seed = seed;
  }

  get isEnough(): boolean {
    return this.#findings.length >= FINDINGS_MAX;
  }

  add({ inputs, outcomes, reasons, findings, slowest }: Batch): void {
    this.#inputs += inputs;
    this.#outcomes.reports += outcomes.reports;
    this.#outcomes['not-lab'] += outcomes['not-lab'];
    this.#outcomes.quarantined += outcomes.quarantined;
    for (const [reason, count] of Object.entries(reasons)) {
      this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + count);
    }
    for (const { index, complaints } of findings) this.find(index, complaints);
    if (slowest.ms > this.#slowest.ms) this.#slowest = slowest;
  }

  find(index: number, complaints: readonly string[]): void {
    this.#findings.push({ seed: this.seed, index, complaints });
  }

  // From when every thread has read its first thousands of inputs: before that its code and corpus are loaded.
  sampleMemory(): void {
    if (this.#inputs < WARM_INPUTS) return;
    const { rss } = process.memoryUsage();
    this.#rss = { start: this.#rss?.start ?? rss, highest: Math.max(this.#rss?.highest ?? 0, rss) };
  }

  summary(): FuzzSummary {
    const seconds = (monotonicMs() - this.#began) / 1000;
    return {
      seed: this.seed,
      inputs: this.#inputs,
      seconds: Number(seconds.toFixed(1)),
      inputsPerSecond: Math.round(this.#inputs / seconds),
      outcomes: { ...this.#outcomes },
      reasons: Object.fromEntries([...this.#reasons].sort(([a], [b]) => a.localeCompare(b))),
      findings: [...this.#findings],
      slowest: this.#slowest,
      rss: this.#rss ?? { start: 0, highest: 0 },
    };
  }
}

const WARM_INPUTS = 10_000;

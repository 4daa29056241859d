/** One thread of a fuzzing run: every `stride`th input from `first`, each judged, and told of in batches. */

import { parentPort, workerData } from 'node:worker_threads';
import { monotonicMs } from '../../src/shared/clock.ts';
import { loadCorpus } from './corpus.ts';
import { fuzzInput } from './input.ts';
import { judge, type Verdict } from './judge.ts';

export interface WorkerTask {
  readonly seed: number;
  readonly first: number;
  readonly stride: number;
  /** One past the last index. */
  readonly end: number;
  /** One 32-bit number: the index that is being read, for whoever watches that it does not hang. */
  readonly current: SharedArrayBuffer;
}

export interface Batch {
  readonly inputs: number;
  readonly outcomes: Readonly<Record<Verdict['outcome'], number>>;
  readonly reasons: Readonly<Record<string, number>>;
  readonly findings: readonly { readonly index: number; readonly complaints: readonly string[] }[];
  readonly slowest: { readonly index: number; readonly ms: number };
}

const BATCH_INPUTS = 1000;
/** Every so many inputs the answer is compared with the published schema. */
const SCHEMA_EVERY = 10;

class Tally implements Batch {
  inputs = 0;
  readonly outcomes = { reports: 0, 'not-lab': 0, quarantined: 0 };
  readonly reasons: Record<string, number> = {};
  readonly findings: { index: number; complaints: readonly string[] }[] = [];
  slowest = { index: -1, ms: 0 };

  add(index: number, ms: number, { outcome, reasons, complaints }: Verdict): void {
    this.inputs += 1;
    this.outcomes[outcome] += 1;
    for (const reason of new Set(reasons)) this.reasons[reason] = (this.reasons[reason] ?? 0) + 1;
    if (complaints.length > 0) this.findings.push({ index, complaints });
    if (ms > this.slowest.ms) this.slowest = { index, ms };
  }
}

async function work({ seed, first, stride, end, current }: WorkerTask, tell: (batch: Batch) => void): Promise<void> {
  const corpus = loadCorpus();
  const watched = new Int32Array(current);
  let tally = new Tally();
  for (let index = first; index < end; index += stride) {
    Atomics.store(watched, 0, index);
    const input = fuzzInput(corpus, seed, index);
    const began = monotonicMs();
    const verdict = await judge(input, index % SCHEMA_EVERY === 0);
    tally.add(index, monotonicMs() - began, verdict);
    if (tally.inputs === BATCH_INPUTS) {
      tell({ ...tally });
      tally = new Tally();
    }
  }
  tell({ ...tally });
}

await work(workerData as WorkerTask, (batch) => parentPort?.postMessage(batch));

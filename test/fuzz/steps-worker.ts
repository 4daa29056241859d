/**
 * Counts steps. V8 itself counts how often every block of code was run (precise coverage, as coverage tools use it), so
 * the readers need no counter. A step is one run of one character of source: blocks that V8 joins, because they were run
 * equally often, weigh the same joined and apart. What built-in functions look at is counted apart (count-builtins.ts), so
 * that neither hides the other.
 */

import { Session } from 'node:inspector/promises';
import { parentPort } from 'node:worker_threads';
import { builtinSteps, countBuiltins } from './count-builtins.ts';
import { judge } from './judge.ts';
import type { Shape } from './shapes.ts';

export interface StepsTask extends Pick<Shape, 'kind' | 'fileName'> {
  readonly bytes: Uint8Array;
}

export interface Counted {
  readonly steps: number;
  /** Characters, bytes and items that built-in functions looked at. */
  readonly lookedAt: number;
  readonly outcome: string;
  readonly reasons: readonly string[];
  readonly complaints: readonly string[];
}

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

/** Ours, and the packages that read for us; not the tests, and not Node.js itself. */
const COUNTED = /\/(?:src|node_modules)\//;

countBuiltins();
const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

// One at a time: whoever asks waits for the answer.
parentPort?.on('message', (task: StepsTask) => {
  void count(task).then((counted) => parentPort?.postMessage(counted));
});

async function count({ bytes, kind, fileName }: StepsTask): Promise<Counted> {
  // Taking sets every count back to zero.
  await session.post('Profiler.takePreciseCoverage');
  const before = builtinSteps();
  const verdict = await judge({ kind, fileName, bytes: Buffer.from(bytes), isMedrptEnabled: true }, false);
  const lookedAt = builtinSteps() - before;
  const { result } = await session.post('Profiler.takePreciseCoverage');
  const scripts = result.filter(({ url }) => COUNTED.test(url) && !url.includes('/test/'));
  const functions = scripts.flatMap((script) => script.functions);
  const steps = functions.reduce((sum, { ranges }) => sum + stepsIn(ranges), 0);
  return { ...verdict, steps, lookedAt };
}

// The first range is the whole function; the others are its blocks, inside each other, outer ones first.
function stepsIn(ranges: readonly Range[]): number {
  const open: Range[] = [];
  let steps = 0;
  for (const range of ranges) {
    while (open.length > 0 && (open.at(-1)?.endOffset ?? 0) <= range.startOffset) open.pop();
    const length = range.endOffset - range.startOffset;
    steps += length * (range.count - (open.at(-1)?.count ?? 0));
    open.push(range);
  }
  return steps;
}

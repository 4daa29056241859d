/**
 * The readers are linear: of four times as much they make at most six times the steps. Steps are counted, not timed (see
 * steps-worker.ts), so that the answer is the same on a busy machine.
 */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SHAPES, type Shape } from './shapes.ts';
import type { Counted, StepsTask } from './steps-worker.ts';

const RATIO_MAX = 6;

let counter: Worker;

beforeAll(async () => {
  counter = new Worker(new URL('./steps-worker.ts', import.meta.url));
  // The first reading compiles, and fills what is made once.
  for (const { kind, fileName, text } of SHAPES) await steps({ kind, fileName, bytes: Buffer.from(text(1), 'latin1') });
});

afterAll(() => counter.terminate());

async function steps(task: StepsTask): Promise<Counted> {
  counter.postMessage(task);
  const [counted] = await once(counter, 'message');
  return counted as Counted;
}

async function stepsOf(shape: Shape, n: number): Promise<Counted> {
  const { kind, fileName, text, answer } = shape;
  const counted = await steps({ kind, fileName, bytes: Buffer.from(text(n), 'latin1') });
  expect(counted.complaints).toEqual([]);
  expect([counted.outcome, ...counted.reasons]).toContain(answer);
  return counted;
}

describe('four times as many take at most six times the steps', () => {
  it.each(SHAPES)('$name', async (shape) => {
    const few = await stepsOf(shape, shape.n);
    const many = await stepsOf(shape, 4 * shape.n);
    expect(few.steps).toBeGreaterThan(0);
    expect(many.steps / few.steps).toBeLessThanOrEqual(RATIO_MAX);
    expect(many.lookedAt / few.lookedAt).toBeLessThanOrEqual(RATIO_MAX);
  });
});

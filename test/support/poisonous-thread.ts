/**
 * A reader as the pool runs it, with the defects that a real one could have: put in its place by the tests' composition.
 * What a mail says decides which defect it meets; every other mail is read as always.
 */

import type { Answer, Question } from '../../src/reading/crossing.ts';
import { readInThread as read } from '../../src/reading/thread.ts';

export const POISON = {
  loops: 'x-poison-that-loops',
  backtracks: 'x-poison-that-backtracks',
  hungers: 'x-poison-that-hungers',
  exits: 'x-poison-that-exits',
} as const;

export async function readInThread(question: Question): Promise<Answer> {
  const raw = Buffer.from(question.raw);
  for (; raw.includes(POISON.loops); );
  if (raw.includes(POISON.backtracks)) /^(a+)+$/.test(`${'a'.repeat(200)}!`);
  if (raw.includes(POISON.hungers)) hunger();
  if (raw.includes(POISON.exits)) process.exit(7);
  return read(question);
}

function hunger(): never {
  const eaten: number[][] = [];
  for (;;) eaten.push(new Array<number>(1_000_000).fill(0.5));
}

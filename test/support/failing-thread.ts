/** A reader as the pool runs it, with a defect in it: its laboratory registry is not one. */

import type { Answer, Question } from '../../src/reading/crossing.ts';
import { readInThread as read } from '../../src/reading/thread.ts';

export async function readInThread(question: Question): Promise<Answer> {
  const broken = new Proxy(question.registry, {
    get: () => {
      throw new TypeError('content that must not be shown');
    },
  });
  return read({ ...question, registry: broken });
}

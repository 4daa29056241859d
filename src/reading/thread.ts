/** What runs in a reading thread: one mail at a time, nothing kept between two. It has no key, no ledger and no log. */

import { type Answer, asAnswer, type Question } from './crossing.ts';
import { readHere } from './read-here.ts';

export async function readInThread({ raw, fileName, registry }: Question): Promise<Answer> {
  return asAnswer(await readHere(Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength), fileName, registry));
}

/** What runs in a reading thread: one mail at a time, nothing kept between two. It has no key, no ledger and no log. */

import { type Answer, asAnswer, type Question } from './crossing.ts';
import { readHere, readReturnedHere, showHere } from './read-here.ts';

export async function readInThread({ purpose, raw, fileName, registry }: Question): Promise<Answer> {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  if (purpose === 'show') return asAnswer(await showHere(bytes));
  return asAnswer(await (purpose === 'return' ? readReturnedHere(bytes) : readHere(bytes, fileName, registry)));
}

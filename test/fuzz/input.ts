/** The input that a seed and an index stand for: the same on every machine, whoever makes it, in whatever order. */

import { derivedSeed, type Random, seededRandom } from '../../src/sandbox/generator/random.ts';
import { laboratoryMail, type MailShape } from '../../src/sandbox/laboratory.ts';
import type { CorpusItem } from './corpus.ts';
import { MUTATORS } from './mutators.ts';

export interface FuzzInput extends CorpusItem {
  readonly seed: number;
  readonly index: number;
  /** Whether MEDRPT is read as from a laboratory that it is switched on for. */
  readonly isMedrptEnabled: boolean;
}

/** Inputs stay small, so that many can be tried; limits of size have tests of their own. */
export const INPUT_BYTES_MAX = 64 * 1024;

const NAMES = Object.keys(MUTATORS);
const SHAPES: readonly MailShape[] = ['attachment-base64', 'body-8bit', 'quoted-printable', 'mixed-with-text'];

/** Makes the input. */
export function fuzzInput(corpus: readonly CorpusItem[], seed: number, index: number): FuzzInput {
  const random = seededRandom(derivedSeed(seed, index));
  const item = random.pick(corpus);
  const mutated = { ...item, bytes: mutate(random, item.bytes, corpus) };
  const placed = place(random, mutated, corpus);
  return {
    ...placed,
    bytes: placed.bytes.subarray(0, INPUT_BYTES_MAX),
    seed,
    index,
    isMedrptEnabled: random.isLucky(0.5),
  };
}

function mutate(random: Random, bytes: Buffer, corpus: readonly CorpusItem[]): Buffer {
  let mutated = bytes;
  do {
    mutated =
      (MUTATORS[random.pick(NAMES)] ?? MUTATORS['flip a bit'])?.(random, mutated, random.pick(corpus).bytes) ?? mutated;
    mutated = mutated.subarray(0, INPUT_BYTES_MAX);
  } while (random.isLucky(0.6));
  return mutated;
}

// Damage inside an undamaged mail reaches the readers of payloads; damage around one, those of mail.
function place(random: Random, item: CorpusItem, corpus: readonly CorpusItem[]): CorpusItem {
  const draw = random.next();
  if (item.kind === 'file' && draw < 0.25) return inMail(random, item.bytes);
  if (item.kind === 'file' && draw < 0.35) {
    const mail = inMail(random, item.bytes);
    return { ...mail, bytes: mutate(random, mail.bytes, corpus) };
  }
  if (draw < 0.4) return { ...item, kind: 'mail', fileName: 'x.eml' };
  if (draw < 0.45) return { ...item, kind: 'file', fileName: random.pick(['x', 'x.edi', 'x.hl7', 'x.eml', 'x.xml']) };
  if (draw < 0.5) return nested(random, item.bytes);
  return item;
}

function inMail(random: Random, payload: Buffer): CorpusItem {
  const shape = random.pick(SHAPES);
  const mail = { payload, shape, to: '500088001', from: 'uitslagen@sandbox-noord.example' };
  return { kind: 'mail', fileName: 'x.eml', bytes: laboratoryMail(mail) };
}

// Multiparts and mails inside each other, up to and over the limits of depth and parts.
function nested(random: Random, bytes: Buffer): CorpusItem {
  let inner = bytes;
  for (let depth = random.int(1, 14); depth > 0 && inner.length < INPUT_BYTES_MAX; depth -= 1) {
    inner = random.isLucky(0.5) ? insideMail(inner) : insideMultipart(random, inner, `b${random.int(1, 3)}`);
  }
  return { kind: 'mail', fileName: 'x.eml', bytes: inner };
}

function insideMail(inner: Buffer): Buffer {
  return Buffer.concat([Buffer.from('Subject: Fwd\r\nContent-Type: message/rfc822\r\n\r\n'), inner]);
}

function insideMultipart(random: Random, inner: Buffer, boundary: string): Buffer {
  const parts = random.isLucky(0.95) ? random.int(1, 3) : random.int(90, 110);
  const before = `--${boundary}\r\n\r\nx\r\n`.repeat(parts - 1);
  const head = `Content-Type: multipart/mixed; boundary="${boundary}"\r\n\r\n${before}--${boundary}\r\n`;
  return Buffer.concat([Buffer.from(head), inner, Buffer.from(`\r\n--${boundary}--\r\n`)]);
}

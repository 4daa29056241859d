/** Identifiers: UUIDv7 (RFC 9562 §5.7), made by the worker, branded so that a mail id is never taken for a report id. */

import { randomBytes } from 'node:crypto';
import { systemClock } from './clock.ts';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type PracticeId = Branded<'practice'>;
export type MailboxId = Branded<'mailbox'>;
export type MailId = Branded<'mail'>;
export type BatchId = Branded<'batch'>;
export type ReportId = Branded<'report'>;
export type DeliveryId = Branded<'delivery'>;
export type WorkerId = Branded<'worker'>;
export type SourceId = Branded<'source'>;
export type RegistrationId = Branded<'registration'>;
export type OutwardMailId = Branded<'outward-mail'>;

/** Ids of one process never go backwards within a millisecond: a counter in rand_a (RFC 9562 §6.2, method 1). */
const COUNTER_MAX = 0x0fff;
let lastMs = 0;
let counter = 0;

/** A new UUIDv7: milliseconds, a counter, then randomness, so that rows sort by birth. */
export function newId<Id extends string>(): Id {
  const { ms, count } = nextTick(systemClock.now().getTime());
  const bytes = randomBytes(16);
  bytes.writeUIntBE(ms, 0, 6);
  bytes.writeUInt16BE(0x7000 | count, 6);
  bytes[8] = (bytes.readUInt8(8) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}` as Id;
}

// A clock that is set back, or a full counter, borrows from the next millisecond rather than go backwards.
function nextTick(nowMs: number): { ms: number; count: number } {
  if (nowMs > lastMs) {
    lastMs = nowMs;
    counter = randomBytes(2).readUInt16BE() & 0x03ff;
  } else if (counter === COUNTER_MAX) {
    lastMs += 1;
    counter = 0;
  } else counter += 1;
  return { ms: lastMs, count: counter };
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether a text from outside (a command line, a job) has the shape of one of our ids. */
export function isId(text: string): boolean {
  return UUID.test(text);
}

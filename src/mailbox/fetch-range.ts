/**
 * Copies mails by uid. A mail that is absent from an answer is asked for again, and is called vanished only when the
 * server also does not find it: a HIS deletes while we look, and "nothing" is also what a broken answer looks like.
 */

import type { FetchMessageObject, FetchQueryObject } from 'imapflow';
import { Failure } from '../shared/failure.ts';
import type { ExaminedFolder } from './client.ts';
import { mailboxFailure } from './failures.ts';
import type { CopiedMail, FetchedRange, OversizedMail } from './mailbox.ts';
import { uidSet } from './uid-set.ts';

const UIDS_MAX = 200;
const HEAD = { uid: true, size: true, internalDate: true } as const;

interface Seen {
  readonly mails: readonly CopiedMail[];
  readonly oversized: readonly OversizedMail[];
}

interface Head {
  readonly uid: number;
  readonly internalDate: Date;
  readonly bytes: number;
}

/** All of `uids`: copied, oversized, vanished or left for the next time, each exactly once; or a Failure, and then none is settled. */
export async function fetchRange(
  folder: ExaminedFolder,
  uids: readonly number[],
  maxBytes: number,
  togetherBytes = Number.POSITIVE_INFINITY,
): Promise<FetchedRange> {
  assertAscending(uids);
  if (uids.length === 0) return { mails: [], oversized: [], vanished: [] };
  const seen =
    uids.length <= FEW
      ? await fetchFew(folder, uids, maxBytes)
      : { heads: await fetchHeads(folder, uids), whole: NONE };
  const end = endOf(uids, seen.heads, maxBytes, togetherBytes);
  const settled = await settle(folder, uids.slice(0, end), seen, maxBytes);
  return end < uids.length ? { ...settled, rest: uids.slice(end) } : settled;
}

/** How many of the first uids fit together, one at least; absent and oversized ones need no room. */
function endOf(uids: readonly number[], heads: readonly Head[], maxBytes: number, togetherBytes: number): number {
  const sizes = new Map(heads.map(({ uid, bytes }) => [uid, bytes > maxBytes ? 0 : bytes]));
  let together = 0;
  for (const [index, uid] of uids.entries()) {
    together += sizes.get(uid) ?? 0;
    if (together > togetherBytes && index > 0) return index;
  }
  return uids.length;
}

async function settle(
  folder: ExaminedFolder,
  uids: readonly number[],
  { heads, whole }: Known,
  maxBytes: number,
): Promise<Omit<FetchedRange, 'rest'>> {
  const asked = new Set(uids);
  const first = await look(
    folder,
    heads.filter(({ uid }) => asked.has(uid)),
    maxBytes,
    whole,
  );
  const absent = without(uids, first);
  if (absent.length === 0) return { ...first, vanished: [] };
  const second = await look(folder, await fetchHeads(folder, absent), maxBytes);
  const vanished = without(absent, second);
  if (vanished.length > 0) await confirmGone(folder, vanished);
  return {
    mails: [...first.mails, ...second.mails].sort(byUid),
    oversized: [...first.oversized, ...second.oversized].sort(byUid),
    vanished,
  };
}

/** Sizes and dates first, so that a mail over the limit is never transferred; then the bodies in one FETCH. */
async function look(
  folder: ExaminedFolder,
  heads: readonly Head[],
  maxBytes: number,
  whole: Known['whole'] = NONE,
): Promise<Seen> {
  const tooLarge = heads.filter((head) => head.bytes > maxBytes).map((head) => head.uid);
  // Their bytes are never seen, so a second answer must prove that they are there.
  const oversized = (await fetchHeads(folder, tooLarge)).filter((head) => head.bytes > maxBytes);
  const wanted = heads.filter((head) => head.bytes <= maxBytes);
  const bodies = await fetchBodies(
    folder,
    wanted.filter((head) => !whole.has(head.uid)).map((head) => head.uid),
  );
  const mails: CopiedMail[] = [];
  for (const head of wanted) {
    const raw = whole.get(head.uid) ?? (await wholeMail(folder, head.uid, bodies.get(head.uid)));
    if (raw !== null) mails.push({ uid: head.uid, internalDate: head.internalDate, raw });
  }
  return { mails: mails.sort(byUid), oversized: oversized.sort(byUid) };
}

/** What a first answer says of the mails that were asked for. */
interface Known {
  readonly heads: readonly Head[];
  /** Those that were in it to their last byte. */
  readonly whole: ReadonlyMap<number, Buffer>;
}

const NONE: ReadonlyMap<number, Buffer> = new Map();
/** So few are asked for with their beginning, which of a laboratory message is the whole: one command instead of two. */
const FEW = 5;
const BEGINNING_BYTES = 32 * 1024;

// Shorter than what was asked for, and as long as the server says: else it may be cut off, and is asked for again.
async function fetchFew(folder: ExaminedFolder, uids: readonly number[], maxBytes: number): Promise<Known> {
  const most = Math.min(BEGINNING_BYTES, maxBytes);
  const answers = await fetchAll(folder, uids, { ...HEAD, source: { start: 0, maxLength: most } });
  const whole = answers.flatMap(({ uid, size, source }): [number, Buffer][] =>
    size && source && source.length === size && size < most ? [[uid, source]] : [],
  );
  return { heads: answers.map(headOf).filter((head) => head !== null), whole: new Map(whole) };
}

/** Uid, date and size of those of `uids` that the server has. */
export async function fetchHeads(folder: ExaminedFolder, uids: readonly number[]): Promise<Head[]> {
  const answers = await fetchAll(folder, uids, HEAD);
  return answers.map(headOf).filter((head) => head !== null);
}

interface Body {
  readonly bytes: number;
  readonly source: Buffer;
}

async function fetchBodies(folder: ExaminedFolder, uids: readonly number[]): Promise<Map<number, Body>> {
  const answers = await fetchAll(folder, uids, { uid: true, size: true, source: true });
  return new Map(
    answers.flatMap(({ uid, size, source }) => (size && source?.length ? [[uid, { bytes: size, source }]] : [])),
  );
}

// fetchAll drains the answer before it returns: a command inside imapflow's own loop would wait for ever.
async function fetchAll(
  folder: ExaminedFolder,
  uids: readonly number[],
  query: FetchQueryObject,
): Promise<FetchMessageObject[]> {
  if (uids.length === 0) return [];
  const asked = new Set(uids);
  const range = uidSet(uids);
  const answers = await folder.run('UID FETCH', () => folder.client.fetchAll(range, query, { uid: true }));
  // A server may add other mails (a flag that changed meanwhile), and may answer one mail in two parts.
  const once = new Map<number, FetchMessageObject>();
  for (const answer of answers) if (asked.has(answer.uid) && answer.size !== undefined) once.set(answer.uid, answer);
  return [...once.values()];
}

// Dovecot answers for a mail that was expunged meanwhile: RFC822.SIZE 0, BODY[] NIL, INTERNALDATE of 1970 (measured on
// 2.3.19). No mail has 0 bytes, so such an answer counts as absent: taken for a mail, it would be a result lost.
function headOf({ uid, size, internalDate }: FetchMessageObject): Head | null {
  if (!size) return null;
  if (!(internalDate instanceof Date) || Number.isNaN(internalDate.getTime())) {
    throw mailboxFailure('answer-malformed', { uid, item: 'INTERNALDATE' });
  }
  return { uid, internalDate, bytes: size };
}

// Some servers keep a wrong RFC822.SIZE. The literal has its own length, so a mail that comes twice with the same bytes
// is whole; one that differs between two readings is not copied at all. Null: it is no longer there.
async function wholeMail(folder: ExaminedFolder, uid: number, body: Body | undefined): Promise<Buffer | null> {
  if (body === undefined) return null;
  if (body.source.length === body.bytes) return body.source;
  const again = (await fetchBodies(folder, [uid])).get(uid);
  if (again === undefined) return null;
  if (again.source.length === again.bytes || again.source.equals(body.source)) return again.source;
  throw mailboxFailure('size-differs', { uid });
}

// Asked after the last FETCH, since a uid never comes back: what the server finds now it also had then.
async function confirmGone(folder: ExaminedFolder, uids: readonly number[]): Promise<void> {
  const status = await folder.run('STATUS', () =>
    folder.client.status(folder.path, { uidValidity: true, uidNext: true }),
  );
  if (status === false || Number(status.uidValidity) !== folder.uidValidity) throw mailboxFailure('disconnected');
  const unassigned = uids.find((uid) => status.uidNext === undefined || uid >= status.uidNext);
  if (unassigned !== undefined) throw mailboxFailure('uid-not-assigned', { uid: unassigned });
  const query = { uid: uidSet(uids) };
  const found = await folder.run('UID SEARCH', () => folder.client.search(query, { uid: true }));
  if (!Array.isArray(found)) throw mailboxFailure('command-refused', { command: 'UID SEARCH' });
  const disputed = uids.find((uid) => found.includes(uid));
  if (disputed !== undefined) throw mailboxFailure('answers-disagree', { uid: disputed });
}

function assertAscending(uids: readonly number[]): void {
  const isAscending = uids.every((uid, i) => Number.isInteger(uid) && uid > (uids[i - 1] ?? 0));
  if (isAscending && uids.length <= UIDS_MAX) return;
  throw new Failure('mailbox.uids-not-a-range', { kind: 'defect', fields: { count: uids.length } });
}

function without(uids: readonly number[], seen: Seen): number[] {
  const found = new Set([...seen.mails, ...seen.oversized].map((mail) => mail.uid));
  return uids.filter((uid) => !found.has(uid));
}

function byUid(one: { readonly uid: number }, other: { readonly uid: number }): number {
  return one.uid - other.uid;
}

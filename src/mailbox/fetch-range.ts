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

/** All of `uids`: copied, oversized or vanished, each exactly once; or a Failure, and then none is settled. */
export async function fetchRange(
  folder: ExaminedFolder,
  uids: readonly number[],
  maxBytes: number,
): Promise<FetchedRange> {
  assertAscending(uids);
  if (uids.length === 0) return { mails: [], oversized: [], vanished: [] };
  const first = await look(folder, uids, maxBytes);
  const absent = without(uids, first);
  if (absent.length === 0) return { ...first, vanished: [] };
  const second = await look(folder, absent, maxBytes);
  const vanished = without(absent, second);
  if (vanished.length > 0) await confirmGone(folder, vanished);
  return {
    mails: [...first.mails, ...second.mails].sort(byUid),
    oversized: [...first.oversized, ...second.oversized].sort(byUid),
    vanished,
  };
}

/** Sizes and dates first, so that a mail over the limit is never transferred; then the bodies in one FETCH. */
async function look(folder: ExaminedFolder, uids: readonly number[], maxBytes: number): Promise<Seen> {
  const heads = await fetchHeads(folder, uids);
  const oversized = heads.filter((head) => head.bytes > maxBytes);
  const wanted = heads.filter((head) => head.bytes <= maxBytes).map((head) => head.uid);
  const answers = await fetchBodies(folder, wanted);
  const mails: CopiedMail[] = [];
  for (const answer of answers) {
    const head = headOf(answer);
    if (head === null || answer.source === undefined) continue;
    const isWhole = answer.source.length === head.bytes;
    const raw = isWhole ? answer.source : await readAgain(folder, head.uid, answer.source);
    mails.push({ uid: head.uid, internalDate: head.internalDate, raw });
  }
  return { mails: mails.sort(byUid), oversized: oversized.sort(byUid) };
}

/** Uid, date and size of those of `uids` that the server has. */
export async function fetchHeads(folder: ExaminedFolder, uids: readonly number[]): Promise<Head[]> {
  if (uids.length === 0) return [];
  const answers = await fetchAll(folder, uids, HEAD);
  return answers.map(headOf).filter((head) => head !== null);
}

async function fetchBodies(folder: ExaminedFolder, uids: readonly number[]): Promise<FetchMessageObject[]> {
  if (uids.length === 0) return [];
  return fetchAll(folder, uids, { ...HEAD, source: true });
}

// fetchAll drains the answer before it returns: a command inside imapflow's own loop would wait for ever.
async function fetchAll(
  folder: ExaminedFolder,
  uids: readonly number[],
  query: FetchQueryObject,
): Promise<FetchMessageObject[]> {
  const asked = new Set(uids);
  const range = uidSet(uids);
  const answers = await folder.run('UID FETCH', () => folder.client.fetchAll(range, query, { uid: true }));
  // A server may add other mails (a flag that changed meanwhile), and may answer one mail in two parts.
  const once = new Map<number, FetchMessageObject>();
  for (const answer of answers) if (asked.has(answer.uid) && answer.size !== undefined) once.set(answer.uid, answer);
  return [...once.values()];
}

function headOf(answer: FetchMessageObject): Head | null {
  if (answer.size === undefined) return null;
  const { internalDate } = answer;
  if (!(internalDate instanceof Date) || Number.isNaN(internalDate.getTime())) {
    throw mailboxFailure('answer-malformed', { uid: answer.uid, item: 'INTERNALDATE' });
  }
  return { uid: answer.uid, internalDate, bytes: answer.size };
}

// Some servers keep a wrong RFC822.SIZE. The literal has its own length, so a mail that comes twice with the same bytes
// is whole; one that differs between two readings is not copied at all.
async function readAgain(folder: ExaminedFolder, uid: number, before: Buffer): Promise<Buffer> {
  const [again] = await fetchBodies(folder, [uid]);
  if (again?.source?.equals(before)) return before;
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

/** One mailbox, examined: the door's MailboxConnection on imapflow. Each method may be repeated; none changes anything. */

import { type Clock, systemClock } from '../shared/clock.ts';
import { type ExaminedFolder, examine } from './client.ts';
import { mailboxFailure } from './failures.ts';
import { fetchHeads, fetchRange } from './fetch-range.ts';
import { hintsOf } from './hints.ts';
import type { MailboxConnection, MailboxOpener, MailboxStatus } from './mailbox.ts';

/** For whoever waits at the command line, and asks once. */
const SILENCE_MAX_MS = 2 * 60_000;
const LOGOUT_WITHIN_MS = 2_000;
const DAY_MS = 24 * 60 * 60_000;
const HEADS_AT_ONCE = 500;

/** An opener with a clock of the caller's. */
export function mailboxOpener(clock: Clock): MailboxOpener {
  return async (account, signal, silenceMs = SILENCE_MAX_MS) =>
    connectionTo(await examine(account, signal, silenceMs, clock), clock);
}

/** Opens the mailbox read-only over TLS, or throws a Failure that says which of the two it was not. */
export const openMailbox: MailboxOpener = mailboxOpener(systemClock);

function connectionTo(folder: ExaminedFolder, clock: Clock): MailboxConnection {
  const hints = hintsOf(folder, clock);
  return {
    status: async () => {
      const status = await readStatus(folder);
      hints.settle(status.messages);
      return status;
    },
    fetch: (uids, maxBytes, togetherBytes) => fetchRange(folder, uids, maxBytes, togetherBytes),
    listSince: (since, belowUid) => listSince(folder, since, belowUid),
    listUids: () => listUids(folder),
    waitForHint: async (timeoutMs, signal) => {
      folder.check();
      await hints.wait(timeoutMs, signal);
      if (!signal.aborted) folder.check();
    },
    heard: hints.heard,
    release: () => close(folder, clock),
  };
}

// NOOP first: a server may answer STATUS on the examined folder from what this session was last told (RFC 3501 §6.3.10).
async function readStatus(folder: ExaminedFolder): Promise<MailboxStatus> {
  const { client, path } = folder;
  await folder.run('NOOP', () => client.noop());
  const query = { messages: true, uidNext: true, uidValidity: true };
  const status = await folder.run('STATUS', () => client.status(path, query));
  if (status === false) throw mailboxFailure('command-refused', { command: 'STATUS' });
  const uidValidity = Number(status.uidValidity ?? 0);
  if (!(uidValidity > 0)) throw mailboxFailure('uid-validity-missing');
  // The folder was made anew under us: this connection still shows the old one. The next one will see the new.
  if (uidValidity !== folder.uidValidity) throw mailboxFailure('uid-validity-changed');
  if (!status.uidNext || status.messages === undefined) {
    throw mailboxFailure('answer-malformed', { item: status.uidNext ? 'MESSAGES' : 'UIDNEXT' });
  }
  return { uidValidity, uidNext: status.uidNext, messages: status.messages };
}

// SEARCH SINCE knows days only, in the server's zone (RFC 3501 §6.4.4): ask for a day more, then compare exactly.
async function listSince(folder: ExaminedFolder, since: Date, belowUid: number) {
  if (belowUid <= 1) return [];
  const query = { uid: `1:${belowUid - 1}`, since: new Date(since.getTime() - DAY_MS) };
  const found = await folder.run('UID SEARCH', () => folder.client.search(query, { uid: true }));
  if (!Array.isArray(found)) throw mailboxFailure('command-refused', { command: 'UID SEARCH' });
  const uids = found.filter((uid) => uid < belowUid);
  const listed: { readonly uid: number; readonly internalDate: Date }[] = [];
  for (let from = 0; from < uids.length; from += HEADS_AT_ONCE) {
    for (const { uid, internalDate } of await fetchHeads(folder, uids.slice(from, from + HEADS_AT_ONCE))) {
      if (internalDate >= since) listed.push({ uid, internalDate });
    }
  }
  return listed.sort((one, other) => one.uid - other.uid);
}

async function listUids(folder: ExaminedFolder): Promise<readonly number[]> {
  const found = await folder.run('UID SEARCH', () => folder.client.search({ all: true }, { uid: true }));
  if (!Array.isArray(found)) throw mailboxFailure('command-refused', { command: 'UID SEARCH' });
  return found.sort((one, other) => one - other);
}

// LOGOUT is a courtesy: on a connection that does not answer it is not waited for.
async function close({ client }: ExaminedFolder, clock: Clock): Promise<void> {
  const done = new AbortController();
  const logout = client.logout().catch(() => {});
  await Promise.race([logout, clock.wait(LOGOUT_WITHIN_MS, done.signal)]);
  done.abort();
  client.close();
}

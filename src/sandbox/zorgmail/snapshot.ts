/**
 * What a mailbox looks like from outside, taken without disturbing it: EXAMINE, never SELECT, so that \Recent stays.
 * A mailbox that was only looked at gives the same snapshot again, up to its HIGHESTMODSEQ.
 */

import { type ImapLogin, withImap } from './imap-client.ts';

export interface MailSnapshot {
  readonly uid: number;
  /** Sorted; with \Recent where a first reader would still see it. */
  readonly flags: readonly string[];
  readonly bytes: number;
}

export interface MailboxSnapshot {
  readonly uidValidity: number;
  readonly uidNext: number;
  /** Number of mails. */
  readonly messages: number;
  readonly recent: number;
  readonly unseen: number;
  /** Goes up with every change of a flag or mail, also one that was taken back (RFC 7162 §3.1.1). */
  readonly highestModseq: number;
  readonly mails: readonly MailSnapshot[];
}

export interface TwinComparison {
  readonly isEqual: boolean;
  /** In words, uids and flags only. */
  readonly differences: readonly string[];
}

/** Counters of the folder first, then every mail. */
export function takeSnapshot(login: ImapLogin): Promise<MailboxSnapshot> {
  return withImap(login, async (client) => {
    const counters = (await client.command('STATUS INBOX (MESSAGES RECENT UNSEEN UIDNEXT UIDVALIDITY HIGHESTMODSEQ)'))
      .filter((line) => line.startsWith('* STATUS'))
      .join(' ');
    const counter = (name: string) => Number(new RegExp(`${name} (\\d+)`).exec(counters)?.[1]);
    await client.command('EXAMINE INBOX');
    const mails = (await client.command('UID FETCH 1:* (FLAGS RFC822.SIZE)')).flatMap(mailOf);
    return {
      uidValidity: counter('UIDVALIDITY'),
      uidNext: counter('UIDNEXT'),
      messages: counter('MESSAGES'),
      recent: counter('RECENT'),
      unseen: counter('UNSEEN'),
      highestModseq: counter('HIGHESTMODSEQ'),
      mails,
    };
  });
}

/** Whether two mailboxes hold the same mails with the same flags under the same numbers; the modseq is each one's own affair. */
export function compareSnapshots(one: MailboxSnapshot, other: MailboxSnapshot): TwinComparison {
  const counters = (['uidValidity', 'uidNext', 'messages', 'recent', 'unseen'] as const)
    .filter((name) => one[name] !== other[name])
    .map((name) => `${name}: ${one[name]} and ${other[name]}`);
  const uids = new Set([...one.mails, ...other.mails].map((mail) => mail.uid));
  const mails = [...uids].flatMap((uid) => {
    const [here, there] = [one, other].map((box) => described(box.mails.find((mail) => mail.uid === uid)));
    return here === there ? [] : [`uid ${uid}: ${here} and ${there}`];
  });
  const differences = [...counters, ...mails];
  return { isEqual: differences.length === 0, differences };
}

function mailOf(line: string): MailSnapshot[] {
  const found = /^\* \d+ FETCH \((.*)\)$/.exec(line)?.[1];
  const uid = /\bUID (\d+)/.exec(found ?? '')?.[1];
  if (found === undefined || uid === undefined) return [];
  const flags = /FLAGS \(([^)]*)\)/.exec(found)?.[1]?.split(' ').filter(Boolean).sort() ?? [];
  return [{ uid: Number(uid), flags, bytes: Number(/RFC822\.SIZE (\d+)/.exec(found)?.[1]) }];
}

function described(mail: MailSnapshot | undefined): string {
  return mail === undefined ? 'absent' : `${mail.bytes} bytes (${mail.flags.join(' ')})`;
}

/** What a machine must allow for thousands of mailboxes; where it does not, a benchmark says so instead of measuring less. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { BenchObstacle } from './command.ts';

/** Beside one file per mailbox: the ledger, the queue, the target, and files. */
const FILES_BESIDE = 500;
/** Of Dovecot's own processes and whatever else the machine runs. */
const INOTIFY_BESIDE = 200;

/** Throws a BenchObstacle that names every limit that is too low for so many mailboxes, with the command that raises it. */
export function requireRoomFor(mailboxes: number): void {
  const obstacles = [
    ...tooLow('open files per process', openFilesMax(), mailboxes + FILES_BESIDE, (needed) => `ulimit -n ${needed}`),
    ...['max_user_instances', 'max_user_watches'].flatMap((name) =>
      tooLow(
        `fs.inotify.${name}`,
        Number(readFileSync(`/proc/sys/fs/inotify/${name}`, 'utf8')),
        mailboxes + INOTIFY_BESIDE,
        (needed) => `sysctl -w fs.inotify.${name}=${needed}`,
      ),
    ),
  ];
  if (obstacles.length > 0)
    throw new BenchObstacle(`${mailboxes} mailboxes need more than this machine allows:\n${obstacles.join('\n')}`);
}

function tooLow(what: string, found: number, needed: number, remedy: (needed: number) => string): readonly string[] {
  return found >= needed ? [] : [`  ${what}: ${found}, ${needed} are needed. As root: ${remedy(needed)}`];
}

// Node.js raises the soft limit to the hard one when it starts, and what it starts inherits that.
function openFilesMax(): number {
  const hard = execFileSync('/bin/sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
  return hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
}

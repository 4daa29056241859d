/**
 * Where the sandbox's Dovecot keeps mail and sockets, and as whom it runs.
 *
 * As root, Dovecot's processes drop to other accounts and must reach the mail: not so below a folder of mode 0700 (a
 * checkout in /root). Then the mail goes to a folder below /var/tmp. Sockets always go to a short path in /tmp.
 */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, chown, lstat, mkdir, mkdtemp, realpath, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Failure } from '../../shared/failure.ts';
import type { DovecotAccounts } from './dovecot-config.ts';

const run = promisify(execFile);

const REACHABLE_BY_OTHERS = 0o001;

export interface ZorgmailPlace {
  /** What the caller named. */
  readonly directory: string;
  /** Configuration, certificate, log; `directory` itself, or a place below /var/tmp. */
  readonly home: string;
  readonly mail: string;
  /** Gone when Dovecot stops. */
  readonly run: string;
  readonly accounts: DovecotAccounts;
}

/** Makes the directories with the ownership that Dovecot needs. The same `directory` gives the same mail again. */
export async function placeFor(directory: string): Promise<ZorgmailPlace> {
  const accounts = await dovecotAccounts();
  await mkdir(directory, { recursive: true, mode: accounts.isRoot ? 0o711 : 0o700 });
  const real = await realpath(directory);
  const home = !accounts.isRoot || (await isReachable(real)) ? real : await shelter(real);
  const mail = join(home, 'mail');
  await mkdir(mail, { recursive: true, mode: 0o700 });
  const runDirectory = await mkdtemp('/tmp/zorgmail-');
  if (accounts.isRoot) {
    await chown(mail, accounts.mail.uid, accounts.mail.gid);
    await chmod(runDirectory, 0o755);
  }
  return { directory: real, home, mail, run: runDirectory, accounts };
}

async function dovecotAccounts(): Promise<DovecotAccounts> {
  const us = userInfo();
  if (us.uid === 0) {
    const [uid, gid] = await Promise.all([idOf('-u', 'nobody'), idOf('-g', 'nobody'), idOf('-u', 'dovenull')]);
    const mail = { user: 'nobody', uid, gid };
    return { mail, internal: { user: 'dovecot', group: 'dovecot' }, login: 'dovenull', isRoot: true };
  }
  const group = (await run('id', ['-gn'])).stdout.trim();
  const mail = { user: us.username, uid: us.uid, gid: us.gid };
  return { mail, internal: { user: us.username, group }, login: us.username, isRoot: false };
}

async function idOf(which: '-u' | '-g', user: string): Promise<number> {
  const { stdout } = await run('id', [which, user]).catch((cause: unknown) => {
    throw new Failure('sandbox.no-dovecot-account', {
      kind: 'permanent',
      fields: { user, remedy: 'sh bin/setup' },
      cause,
    });
  });
  return Number(stdout);
}

async function shelter(directory: string): Promise<string> {
  const path = join('/var/tmp', `zorgmail-${createHash('sha256').update(directory).digest('hex').slice(0, 12)}`);
  await mkdir(path, { mode: 0o711 }).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== 'EEXIST') throw thrown;
  });
  // Anyone may make a folder in /var/tmp: one that another made first, or a link, is not ours to trust.
  const found = await lstat(path);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) {
    throw new Failure('sandbox.place-not-ours', { kind: 'permanent', fields: { path } });
  }
  await chmod(path, 0o711);
  return path;
}

async function isReachable(path: string): Promise<boolean> {
  for (let here = path; ; here = dirname(here)) {
    if (((await stat(here)).mode & REACHABLE_BY_OTHERS) === 0) return false;
    if (here === dirname(here)) return true;
  }
}

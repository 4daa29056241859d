/** Processes that outlive us: started detached, recognised again by their pid and what they run, stopped by pid only. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type Clock, monotonicMs } from '../../shared/clock.ts';
import { Failure } from '../../shared/failure.ts';
import type { Account } from './place.ts';

const POLL_MS = 20;

export const run = promisify(execFile);

export interface DetachedOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly logFile: string;
  readonly account: Account | null;
}

/** Starts a process in its own session, so that neither our exit nor a Ctrl-C in our terminal takes it along. */
export function startDetached(options: DetachedOptions): ChildProcess {
  const log = openSync(options.logFile, 'a', 0o600);
  try {
    const child = spawn(options.command, options.args, {
      detached: true,
      stdio: ['ignore', log, log],
      // Not where we stand: that may be a directory which the account cannot enter, or one that is removed under it.
      cwd: '/',
      ...(options.account === null ? {} : { uid: options.account.uid, gid: options.account.gid }),
    });
    // Without a listener a missing program would end our own process; the waiting for readiness reports it.
    child.on('error', () => {});
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

/** Whether a process lives. A zombie does not: in a container without an init nobody ever collects it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return true;
  }
}

/** The pid in a pid file, if that process lives and its command line names `mark`: pids are used again. */
export async function livingPid(pidFile: string, mark: string): Promise<number | null> {
  const pid = Number.parseInt(await readFile(pidFile, 'utf8').catch(() => ''), 10);
  if (!Number.isInteger(pid) || pid <= 1 || !isAlive(pid)) return null;
  return (await commandLine(pid)).includes(mark) ? pid : null;
}

/** Sends the signals in turn, each with its patience, until the process is gone. */
export async function stop(
  pid: number,
  signals: readonly { readonly signal: NodeJS.Signals; readonly patienceMs: number }[],
  clock: Clock,
): Promise<void> {
  for (const { signal, patienceMs } of signals) {
    if (!isAlive(pid)) return;
    process.kill(pid, signal);
    if (await until(() => !isAlive(pid), patienceMs, clock)) return;
  }
  throw new Failure('sandbox.process-stays', { kind: 'transient', fields: { pid } });
}

/** Asks again and again until the answer is yes (true) or the patience is over (false). */
export async function until(ask: () => boolean | Promise<boolean>, patienceMs: number, clock: Clock): Promise<boolean> {
  const deadlineMs = monotonicMs() + patienceMs;
  for (;;) {
    if (await ask()) return true;
    if (monotonicMs() > deadlineMs) return false;
    await clock.wait(POLL_MS);
  }
}

async function commandLine(pid: number): Promise<string> {
  const fromProc = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => null);
  if (fromProc !== null) return fromProc.replaceAll('\0', ' ');
  return run('ps', ['-o', 'args=', '-p', String(pid)]).then(
    ({ stdout }) => stdout,
    () => '',
  );
}

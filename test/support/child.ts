/** Real processes: the command line, through the launcher or a link to it, and workers that are killed. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { type Environment, processEnvironment } from '../../src/config/config.ts';

export const LAUNCHER = fileURLToPath(new URL('../../bin/zorgkoerier', import.meta.url));
const KILL_WORKER = fileURLToPath(new URL('./kill-worker.ts', import.meta.url));

export interface Ran {
  /** null: killed by `signal`. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Child {
  readonly process: ChildProcess;
  /** What it has said so far. */
  said(): { readonly stdout: string; readonly stderr: string };
  readonly ended: Promise<Ran>;
}

/** `zorgkoerier <args>` in a process of its own; `launcher` may be a link. */
export function startCommand(args: readonly string[], settings: Environment, launcher = LAUNCHER): Child {
  return begin(launcher, args, settings);
}

/** The same to its end. */
export function runCommand(args: readonly string[], settings: Environment, launcher = LAUNCHER): Promise<Ran> {
  return begin(launcher, args, settings).ended;
}

/** A port that nobody listens on: for a process that cannot say which one it was given. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A worker that kills itself at the moment. */
export function startDoomedWorker(moment: string, settings: Environment): Child {
  return begin(process.execPath, [KILL_WORKER, moment], settings);
}

function begin(file: string, args: readonly string[], settings: Environment): Child {
  // Nothing of our own environment but the path: a setting that a developer has exported must not reach a test.
  const { PATH, HOME } = processEnvironment();
  // Compiling the sources takes half of a command's time: the processes of one run share what they compiled.
  const NODE_COMPILE_CACHE = join(dirname(inject('servicesDirectory')), 'compile-cache');
  const env = { PATH, HOME, NODE_COMPILE_CACHE, ...settings };
  const child = spawn(file, [...args], { env, stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    stdout,
    stderr,
  }));
  return { process: child, said: () => ({ stdout, stderr }), ended };
}

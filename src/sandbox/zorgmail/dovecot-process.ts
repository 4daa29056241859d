/**
 * One Dovecot as a child process that cannot outlive us.
 *
 * A small shell stands between: it holds a pipe from us and stops Dovecot when that pipe closes, which the kernel does
 * also when we are killed. Ready means that every port greets; nobody sleeps and hopes.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Clock, monotonicMs } from '../../shared/clock.ts';
import { Failure } from '../../shared/failure.ts';

const READY_WITHIN_MS = 15_000;
const STOP_WITHIN_MS = 10_000;
const ASK_AGAIN_MS = 15;

// $1 the configuration, $2 the directory of sockets, which goes with the process, and from $3 on what goes when nobody
// is left to do so: the pipe closed without a word. Dovecot gets no open pipe of ours.
const KEEPER = `
dovecot -F -c "$1" </dev/null >/dev/null 2>&1 & pid=$!
read -r word
kill -TERM $pid 2>/dev/null
wait $pid
rm -rf -- "$2"
shift 2
[ "$word" = stop ] || rm -rf -- "$@"
`;

export interface DovecotPort {
  readonly port: number;
  /** For a port with implicit TLS: the certificate to expect there. */
  readonly ca: string | null;
}

export interface DovecotStart {
  readonly configFile: string;
  readonly runDirectory: string;
  readonly ports: readonly DovecotPort[];
  /** Removed when we die without stopping it. */
  readonly throwaway: readonly string[];
  readonly clock: Clock;
}

export interface DovecotProcess {
  /** Stops Dovecot and all its processes; resolves when they are gone. */
  stop(): Promise<void>;
}

/** Starts Dovecot in the foreground of its keeper and resolves when all ports greet. */
export async function startDovecot(start: DovecotStart): Promise<DovecotProcess> {
  await mkdir(start.runDirectory, { recursive: true, mode: 0o755 });
  const paths = [start.configFile, start.runDirectory, ...start.throwaway];
  const keeper = spawn('/bin/sh', ['-c', KEEPER, 'zorgmail', ...paths], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // A Ctrl-C in our terminal is ours to handle: Dovecot stops when we say so.
    detached: true,
    cwd: '/',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  const gone = new Promise<void>((resolve) => keeper.once('close', () => resolve()));
  keeper.on('error', () => {});
  keeper.stdin?.on('error', () => {});
  const stop = () => stopKeeper(keeper, gone, start.clock);
  try {
    await Promise.all(start.ports.map((port) => untilGreeting(port, start.clock)));
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return { stop };
}

/** As many free ports of 127.0.0.1: all held at once, so that they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function stopKeeper(keeper: ChildProcess, gone: Promise<void>, clock: Clock): Promise<void> {
  keeper.stdin?.end('stop\n');
  const patience = new AbortController();
  const isGone = await Promise.race([
    gone.then(() => true),
    clock.wait(STOP_WITHIN_MS, patience.signal).then(() => false),
  ]);
  patience.abort();
  if (!isGone) killGroup(keeper);
  await gone;
  // A login process waits up to 30 s for a client that never logged in; nobody waits for that here.
  killGroup(keeper);
}

// Keeper, master and children are one group, and its number is not given out again while one of them lives.
function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown;
  }
}

async function untilGreeting(port: DovecotPort, clock: Clock): Promise<void> {
  const deadlineMs = monotonicMs() + READY_WITHIN_MS;
  while (!(await greets(port))) {
    if (monotonicMs() > deadlineMs) {
      throw new Failure('sandbox.zorgmail-not-ready', { kind: 'transient', fields: { port: port.port } });
    }
    await clock.wait(ASK_AGAIN_MS);
  }
}

// A listening socket takes connections before its service runs: only a greeting proves the service.
function greets({ port, ca }: DovecotPort): Promise<boolean> {
  return new Promise((resolve) => {
    const host = '127.0.0.1';
    const socket = ca === null ? connect({ port, host }) : connectTls({ port, host, ca });
    const answer = (isReady: boolean) => {
      socket.destroy();
      resolve(isReady);
    };
    socket.once('data', () => answer(true));
    socket.once('error', () => answer(false));
    socket.once('close', () => answer(false));
  });
}

/** The private redis-server: the machine's own program, on a unix socket that only we may open, with an append-only file. */

import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../../shared/clock.ts';
import { Failure } from '../../shared/failure.ts';
import type { Place } from './place.ts';
import { livingPid, startDetached, stop, until } from './processes.ts';

const READY_TIMEOUT_MS = 60_000;
const PING_TIMEOUT_MS = 1_000;

export function redisUrl(place: Place): string {
  return `unix://${encodeURI(socketOf(place))}`;
}

export function redisPid(place: Place): Promise<number | null> {
  return livingPid(join(homeOf(place), 'redis.pid'), socketOf(place));
}

/** Whether it answers PING with PONG; one that still loads its file says LOADING, which is a no. */
export function redisAnswers(place: Place): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketOf(place));
    const answer = (isUp: boolean) => {
      socket.destroy();
      resolve(isUp);
    };
    socket.setTimeout(PING_TIMEOUT_MS, () => answer(false));
    socket.once('error', () => answer(false));
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (bytes) => answer(bytes.toString('latin1').startsWith('+PONG')));
  });
}

/** Starts it and waits until it answers. One that lives but does not answer yet is waited for: two on one file would ruin it. */
export async function startRedis(place: Place, clock: Clock): Promise<void> {
  await mkdir(homeOf(place), { recursive: true, mode: 0o700 });
  const child =
    (await redisPid(place)) === null
      ? startDetached({
          command: 'redis-server',
          args: settings(place),
          logFile: join(place.directory, 'redis.log'),
          account: null,
        })
      : null;
  let isUp = false;
  await until(
    async () => {
      isUp = await redisAnswers(place);
      return isUp || (child !== null && (child.exitCode !== null || child.pid === undefined));
    },
    READY_TIMEOUT_MS,
    clock,
  );
  if (isUp) return;
  const fields = child?.pid === undefined && child !== null ? { remedy: 'sh bin/setup' } : {};
  throw new Failure('sandbox.redis-not-ready', { kind: 'transient', scope: 'peer', fields });
}

/** SIGTERM lets it write its append-only file first. */
export async function stopRedis(place: Place, clock: Clock): Promise<boolean> {
  const pid = await redisPid(place);
  if (pid === null) return false;
  const signals = [
    { signal: 'SIGTERM', patienceMs: 10_000 },
    { signal: 'SIGKILL', patienceMs: 5_000 },
  ] as const;
  await stop(pid, signals, clock);
  return true;
}

// noeviction is the only policy under which BullMQ is right; everysec loses a second at most, which the sweeper repairs.
function settings(place: Place): string[] {
  const home = homeOf(place);
  return [
    ...['--port', '0', '--unixsocket', socketOf(place), '--unixsocketperm', '700'],
    ...['--dir', home, '--pidfile', join(home, 'redis.pid'), '--daemonize', 'no'],
    ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''],
    ...['--maxmemory-policy', 'noeviction'],
  ];
}

function homeOf(place: Place): string {
  return join(place.home, 'redis');
}

function socketOf(place: Place): string {
  return join(homeOf(place), 'redis.sock');
}

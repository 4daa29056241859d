/** A redis-server of the test's own, to be killed, frozen and emptied. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/shared/clock.ts';

export interface PrivateRedis {
  readonly redisUrl: string;
  /** Where its files are. */
  readonly directory: string;
  /** kill -9: nothing is written any more. */
  kill(): Promise<void>;
  /** Again on the same files; resolves when it answers. */
  start(): Promise<void>;
  /** SIGSTOP and SIGCONT: connections stay open, answers stay away. */
  freeze(): void;
  thaw(): void;
  /** Sends one inline command and gives the first answer line. */
  command(text: string): Promise<string>;
  release(): Promise<void>;
}

export async function privateRedis(...extra: string[]): Promise<PrivateRedis> {
  const directory = await mkdtemp(join(tmpdir(), 'zk-redis-'));
  const socket = join(directory, 'redis.sock');
  const args = [
    '--port',
    '0',
    '--unixsocket',
    socket,
    '--dir',
    directory,
    '--save',
    '',
    '--appendonly',
    'yes',
    ...extra,
  ];
  let server = await begin(args, socket);
  return {
    redisUrl: `unix://${socket}`,
    directory,
    kill: () => end(server),
    start: async () => {
      server = await begin(args, socket);
    },
    freeze: () => server.kill('SIGSTOP'),
    thaw: () => server.kill('SIGCONT'),
    command: (text) => ask(socket, text),
    release: async () => {
      await end(server);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function begin(args: string[], socket: string): Promise<ChildProcess> {
  const server = spawn('redis-server', args, { stdio: 'ignore' });
  await once(server, 'spawn');
  for (;;) {
    if (server.exitCode !== null) throw new Error('redis-server did not start');
    if ((await ask(socket, 'PING').catch(() => '')) === '+PONG') return server;
    await systemClock.wait(10);
  }
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.kill('SIGKILL');
  await once(server, 'exit');
}

function ask(socket: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const connection = connect(socket, () => connection.write(`${text}\r\n`));
    connection.once('error', reject);
    connection.once('data', (bytes) => {
      connection.destroy();
      resolve(bytes.toString('latin1').split('\r\n')[0] ?? '');
    });
  });
}

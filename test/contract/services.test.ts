import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { isAlive, until } from '../../src/sandbox/services/processes.ts';
import {
  removeServices,
  type ServiceAddresses,
  servicesDown,
  servicesStatus,
  servicesUp,
  startServices,
} from '../../src/sandbox/services/services.ts';
import { systemClock } from '../../src/shared/clock.ts';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A folder of its own, with the rights asked for on the folder above it. */
async function place(modeAbove: number): Promise<string> {
  const above = await mkdtemp(join(tmpdir(), 'zk-services-'));
  await mkdir(join(above, 'inner'), { mode: modeAbove });
  const directory = join(above, 'inner', '.zorgkoerier');
  cleanups.push(async () => {
    await removeServices(directory);
    await rm(above, { recursive: true, force: true });
  });
  return directory;
}

async function query(addresses: ServiceAddresses, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: addresses.databaseUrl });
  await client.connect();
  try {
    return (await client.query({ text, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

async function killBoth(directory: string): Promise<void> {
  const status = await servicesStatus(directory);
  const pids = [status.postgres.pid, status.redis.pid].filter((pid) => pid !== null);
  expect(pids).toHaveLength(2);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  expect(await until(() => !pids.some(isAlive), 5_000, systemClock)).toBe(true);
}

const report = () => {
  const lines: string[] = [];
  return { lines, say: (line: string) => void lines.push(line) };
};

describe('the embedded services', () => {
  it('start once when two commands ask at the same time, and both get the same address', async () => {
    const directory = await place(0o755);
    const { lines, say } = report();
    const [first, second] = await Promise.all([servicesUp(directory, say), servicesUp(directory, say)]);
    expect(first).toEqual(second);
    expect(lines.filter((line) => line.includes('initialised'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('started'))).toHaveLength(2);
    expect(lines.filter((line) => line.includes('already runs'))).toHaveLength(2);
  });

  it('keep what was committed when they are killed, and start again on it', async () => {
    const directory = await place(0o755);
    const before = await servicesUp(directory, () => {});
    await query(before, 'create table kept as select 7 as n');
    await killBoth(directory);
    expect(await servicesStatus(directory)).toMatchObject({ postgres: { isUp: false }, redis: { isUp: false } });
    const { lines, say } = report();
    const after = await servicesUp(directory, say);
    expect(await query(after, 'select n from kept')).toEqual([7]);
    expect(lines.some((line) => line.includes('initialised'))).toBe(false);
  });

  it('are stopped by down and by nothing less, and down twice is no fault', async () => {
    const directory = await place(0o755);
    await servicesUp(directory, () => {});
    expect(await servicesStatus(directory)).toMatchObject({ postgres: { isUp: true }, redis: { isUp: true } });
    expect(await servicesDown(directory)).toEqual({ postgres: true, redis: true });
    expect(await servicesDown(directory)).toEqual({ postgres: false, redis: false });
  });

  it('run below a folder that only its owner may enter, also as root', async () => {
    const directory = await place(0o700);
    const addresses = await servicesUp(directory, () => {});
    expect(await query(addresses, 'select 1')).toEqual([1]);
    expect(await servicesStatus(directory)).toMatchObject({ postgres: { isUp: true }, redis: { isUp: true } });
  });

  it('run in a folder whose name is longer than a socket’s may be', async () => {
    const directory = join(await place(0o755), 'x'.repeat(60), 'y'.repeat(60));
    cleanups.push(() => removeServices(directory));
    const addresses = await servicesUp(directory, () => {});
    expect(Buffer.byteLength(addresses.redisUrl)).toBeLessThan(108 + 'unix://'.length);
    expect((await servicesStatus(directory)).redis.isUp).toBe(true);
  });

  it('keep their password to their owner, and out of the process list', async () => {
    const directory = await place(0o755);
    const addresses = await servicesUp(directory, () => {});
    const file = join(directory, 'services.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const password = new URL(addresses.databaseUrl).password;
    expect(password.length).toBeGreaterThanOrEqual(32);
    const { pid } = (await servicesStatus(directory)).postgres;
    if (process.platform === 'linux') expect(await readFile(`/proc/${pid}/cmdline`, 'utf8')).not.toContain(password);
    const wrong = addresses.databaseUrl.replace(password, 'guess');
    await expect(query({ ...addresses, databaseUrl: wrong }, 'select 1')).rejects.toMatchObject({ code: '28P01' });
  });

  it('tell what they are without making anything where there is nothing', async () => {
    const directory = join(tmpdir(), 'zk-services-none');
    expect(await servicesStatus(directory)).toMatchObject({ postgres: { isUp: false }, redis: { isUp: false } });
    await expect(stat(directory)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('leave nothing behind when they were throw-away', async () => {
    const directory = await place(0o700);
    const services = await startServices({ directory, isThrowaway: true });
    const { postgres, redis } = await servicesStatus(directory);
    const data = (await query(services, 'show data_directory'))[0] as string;
    await services.release();
    expect([postgres.pid, redis.pid].map((pid) => pid !== null && isAlive(pid))).toEqual([false, false]);
    await expect(stat(data)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

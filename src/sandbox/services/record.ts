/** `services.json`: where the services are, for every command of this checkout. Holds a password: mode 0600. */

import { randomBytes } from 'node:crypto';
import { link, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../shared/clock.ts';
import { Failure } from '../../shared/failure.ts';
import { isAlive, until } from './processes.ts';

const recordSchema = z.object({
  databaseUrl: z.string(),
  redisUrl: z.string(),
  /** Where the data went the first time: it stays there, whatever becomes of the rights on the folders above. */
  home: z.string(),
  postgres: z.object({ port: z.number().int(), password: z.string() }),
});

export type ServicesRecord = z.infer<typeof recordSchema>;

const LOCK_PATIENCE_MS = 120_000;

export async function readRecord(directory: string): Promise<ServicesRecord | null> {
  const text = await readFile(join(directory, 'services.json'), 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Failure('sandbox.services-record', { kind: 'permanent', fields: { directory }, cause });
  }
}

/** Beside it first, then renamed: a reader never sees half a record. */
export async function writeRecord(directory: string, record: ServicesRecord): Promise<void> {
  const half = join(directory, `services.json.${process.pid}`);
  await writeFile(half, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  await rename(half, join(directory, 'services.json'));
}

/** Runs `act` while no other process starts or stops services in this directory. A lock whose holder died is taken over. */
export async function locked<T>(directory: string, clock: Clock, act: () => Promise<T>): Promise<T> {
  const path = join(directory, 'services.lock');
  const isOurs = await until(() => tryLock(path), LOCK_PATIENCE_MS, clock);
  if (!isOurs) throw new Failure('sandbox.services-locked', { kind: 'transient', fields: { directory } });
  try {
    return await act();
  } finally {
    await rm(path, { force: true });
  }
}

async function tryLock(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600);
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
  }
  const holder = await holderOf(path);
  if (holder !== null && !isAlive(holder)) await discard(path, holder);
  return false;
}

// Another may have taken over the dead lock since we looked: what we moved aside is looked at again, and put back if alive.
async function discard(path: string, deadHolder: number): Promise<void> {
  const aside = `${path}.${randomBytes(4).toString('hex')}`;
  await rename(path, aside).catch(() => {});
  if ((await holderOf(aside)) !== deadHolder) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}

async function holderOf(path: string): Promise<number | null> {
  const holder = Number.parseInt(await readFile(path, 'utf8').catch(() => ''), 10);
  return Number.isInteger(holder) ? holder : null;
}

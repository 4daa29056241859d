/**
 * Where the embedded services keep their files, and as whom PostgreSQL runs.
 *
 * PostgreSQL refuses to run as root, so there it runs as the account `postgres`, which must be able to reach its
 * binaries and its data: not so below a folder of mode 0700 (`/root`, `mktemp -d`). Then they go to /var/tmp.
 */

import { createHash } from 'node:crypto';
import { chmod, cp, lstat, mkdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure } from '../../shared/failure.ts';
import { run } from './processes.ts';

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export interface Place {
  /** What the caller named: services.json and the lock live here. */
  readonly directory: string;
  /** The data of both services; `directory` itself, or one below /var/tmp. */
  readonly home: string;
  /** Who runs PostgreSQL; null: whoever we are. */
  readonly account: Account | null;
}

const ACCOUNT = 'postgres';
/** sockaddr_un.sun_path holds 108 bytes on Linux and 104 on macOS, a closing zero included (unix(7)). */
const SOCKET_PATH_MAX_BYTES = 103;
const REACHABLE_BY_OTHERS = 0o001;

/** Makes the directory where it is missing and settles where everything goes. The answer is the same every time. */
export async function placeFor(directory: string): Promise<Place> {
  const isRoot = process.getuid?.() === 0;
  await mkdir(directory, { recursive: true, mode: isRoot ? 0o711 : 0o700 });
  const real = await realpath(directory);
  const account = isRoot ? await postgresAccount() : null;
  const fits = Buffer.byteLength(join(real, 'redis', 'redis.sock')) <= SOCKET_PATH_MAX_BYTES;
  const reaches = account === null || (await isReachable(real));
  return { directory: real, home: fits && reaches ? real : await shelter(real), account };
}

/** The directory with PostgreSQL's own `bin`, `lib` and `share`: from node_modules, or a copy that `account` can reach. */
export async function reachableBinaries(native: string, place: Place): Promise<string> {
  if (place.account === null || (await isReachable(await realpath(native)))) return native;
  const copy = join(await shelter(place.directory), 'postgresql');
  if (await exists(join(copy, 'bin', 'postgres'))) return copy;
  const half = `${copy}.${process.pid}`;
  await cp(native, half, { recursive: true, verbatimSymlinks: true, mode: 0 });
  await run('chmod', ['-R', 'a+rX', half]);
  await rename(half, copy);
  return copy;
}

/** Removes what these services keep, for the throw-away ones of a test or a demo. */
export async function removePlace(place: Place): Promise<void> {
  for (const name of ['postgres', 'redis']) await rm(join(place.home, name), { recursive: true, force: true });
  await rm(shelterPath(place.directory), { recursive: true, force: true });
  for (const name of ['services.json', 'postgres.log', 'redis.log']) {
    await rm(join(place.directory, name), { force: true });
  }
}

async function shelter(directory: string): Promise<string> {
  const path = shelterPath(directory);
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

function shelterPath(directory: string): string {
  return join('/var/tmp', `zorgkoerier-${createHash('sha256').update(directory).digest('hex').slice(0, 12)}`);
}

async function isReachable(path: string): Promise<boolean> {
  for (let here = path; ; here = dirname(here)) {
    if (((await stat(here)).mode & REACHABLE_BY_OTHERS) === 0) return false;
    if (here === dirname(here)) return true;
  }
}

async function postgresAccount(): Promise<Account> {
  const ids = await Promise.all([run('id', ['-u', ACCOUNT]), run('id', ['-g', ACCOUNT])]).catch((cause: unknown) => {
    throw new Failure('sandbox.no-postgres-account', { kind: 'permanent', fields: { remedy: 'sh bin/setup' }, cause });
  });
  return { uid: Number(ids[0].stdout), gid: Number(ids[1].stdout) };
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

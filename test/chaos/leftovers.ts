/** A suite that was killed leaves its PostgreSQL and its disk behind: the next one tidies up after it. */

import { execFile } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isAlive, livingPid } from '../../src/sandbox/services/processes.ts';
import { until } from '../support/until.ts';

export const PREFIX = 'zk-chaos-';
const OWNER = 'owner.pid';
const run = promisify(execFile);

/** Says whose directory it is. */
export async function markAsOurs(directory: string): Promise<void> {
  await writeFile(join(directory, OWNER), String(process.pid));
}

/** Stops and removes what suites left that live no more. */
export async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue;
    const directory = join(tmpdir(), name);
    const owner = Number(await readFile(join(directory, OWNER), 'utf8').catch(() => 'NaN'));
    // One that is only being made has no owner yet.
    if (Number.isInteger(owner) && !isAlive(owner)) await remove(directory);
  }
}

async function remove(directory: string): Promise<void> {
  const data = join(directory, 'disk', 'postgres', 'data');
  const pid = await livingPid(join(data, 'postmaster.pid'), data);
  if (pid !== null) {
    process.kill(pid, 'SIGQUIT');
    await until(
      'PostgreSQL is gone',
      () => isAlive(pid),
      (alive) => !alive,
    );
  }
  await run('umount', [join(directory, 'disk')]).catch(() => {});
  await rm(directory, { recursive: true, force: true });
}

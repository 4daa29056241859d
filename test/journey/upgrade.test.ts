import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Child, runCommand, startCommand } from '../support/child.ts';
import { medlab } from '../support/medlab.ts';
import { resultsOf, untilAtRest } from '../support/observe.ts';
import { until } from '../support/until.ts';
import { type Journey, startJourney } from '../support/world.ts';

/**
 * Two versions of the code beside each other: this checkout, and a copy of it that has migrations more. What the next
 * version adds is added while this version's worker runs.
 */

let journey: Journey;
let directory: string;
let settings: Record<string, string | undefined>;
const root = fileURLToPath(new URL('../..', import.meta.url));
const next = () => join(directory, 'next', 'bin', 'zorgkoerier');

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'zk-upgrade-'));
  journey = await startJourney();
  settings = { ...journey.settings, ZORGKOERIER_OWNER_DATABASE_URL: journey.ownerUrl };
  await mkdir(join(directory, 'next'));
  for (const part of ['src', 'bin', 'package.json']) {
    await cp(join(root, part), join(directory, 'next', part), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(directory, 'next', 'node_modules'));
});
afterAll(async () => {
  await journey.release();
  await rm(directory, { recursive: true, force: true });
});

const version = (await readdir(join(root, 'src/ledger/migrations'))).length;
const migration = (name: string, text: string) =>
  writeFile(join(directory, 'next', 'src', 'ledger', 'migrations', name), text);

let sent = 0;
async function send(): Promise<void> {
  sent += 1;
  await journey.send(
    'linde',
    medlab({ bsn: '999990019', labNumber: `2614${sent}`, to: '500088001', results: [{ value: String(60 + sent) }] }),
  );
}

async function started(worker: Child): Promise<Child> {
  await until(
    'the worker',
    () => worker.said().stderr,
    (text) => text.includes('worker started'),
  );
  return worker;
}

async function stop(worker: Child): Promise<void> {
  worker.process.kill('SIGTERM');
  expect(await worker.ended).toMatchObject({ code: 0 });
}

describe('upgrading', () => {
  it('a worker of this version goes on while the schema is expanded, beside one of the next', async () => {
    const old = await started(startCommand(['start'], settings));
    await send();
    await untilAtRest(journey, sent);

    await migration('9998-expand.sql', `-- works-from: ${version}\nalter table mail add column of_tomorrow text;`);
    expect(await runCommand(['migrate'], settings, next())).toMatchObject({ code: 0 });
    await send();
    await untilAtRest(journey, sent);

    const young = await started(startCommand(['start'], settings, next()));
    await send();
    await untilAtRest(journey, sent);
    await stop(old);
    await send();
    await untilAtRest(journey, sent);

    const again = await started(startCommand(['start'], settings));
    await stop(young);
    await send();
    expect(await untilAtRest(journey, sent)).toMatchObject({ forwarded: sent, difference: 0 });
    await stop(again);
    expect(await resultsOf(journey.world.ckis, '999990019')).toHaveLength(sent);
  });

  it('this version’s migrate leaves the newer schema alone', async () => {
    const answer = await runCommand(['migrate'], settings);
    expect(answer).toMatchObject({ code: 11 });
    expect(answer.stderr).toContain('ledger.schema-newer');
  });

  it('once the schema is contracted, a worker of this version refuses to start', async () => {
    await migration('9999-contract.sql', 'alter table mail drop column of_tomorrow;');
    expect(await runCommand(['migrate'], settings, next())).toMatchObject({ code: 0 });
    const answer = await runCommand(['start'], settings);
    expect(answer).toMatchObject({ code: 11 });
    expect(answer.stderr).toContain('ledger.schema-newer');
    await stop(await started(startCommand(['start'], settings, next())));
  });
});

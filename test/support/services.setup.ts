/**
 * One PostgreSQL and one redis-server per run. They are started by the first test that asks (a run of unit tests
 * starts nothing) and stopped and removed here, at the end of the run.
 *
 * Before that everything that all tests wrote down is searched for the BSNs of the sandbox's people, in every spelling:
 * the databases themselves are gone by then, but the write-ahead log has all that ever stood in them.
 */

import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { SANDBOX_PATIENTS } from '../../src/sandbox/people.ts';
import { removeServices, startServices } from '../../src/sandbox/services/services.ts';
import { type Hit, type Searcher, searcherFor } from '../canary/search.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    servicesDirectory: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const root = await mkdtemp(join(tmpdir(), 'zorgkoerier-test-'));
  const directory = join(root, 'services');
  project.provide('servicesDirectory', directory);
  return async () => {
    const hits = await writtenDown(directory);
    await removeServices(directory);
    await rm(root, { recursive: true, force: true });
    if (hits.length > 0) throw new Error(`a BSN was written down by a test: ${JSON.stringify(hits)}`);
  };
}

async function writtenDown(directory: string): Promise<readonly Hit[]> {
  if ((await stat(directory).catch(() => null)) === null) return [];
  // Adopts what runs.
  const { databaseUrl } = await startServices({ directory });
  const [people, planted] = await Promise.all([
    searcherFor(SANDBOX_PATIENTS.map(({ bsn }) => bsn)),
    searcherFor(['zorgkoerier_template']),
  ]);
  try {
    return await searched(databaseUrl, people, planted);
  } finally {
    await Promise.all([people.release(), planted.release()]);
  }
}

// The name of the template is known to be there: a search that does not find it has not looked.
async function searched(databaseUrl: string, people: Searcher, planted: Searcher): Promise<readonly Hit[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('checkpoint');
    const { rows } = await client.query<{ directory: string }>(`select current_setting('data_directory') as directory`);
    const { rows: templates } = await client.query(`select 1 from pg_database where datname = 'zorgkoerier_template'`);
    const data = rows[0]?.directory ?? '';
    if (templates.length > 0 && (await planted.inFiles(data)).length === 0) throw new Error('nothing was searched');
    return await people.inFiles(data);
  } finally {
    await client.end();
  }
}

/** A database of its own for every test file, copied from a template that is migrated once per run. */

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { migrate } from '../../src/ledger/migrate.ts';
import { runServices } from './services.ts';

export interface FreshDatabase {
  /** The role that migrates. */
  readonly ownerUrl: string;
  /** The role that the workers have, with the rights of production. */
  readonly workerUrl: string;
  release(): Promise<void>;
}

const TEMPLATE = 'zorgkoerier_template';
/** Any number that nobody else locks: files run in processes of their own, and one of them makes the template. */
const TEMPLATE_LOCK = 7_311_400;
const WORKER = 'zorgkoerier_worker';
const WORKER_PASSWORD = 'only-for-tests';

/** In the cluster of the run, or in one of the caller's own. */
export async function freshDatabase(services?: { readonly databaseUrl: string }): Promise<FreshDatabase> {
  const { databaseUrl } = services ?? (await runServices());
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asOwner(databaseUrl, async (client) => {
    await client.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK]);
    await makeTemplate(client, databaseUrl);
    await client.query(`create database ${name} template ${TEMPLATE}`);
  });
  const ownerUrl = withDatabase(databaseUrl, name);
  return {
    ownerUrl,
    workerUrl: asWorker(ownerUrl),
    release: () =>
      asOwner(databaseUrl, async (client) => {
        await client.query(`drop database if exists ${name} with (force)`);
      }),
  };
}

// Under another name until it is whole, so that a failed migration is tried again and not copied.
async function makeTemplate(client: pg.Client, databaseUrl: string): Promise<void> {
  const found = await client.query('select 1 from pg_database where datname = $1', [TEMPLATE]);
  if (found.rowCount !== 0) return;
  const half = `${TEMPLATE}_half`;
  await client.query(`drop database if exists ${half} with (force)`);
  await client.query(`create database ${half}`);
  await migrate(withDatabase(databaseUrl, half), { isFirstRun: true, workerPassword: WORKER_PASSWORD });
  await client.query(`alter database ${half} rename to ${TEMPLATE}`);
}

async function asOwner(databaseUrl: string, act: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await act(client);
  } finally {
    await client.end();
  }
}

function withDatabase(databaseUrl: string, name: string): string {
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  return url.toString();
}

function asWorker(ownerUrl: string): string {
  const url = new URL(ownerUrl);
  url.username = WORKER;
  url.password = WORKER_PASSWORD;
  return url.toString();
}

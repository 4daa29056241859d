/** The embedded PostgreSQL seen as a client: its address, whether it answers, and its one database. */

import pg from 'pg';
import { Failure } from '../../shared/failure.ts';

export interface PostgresAddress {
  readonly port: number;
  readonly password: string;
}

export const OWNER = 'zorgkoerier_owner';
const DATABASE = 'zorgkoerier';
const CONNECT_TIMEOUT_MS = 2_000;

/** The owner's address: the role that migrates. The worker's role is made by the migrations. */
export function databaseUrl(address: PostgresAddress): string {
  return `postgresql://${OWNER}:${address.password}@127.0.0.1:${address.port}/${DATABASE}`;
}

/** Whether it answers on its address with its password, which only ours does. */
export async function postgresAnswers(address: PostgresAddress): Promise<boolean> {
  return withClient(address, 'postgres', (client) => client.query('select 1')).then(
    () => true,
    () => false,
  );
}

/** Makes the database where it is new. */
export async function ensureDatabase(address: PostgresAddress): Promise<void> {
  await withClient(address, 'postgres', async (client) => {
    const found = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
    if (found.rowCount === 0) await client.query(`create database ${DATABASE}`);
  }).catch((cause: unknown) => {
    throw new Failure('sandbox.postgres-no-database', { kind: 'transient', scope: 'peer', cause });
  });
}

async function withClient<T>(
  address: PostgresAddress,
  database: string,
  act: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: address.port,
    user: OWNER,
    password: address.password,
    database,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    return await act(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/**
 * The schema and its versions. Migrations are the numbered .sql files beside this one; each runs once, in its own
 * transaction, under an advisory lock so that two starters do not run it twice.
 *
 * Upgrading without standing still: expand first, contract a version later. A migration that only adds says so in its
 * text, `-- works-from: N` (the lowest schema version whose code works with it), and workers of those versions go on
 * beside the new ones. One that does not say so needs its own version's code, and the former one's refuses to start.
 */

import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { Failure } from '../shared/failure.ts';
import type { Sql } from './ledger.ts';
import { ledgerFailure } from './pool.ts';

const DIRECTORY = fileURLToPath(new URL('./migrations/', import.meta.url));
const LOCK = 7_046_001;

export interface MigrateOptions {
  /** Without it a database that has no schema is refused: a wrong DATABASE_URL must not become a silent empty ledger. */
  readonly isFirstRun: boolean;
  /** The role that workers log in as; created or updated with this password. It owns nothing and cannot change audit rows. */
  readonly workerName?: string;
  readonly workerPassword: string;
}

export type SchemaAnswer =
  | { readonly kind: 'current'; readonly version: number }
  | { readonly kind: 'missing' }
  /** Newer, and made so that this version's code works with it. */
  | { readonly kind: 'expanded'; readonly version: number; readonly expected: number }
  | { readonly kind: 'older' | 'newer'; readonly version: number; readonly expected: number };

/** Brings the schema to this version; returns the names of the migrations that ran. */
export async function migrate(ownerUrl: string, options: MigrateOptions): Promise<readonly string[]> {
  const client = new pg.Client({ connectionString: ownerUrl, application_name: 'zorgkoerier-migrate' });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select pg_advisory_lock($1)', [LOCK]);
    const answer = await schemaState(asSql(client));
    if (answer.kind === 'missing' && !options.isFirstRun) {
      throw new Failure('ledger.schema-missing', { kind: 'permanent', scope: 'peer' });
    }
    // Also of an expanded one: our grants know nothing of its new tables.
    if (answer.kind === 'newer' || answer.kind === 'expanded') throw schemaFailure({ ...answer, kind: 'newer' });
    const ran = await runPending(client, answer.kind === 'missing' ? 0 : answer.version);
    await grantWorker(client, options.workerName ?? 'zorgkoerier_worker', options.workerPassword);
    return ran;
  } catch (thrown) {
    throw ledgerFailure(thrown);
  } finally {
    await client.end().catch(() => {});
  }
}

/** How the database's schema compares with this checkout's. */
export async function schemaState(sql: Sql): Promise<SchemaAnswer> {
  const expected = (await migrationFiles()).length;
  const table = await sql.query<{ found: string | null }>("select to_regclass('zorgkoerier_schema')::text as found");
  if (table.rows[0]?.found == null) return { kind: 'missing' };
  const { rows } = await sql.query<{ version: number | null; works_from: number | null }>(
    // Asked as a document, since a schema of before works_from has no such column.
    `select max(version)::int as version, max(coalesce((to_jsonb(s) ->> 'works_from')::int, version))::int as works_from from zorgkoerier_schema s`,
  );
  const version = rows[0]?.version ?? 0;
  if (version === expected) return { kind: 'current', version };
  if (version < expected) return { kind: 'older', version, expected };
  return { kind: (rows[0]?.works_from ?? version) <= expected ? 'expanded' : 'newer', version, expected };
}

/** Refuses to work on a missing or older schema, and on a newer one that this version's code does not work with. */
export async function requireCurrentSchema(sql: Sql): Promise<void> {
  const answer = await schemaState(sql);
  if (answer.kind !== 'current' && answer.kind !== 'expanded') throw schemaFailure(answer);
}

function schemaFailure(answer: Exclude<SchemaAnswer, { kind: 'current' | 'expanded' }>): Failure {
  const fields = answer.kind === 'missing' ? {} : { version: answer.version, expected: answer.expected };
  return new Failure(`ledger.schema-${answer.kind}`, { kind: 'permanent', scope: 'peer', fields });
}

async function runPending(client: pg.Client, from: number): Promise<string[]> {
  const ran: string[] = [];
  for (const [index, file] of (await migrationFiles()).entries()) {
    if (index < from) continue;
    const statements = await readFile(DIRECTORY + file, 'utf8');
    await client.query('begin');
    await client.query(
      'create table if not exists zorgkoerier_schema (version int primary key, name text not null, applied_at timestamptz not null default now())',
    );
    await client.query('alter table zorgkoerier_schema add column if not exists works_from int');
    await client.query(statements);
    const worksFrom = Number(/^-- works-from: (\d+)$/m.exec(statements)?.[1] ?? index + 1);
    await client.query('insert into zorgkoerier_schema (version, name, works_from) values ($1, $2, $3)', [
      index + 1,
      file,
      worksFrom,
    ]);
    await client.query('commit');
    ran.push(file);
  }
  return ran;
}

async function migrationFiles(): Promise<string[]> {
  return (await readdir(DIRECTORY)).filter((name) => /^\d{4}-.*\.sql$/.test(name)).sort();
}

// Roles belong to the whole cluster: the role may exist already (another database of the tests made it).
async function grantWorker(client: pg.Client, name: string, password: string): Promise<void> {
  const role = pg.escapeIdentifier(name);
  const secret = pg.escapeLiteral(password);
  await client.query('begin');
  await client.query('select pg_advisory_xact_lock($1)', [LOCK + 1]);
  const { rowCount } = await client.query('select 1 from pg_roles where rolname = $1', [name]);
  await client.query(
    `${rowCount === 0 ? 'create' : 'alter'} role ${role} login password ${secret} nosuperuser nocreatedb nocreaterole`,
  );
  await client.query(`grant usage on schema public to ${role}`);
  await client.query(`grant select, insert, update, delete on all tables in schema public to ${role}`);
  await client.query(`grant usage on all sequences in schema public to ${role}`);
  await client.query(`revoke update, delete, truncate on audit, audit_seal from ${role}`);
  await grantAppending(client, role);
  await client.query(`revoke insert, update, delete, truncate on zorgkoerier_schema from ${role}`);
  await client.query(`revoke delete on data_key, practice, mailbox, epoch, mail, source, source_key from ${role}`);
  await client.query('commit');
}

// A worker appends audit rows, but may not say which number or moment they have: the ledger does.
async function grantAppending(client: pg.Client, role: string): Promise<void> {
  const { rows } = await client.query<{ columns: string }>(
    `select string_agg(quote_ident(column_name), ', ') as columns from information_schema.columns
     where table_schema = 'public' and table_name = 'audit' and column_name not in ('id', 'at')`,
  );
  await client.query(`revoke insert on audit from ${role}`);
  await client.query(`grant insert (${rows[0]?.columns}) on audit to ${role}`);
}

function asSql(client: pg.Client): Sql {
  return {
    query: async (text, values) => {
      const result = await client.query(text, values as unknown[] | undefined);
      return { rows: result.rows, count: result.rowCount ?? 0 };
    },
  };
}

/** The pool behind the door: the only place that knows pg. */

import pg from 'pg';
import { systemClock } from '../shared/clock.ts';
import { errorName, Failure } from '../shared/failure.ts';
import type { Logger } from '../shared/logger.ts';
import type { Ledger, Sql, SqlResult, SqlValue } from './ledger.ts';

export interface LedgerOptions {
  readonly url: string;
  readonly connectionsMax: number;
  readonly logger: Logger;
  /** How long a statement's answer may take before its connection is given up: longer than the server works on one. */
  readonly answerWithinMs?: number;
}

// int8 as a number: uids and counts are far below 2^53. date as text: a day has no time zone.
const INT8 = 20;
const DATE = 1082;
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === INT8) return Number;
    if (oid === DATE) return (text: string) => text;
    return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid, 'text');
  }) as pg.CustomTypesConfig['getTypeParser'],
};

const CONNECT_TIMEOUT_MS = 10_000;
const STATEMENT_TIMEOUT_MS = 60_000;
const ANSWER_WITHIN_MS = 65_000;

/** Opens a pool. Nothing is sent until the first statement. */
export function openLedger(options: LedgerOptions): Ledger {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.connectionsMax,
    types,
    application_name: 'zorgkoerier',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: options.answerWithinMs ?? ANSWER_WITHIN_MS,
    pipeline: true,
  });
  // Planned anew at every use: a plan kept from when a table was empty would go through all of it after it has grown.
  pool.on('connect', (client) => void client.query('set plan_cache_mode = force_custom_plan').catch(() => {}));
  // An idle connection that breaks emits 'error' on the pool; without a listener the process would end.
  pool.on('error', (thrown) => options.logger.warn('ledger connection lost', { code: errorName(thrown) }));
  return {
    query: (text, values) => run(pool, text, values),
    transaction: (work) => inTransaction(pool, work),
    listen: (channel, heard) => listen(options, channel, heard),
    load: () => ({ busy: pool.totalCount - pool.idleCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    release: () => pool.end(),
  };
}

async function run<Row>(
  on: pg.Pool | pg.PoolClient,
  text: string,
  values: readonly SqlValue[] = [],
): Promise<SqlResult<Row>> {
  try {
    const name = values.length === 0 ? {} : nameOf(text);
    const result = await on.query({ ...name, text, values: values as unknown[] });
    return { rows: result.rows as Row[], count: result.rowCount ?? 0 };
  } catch (thrown) {
    throw ledgerFailure(thrown);
  }
}

/** More different statements than there are here: what is built from its values would fill the server's memory. */
const NAMED_MAX = 400;
const names = new Map<string, string>();

// By its name a connection parses a statement once, which is a third of what a short one costs the server. Only one that takes
// values: another may be several statements in one, and is asked seldom.
function nameOf(text: string): { readonly name?: string } {
  const known = names.get(text);
  if (known !== undefined) return { name: known };
  if (names.size >= NAMED_MAX) return {};
  const name = `zk${names.size}`;
  names.set(text, name);
  return { name };
}

async function inTransaction<Answer>(pool: pg.Pool, work: (tx: Sql) => Promise<Answer>): Promise<Answer> {
  const client = await connect(pool);
  let broken: Error | undefined;
  // A checked-out client that loses its connection emits 'error' too.
  const onError = (thrown: Error) => {
    broken = thrown;
  };
  client.on('error', onError);
  const noting = (thrown: Failure): never => {
    if (thrown.code === 'ledger.unreachable') broken = thrown;
    throw thrown;
  };
  try {
    // It travels with the first statement, which counts only if it went well. It is refused only where the connection is gone.
    const begun = run(client, 'begin').catch(noting);
    begun.catch(() => {});
    const query: Sql['query'] = async (text, values) => {
      const asked = run<never>(client, text, values).catch(noting);
      asked.catch(() => {});
      await begun;
      return asked;
    };
    const answer = await work({ query });
    await begun;
    await commit(client).catch(noting);
    return answer;
  } catch (thrown) {
    // A connection that does not answer would not answer a rollback either; closing it is one.
    if (broken === undefined)
      await client.query('rollback').catch((failed: Error) => {
        broken = failed;
      });
    throw thrown;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

// A transaction in which a statement was refused ends in a rollback, whatever is asked: PostgreSQL answers a COMMIT
// with ROLLBACK and no error. Work that swallowed the refusal must not hear that it was recorded.
async function commit(client: pg.PoolClient): Promise<void> {
  const { command } = await client.query('commit').catch((thrown: unknown) => {
    throw ledgerFailure(thrown);
  });
  if (command !== 'COMMIT') throw new Failure('ledger.rolled-back', { kind: 'defect' });
}

async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (thrown) {
    throw ledgerFailure(thrown);
  }
}

/**
 * An error of pg as a Failure. Only the SQLSTATE and the constraint's name go along: pg's own text and `detail`
 * repeat the values of the row.
 */
export function ledgerFailure(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  const sqlState = thrown instanceof pg.DatabaseError ? (thrown.code ?? '') : '';
  const fields = {
    sqlState: sqlState === '' ? errorName(thrown) : sqlState,
    constraint: thrown instanceof pg.DatabaseError ? (thrown.constraint ?? null) : null,
  };
  const cause = withoutValues(thrown);
  if (sqlState === '' || UNREACHABLE.test(sqlState)) {
    return new Failure('ledger.unreachable', { kind: 'transient', scope: 'peer', fields, cause });
  }
  if (sqlState.startsWith('40')) return new Failure('ledger.collision', { kind: 'transient', fields, cause });
  return new Failure('ledger.refused', { kind: 'defect', fields, cause });
}

// 08 connection, 28 login, 3D no such database, 53 resources, 57 shut down or taking too long, 58 disk, 25006 a standby.
// In each the statement did not happen and the same one may succeed later; 40 (serialisation, deadlock) likewise.
// 26000 and 0A000: the connection knows a statement by a name that the server does not know, or knows with other columns, since
// the schema was changed under it; the next connection begins anew.
const UNREACHABLE = /^(08|28|3D|53|57|58|25006|26000|0A000)/;

// Where it happened, for the log; whoever prints the cause must not print a row.
function withoutValues(thrown: unknown): Error {
  const bare = new Error(errorName(thrown));
  if (!(thrown instanceof Error)) return bare;
  const frames = (thrown.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  bare.stack = [`Error: ${bare.message}`, ...frames].join('\n');
  return bare;
}

async function listen(options: LedgerOptions, channel: string, heard: (payload: string) => void) {
  let client: pg.Client | null = null;
  let isReleased = false;
  const open = async () => {
    const fresh = new pg.Client({
      connectionString: options.url,
      application_name: 'zorgkoerier-listen',
      keepAlive: true,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    });
    fresh.on('notification', (notice) => heard(notice.payload ?? ''));
    fresh.on('error', () => {});
    try {
      await fresh.connect();
      await fresh.query(`listen ${pg.escapeIdentifier(channel)}`);
    } catch (thrown) {
      await fresh.end().catch(() => {});
      throw thrown;
    }
    if (isReleased) return fresh.end();
    client = fresh;
    // Only now: an attempt that failed ends too, and each would start a loop of its own.
    fresh.once('end', () => {
      if (!isReleased) void reopen();
    });
  };
  const reopen = async (): Promise<void> => {
    client = null;
    while (!isReleased && client === null) {
      await systemClock.wait(1_000);
      await open()
        .then(() => {
          if (!isReleased) heard('');
        })
        .catch(() => {});
    }
  };
  await open().catch((thrown) => {
    throw ledgerFailure(thrown);
  });
  return async () => {
    isReleased = true;
    await client?.end().catch(() => {});
  };
}

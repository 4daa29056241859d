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

/** Opens a pool. Nothing is sent until the first statement. */
export function openLedger(options: LedgerOptions): Ledger {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.connectionsMax,
    types,
    application_name: 'zorgkoerier',
    connectionTimeoutMillis: 10_000,
    statement_timeout: 60_000,
  });
  // An idle connection that breaks emits 'error' on the pool; without a listener the process would end.
  pool.on('error', (thrown) => options.logger.warn('ledger connection lost', { code: errorName(thrown) }));
  return {
    query: (text, values) => run(pool, text, values),
    transaction: (work) => inTransaction(pool, work),
    listen: (channel, heard) => listen(options, channel, heard),
    release: () => pool.end(),
  };
}

async function run<Row>(
  on: pg.Pool | pg.PoolClient,
  text: string,
  values: readonly SqlValue[] = [],
): Promise<SqlResult<Row>> {
  try {
    const result = await on.query(text, values as unknown[]);
    return { rows: result.rows as Row[], count: result.rowCount ?? 0 };
  } catch (thrown) {
    throw ledgerFailure(thrown);
  }
}

async function inTransaction<Answer>(pool: pg.Pool, work: (tx: Sql) => Promise<Answer>): Promise<Answer> {
  const client = await connect(pool);
  let broken: Error | undefined;
  // A checked-out client that loses its connection emits 'error' too.
  const onError = (thrown: Error) => {
    broken = thrown;
  };
  client.on('error', onError);
  try {
    await run(client, 'begin');
    const answer = await work({ query: (text, values) => run(client, text, values) });
    await run(client, 'commit');
    return answer;
  } catch (thrown) {
    await client.query('rollback').catch((failed: Error) => {
      broken = failed;
    });
    throw thrown;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
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
  // 08 connection, 53 resources, 57P admin shutdown; 40 serialisation and deadlock: the transaction did not happen.
  if (sqlState === '' || /^(08|53|57P)/.test(sqlState)) {
    return new Failure('ledger.unreachable', { kind: 'transient', scope: 'peer', fields, cause: thrown });
  }
  if (sqlState.startsWith('40')) return new Failure('ledger.collision', { kind: 'transient', fields, cause: thrown });
  return new Failure('ledger.refused', { kind: 'defect', fields, cause: thrown });
}

async function listen(options: LedgerOptions, channel: string, heard: (payload: string) => void) {
  let client: pg.Client | null = null;
  let isReleased = false;
  const open = async () => {
    const fresh = new pg.Client({
      connectionString: options.url,
      application_name: 'zorgkoerier-listen',
      keepAlive: true,
    });
    fresh.on('notification', (notice) => heard(notice.payload ?? ''));
    fresh.on('error', () => {});
    fresh.on('end', () => {
      if (!isReleased) void reopen();
    });
    await fresh.connect();
    await fresh.query(`listen ${pg.escapeIdentifier(channel)}`);
    client = fresh;
  };
  const reopen = async (): Promise<void> => {
    client = null;
    while (!isReleased && client === null) {
      await systemClock.wait(1_000);
      await open()
        .then(() => heard(''))
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

import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { migrate, requireCurrentSchema, schemaState } from '../../src/ledger/ledger.ts';
import { openTestLedger, useLedgers } from './ledgers.ts';

const ledgers = useLedgers();
const FILES = readdirSync('src/ledger/migrations').sort();
// A role of its own: roles belong to the whole cluster, and other files make theirs at the same time.
const OPTIONS = { isFirstRun: true, workerName: 'worker_of_this_file', workerPassword: 'only-for-tests' };

const empties: string[] = [];
afterAll(async () => {
  for (const name of empties) await ledgers.owner.query(`drop database ${name} with (force)`);
});

/** The address of a database in which there is nothing. */
async function emptyDatabase(): Promise<string> {
  const name = `empty_${randomBytes(6).toString('hex')}`;
  await ledgers.owner.query(`create database ${name}`);
  empties.push(name);
  const url = new URL(ledgers.database.ownerUrl);
  url.pathname = `/${name}`;
  return url.toString();
}

async function asking<Answer>(
  url: string,
  ask: (sql: ReturnType<typeof openTestLedger>) => Promise<Answer>,
): Promise<Answer> {
  const ledger = openTestLedger(url, 1);
  try {
    return await ask(ledger);
  } finally {
    await ledger.release();
  }
}

const versions = (url: string) =>
  asking(
    url,
    async (sql) =>
      (
        await sql.query<{ version: number; name: string }>(
          'select version, name from zorgkoerier_schema order by version',
        )
      ).rows,
  );

describe('migrating', () => {
  it('refuses a database without a schema unless it is said to be the first run, and then changed nothing', async () => {
    const url = await emptyDatabase();
    await expect(migrate(url, { ...OPTIONS, isFirstRun: false })).rejects.toMatchObject({
      code: 'ledger.schema-missing',
      kind: 'permanent',
      scope: 'peer',
    });
    expect(await asking(url, schemaState)).toEqual({ kind: 'missing' });
    const tables = `select 1 from pg_tables where schemaname = 'public'`;
    expect(await asking(url, (sql) => sql.query(tables))).toMatchObject({ count: 0 });
  });

  it('runs every file once, and a second time nothing', async () => {
    const url = await emptyDatabase();
    expect(await migrate(url, OPTIONS)).toEqual(FILES);
    const first = await versions(url);
    expect(first).toEqual(FILES.map((name, index) => ({ version: index + 1, name })));
    expect(await migrate(url, { ...OPTIONS, isFirstRun: false })).toEqual([]);
    expect(await versions(url)).toEqual(first);
  });

  it('by two starters at once runs each file once', async () => {
    const url = await emptyDatabase();
    const ran = await Promise.all(Array.from({ length: 4 }, () => migrate(url, OPTIONS)));
    expect(ran.flat()).toEqual(FILES);
    expect(await versions(url)).toHaveLength(FILES.length);
  });

  it('that fails halfway leaves nothing behind', async () => {
    const url = await emptyDatabase();
    // In the way of a later statement of the first file.
    await asking(url, (sql) => sql.query('create view audit as select 1'));
    await expect(migrate(url, OPTIONS)).rejects.toMatchObject({
      code: 'ledger.refused',
      fields: { sqlState: '42P07' },
    });
    expect(await asking(url, schemaState)).toEqual({ kind: 'missing' });
    const { rows } = await asking(url, (sql) => sql.query("select to_regclass('mail')::text as mail"));
    expect(rows).toEqual([{ mail: null }]);
    await asking(url, (sql) => sql.query('drop view audit'));
    expect(await migrate(url, OPTIONS)).toEqual(FILES);
  });

  it('refuses a schema that is newer than this program', async () => {
    const url = await emptyDatabase();
    await migrate(url, OPTIONS);
    await asking(url, (sql) =>
      sql.query("insert into zorgkoerier_schema (version, name) values (9999, 'of-tomorrow')"),
    );
    await expect(migrate(url, OPTIONS)).rejects.toMatchObject({
      code: 'ledger.schema-newer',
      fields: { version: 9999, expected: FILES.length },
    });
  });

  it('fails as unreachable where there is no server', async () => {
    await expect(migrate('postgres://nobody@127.0.0.1:1/nothing', OPTIONS)).rejects.toMatchObject({
      code: 'ledger.unreachable',
      scope: 'peer',
    });
  });
});

describe('a worker that starts', () => {
  it('is content with the schema of this program', async () => {
    expect(await schemaState(ledgers.worker)).toEqual({ kind: 'current', version: FILES.length });
    await expect(requireCurrentSchema(ledgers.worker)).resolves.toBeUndefined();
  });

  it.each([
    { which: 'missing', change: 'drop table zorgkoerier_schema', fields: {} },
    { which: 'older', change: 'delete from zorgkoerier_schema', fields: { version: 0, expected: FILES.length } },
    {
      which: 'newer',
      change: "insert into zorgkoerier_schema (version, name) values (9999, 'of-tomorrow')",
      fields: { version: 9999, expected: FILES.length },
    },
  ])('refuses a schema that is $which', async ({ which, change, fields }) => {
    await ledgers.owner
      .transaction(async (tx) => {
        await tx.query(change);
        await expect(requireCurrentSchema(tx)).rejects.toMatchObject({
          code: `ledger.schema-${which}`,
          kind: 'permanent',
          scope: 'peer',
          fields,
        });
        throw new Error('given up');
      })
      .catch((thrown: Error) => {
        if (thrown.message !== 'given up') throw thrown;
      });
  });
});

describe("the worker's role", () => {
  const DENIED = '42501';
  it.each([
    ['change an audit row', "update audit set actor = 'nobody'"],
    ['delete an audit row', 'delete from audit'],
    ['empty the audit', 'truncate audit'],
    ['delete a mail', 'delete from mail'],
    ['empty the mails', 'truncate mail cascade'],
    ['delete a mailbox', 'delete from mailbox'],
    ['delete a practice', 'delete from practice'],
    ['delete an epoch', 'delete from epoch'],
    ['delete a data key', 'delete from data_key'],
    ['delete a source', 'delete from source'],
    ['delete a source’s key', 'delete from source_key'],
    ['change the version of the schema', 'update zorgkoerier_schema set version = 9'],
    ['add a version of the schema', "insert into zorgkoerier_schema (version, name) values (9, '')"],
    ['make a table', 'create table mine ()'],
    ['change a table', 'alter table mail add column mine int'],
    ['drop a table', 'drop table audit'],
    ['change the view that counts', 'create or replace view mail_outcome as select 1'],
    ['make a role', 'create role mine'],
    ['take the rights of the owner', 'grant all on audit to public'],
  ])('cannot %s', async (_, statement) => {
    const answer = ledgers.worker.query(statement);
    // A grant without the right to grant is a warning in PostgreSQL, and changes nothing.
    if (statement.startsWith('grant')) await answer;
    else await expect(answer).rejects.toMatchObject({ code: 'ledger.refused', fields: { sqlState: DENIED } });
    const { rows } = await ledgers.owner.query(
      "select has_table_privilege('zorgkoerier_worker', 'audit', 'update, delete, truncate') as may",
    );
    expect(rows).toEqual([{ may: false }]);
  });

  it('gets a new password when migrating runs again, and keeps its rights and no more', async () => {
    await migrate(ledgers.database.ownerUrl, { ...OPTIONS, isFirstRun: false });
    await migrate(ledgers.database.ownerUrl, { ...OPTIONS, isFirstRun: false, workerPassword: 'another' });
    const url = Object.assign(new URL(ledgers.database.workerUrl), {
      username: OPTIONS.workerName,
      password: 'another',
    });
    await asking(url.toString(), async (sql) => {
      expect(await sql.query('select 1 from mail_outcome limit 1')).toMatchObject({ count: 0 });
      await expect(sql.query('delete from audit')).rejects.toMatchObject({ fields: { sqlState: DENIED } });
    });
  });
});

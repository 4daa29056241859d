import pg from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';

const databases: FreshDatabase[] = [];
afterAll(() => Promise.all(databases.map((database) => database.release())));

async function fresh(): Promise<FreshDatabase> {
  const database = await freshDatabase();
  databases.push(database);
  return database;
}

async function ask(url: string, text: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows[0];
  } finally {
    await client.end();
  }
}

describe('a fresh database', () => {
  it('is migrated, and shares nothing with another', async () => {
    const [one, other] = await Promise.all([fresh(), fresh()]);
    await ask(one.ownerUrl, 'create table mine ()');
    const found =
      "select to_regclass('mine') is not null as mine, to_regclass('zorgkoerier_schema') is not null as schema";
    expect(await ask(one.ownerUrl, found)).toEqual({ mine: true, schema: true });
    expect(await ask(other.ownerUrl, found)).toEqual({ mine: false, schema: true });
  });

  it('gives the worker the rights of production: to read, and never to change the schema', async () => {
    const database = await fresh();
    expect(await ask(database.workerUrl, 'select current_user as role')).toEqual({ role: 'zorgkoerier_worker' });
    await expect(ask(database.workerUrl, 'create table mine ()')).rejects.toMatchObject({ code: '42501' });
  });

  it('is gone once it is released', async () => {
    const database = await freshDatabase();
    await database.release();
    await expect(ask(database.ownerUrl, 'select 1')).rejects.toMatchObject({ code: '3D000' });
  });
});

/** `source` as a person types it. */

import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPublicKey } from '../../src/source/source.ts';
import { runCommand } from '../support/child.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';

let database: FreshDatabase;
let directory: string;
beforeAll(async () => {
  [database, directory] = await Promise.all([freshDatabase(), mkdtemp(join(tmpdir(), 'zk-source-'))]);
});
afterAll(async () => {
  await database.release();
  await rm(directory, { recursive: true, force: true });
});

const run = (...args: string[]) =>
  runCommand(['source', ...args], {
    DATABASE_URL: database.workerUrl,
    REDIS_URL: 'redis://nowhere.invalid:6379',
    ZORGKOERIER_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
  });

/** Files of a new pair. */
async function newPair(name: string) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const [file, secret, jwk] = ['pem', 'secret', 'jwk'].map((kind) => join(directory, `${name}.${kind}`)) as [
    string,
    string,
    string,
  ];
  await writeFile(file, pem);
  await writeFile(secret, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(jwk, JSON.stringify(publicKey.export({ format: 'jwk' })));
  return {
    file,
    secret,
    jwk,
    kid: readPublicKey(pem).kid,
    d: (privateKey.export({ format: 'jwk' }) as { d: string }).d,
  };
}

const list = async () =>
  JSON.parse((await run('list', '--json')).stdout) as {
    name: string;
    addedBy: string;
    keys: { kid: string; state: string; validUntil: string | null }[];
  }[];

describe('zorgkoerier source', () => {
  it('adds, rotates with the overlap that is asked for, revokes and lists', async () => {
    const [first, second, third] = [await newPair('first'), await newPair('second'), await newPair('third')];
    const added = await run('add', 'ckis', '--public-key', first.file, '--by', 'sanne');
    expect(added).toMatchObject({ code: 0, stdout: `Bron ckis is toegevoegd. kid van de sleutel: ${first.kid}\n` });
    const rotated = await run('rotate', 'ckis', '--public-key', second.jwk);
    expect(rotated.stdout).toMatch(new RegExp(`kid ${second.kid}\\. De oude geldt tot \\d{4}-`));
    expect(await run('rotate', 'ckis', '--public-key', third.file, '--overlap-days', '0')).toMatchObject({ code: 0 });
    expect((await list())[0]).toMatchObject({
      name: 'ckis',
      addedBy: 'sanne',
      keys: [
        { kid: third.kid, state: 'current' },
        { kid: second.kid, state: 'over' },
        { kid: first.kid, state: 'over' },
      ],
    });
    expect((await run('list')).stdout).toMatch(new RegExp(`ckis +${third.kid} +EC P-256 +geldig`));
    expect(await run('revoke', 'ckis', '--key', third.kid)).toMatchObject({ code: 0 });
    expect((await list())[0]?.keys[0]?.state).toBe('revoked');
    expect(await run('revoke', 'ckis')).toMatchObject({ code: 0, stdout: expect.stringContaining('ingetrokken') });
    const client = new pg.Client({ connectionString: database.ownerUrl });
    await client.connect();
    const { rows } = await client.query(`select event from audit where object_kind = 'source' order by id`);
    await client.end();
    expect(rows.map(({ event }) => event)).toEqual([
      'source.added',
      'source.rotated',
      'source.rotated',
      'source.key-revoked',
      'source.revoked',
    ]);
  });

  it('says what to do where it refuses, and repeats nothing of a private key', async () => {
    const pair = await newPair('mistaken');
    await run('add', 'boards', '--public-key', (await newPair('boards')).file);
    const refusals: readonly (readonly [readonly string[], RegExp])[] = [
      [['add', 'kis', '--public-key', pair.secret], /source\.key-private: .*given away.*openssl pkey/],
      [['add', 'Kis', '--public-key', pair.file], /source\.name: .*small letters/],
      [['add', 'boards', '--public-key', pair.file], /source\.exists .*source rotate/],
      [['add', 'kis', '--public-key', join(directory, 'nowhere')], /--public-key .*ENOENT/],
      [['add', 'kis'], /--public-key/],
      [['rotate', 'nobody', '--public-key', pair.file], /source\.unknown .*source list/],
      [['rotate', 'ckis', '--public-key', pair.file], /source\.revoked .*another name/],
      [['rotate', 'boards', '--public-key', join(directory, 'boards.pem')], /source\.key-used .*new one/],
      [['rotate', 'boards', '--public-key', pair.file, '--overlap-days', '365'], /--overlap-days.*0 to 90/],
      [['revoke', 'boards', '--key', pair.kid], /source\.key-unknown .*source list/],
    ];
    for (const [args, says] of refusals) {
      const ran = await run(...args);
      expect(ran).toMatchObject({ code: 2, stdout: '' });
      expect(ran.stderr).toMatch(says);
      expect(ran.stderr).not.toContain(pair.d);
    }
    expect((await list()).map(({ name }) => name)).toEqual(['boards', 'ckis']);
  });
});

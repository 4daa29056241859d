import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Environment } from '../../src/config/config.ts';
import { makeCertificate } from '../../src/sandbox/zorgmail/certificate.ts';
import { type Child, runCommand, startCommand } from '../support/child.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { type PrivateRedis, privateRedis } from '../support/private-redis.ts';
import { until } from '../support/until.ts';

let database: FreshDatabase;
let redis: PrivateRedis;
let directory: string;
let settings: Environment;
let ca: string;
beforeAll(async () => {
  [database, redis, directory] = await Promise.all([
    freshDatabase(),
    privateRedis(),
    mkdtemp(join(tmpdir(), 'zk-serve-')),
  ]);
  const made = await makeCertificate();
  ca = made.certificate;
  await writeFile(join(directory, 'cert.pem'), made.certificate);
  await writeFile(join(directory, 'key.pem'), made.key);
  await writeFile(join(directory, 'no.pem'), 'no PEM\n');
  settings = {
    DATABASE_URL: database.workerUrl,
    REDIS_URL: redis.redisUrl,
    ZORGKOERIER_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
    ZORGKOERIER_API_LISTEN: '127.0.0.1:0',
    ZORGKOERIER_API_AUDIENCE: 'https://zorgkoerier.example',
  };
});
afterAll(async () => {
  await Promise.all([database.release(), redis.release()]);
  await rm(directory, { recursive: true, force: true });
});

async function listening(changes: Environment = {}): Promise<{ readonly child: Child; readonly url: string }> {
  const child = startCommand(['serve'], { ...settings, ...changes });
  const address = () => /luistert op (\S+)/.exec(child.said().stderr)?.[1];
  const url = await until('an address', address, (found) => found !== undefined || child.process.exitCode !== null);
  if (url === undefined) throw new Error(child.said().stderr);
  return { child, url };
}

describe('zorgkoerier serve', () => {
  it.each([
    ['SIGTERM', 0],
    ['SIGINT', 130],
  ] as const)('answers until %s, and ends with %i', async (signal, code) => {
    const { child, url } = await listening();
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: 'up' });
    expect((await fetch(`${url}/v1/registrations/${randomUUID()}`)).status).toBe(401);
    child.process.kill(signal);
    expect(await child.ended).toMatchObject({ code, signal: null, stderr: expect.stringContaining('stopping') });
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });

  it('speaks TLS with the files that it is given', async () => {
    const files = {
      ZORGKOERIER_API_TLS_CERT: join(directory, 'cert.pem'),
      ZORGKOERIER_API_TLS_KEY: join(directory, 'key.pem'),
    };
    const { child, url } = await listening(files);
    expect(url).toMatch(/^https:/);
    const answer = await new Promise<{ status: number | undefined; transport: unknown }>((resolve, reject) => {
      get(`${url}/healthz`, { ca, agent: false }, (response) => {
        response.resume();
        resolve({ status: response.statusCode, transport: response.headers['strict-transport-security'] });
      }).on('error', reject);
    });
    expect(answer).toEqual({ status: 200, transport: 'max-age=31536000' });
    child.process.kill('SIGTERM');
    expect(await child.ended).toMatchObject({ code: 0 });
  });

  it('takes registrations also where Redis is away when it starts', async () => {
    await redis.kill();
    const { child, url } = await listening();
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    child.process.kill('SIGTERM');
    expect(await child.ended).toMatchObject({ code: 0 });
    await redis.start();
  });

  it('refuses to start, and says why', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    const tls = (cert: string) => ({
      ZORGKOERIER_API_TLS_CERT: join(directory, cert),
      ZORGKOERIER_API_TLS_KEY: join(directory, 'key.pem'),
    });
    const refusals: readonly (readonly [Environment, number, RegExp])[] = [
      [{ ZORGKOERIER_API_AUDIENCE: '' }, 10, /ZORGKOERIER_API_AUDIENCE: is missing/],
      [{ ZORGKOERIER_API_LISTEN: '0.0.0.0:0' }, 10, /ZORGKOERIER_API_LISTEN: is not this machine alone/],
      [{ ZORGKOERIER_API_LISTEN: `127.0.0.1:${port}` }, 10, /LISTEN: something else listens there/],
      [tls('no.pem'), 10, /TLS_CERT: is no certificate/],
      [{ DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none' }, 11, /ledger\.unreachable/],
    ];
    for (const [changes, code, says] of refusals) {
      const ran = await runCommand(['serve'], { ...settings, ...changes });
      expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code, stderr: expect.stringMatching(says) });
    }
    taken.close();
  });
});

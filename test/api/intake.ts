/**
 * The intake over a real socket, with a real PostgreSQL and Redis: sources that sign, a practice that takes registrations, and
 * a client that compares every single answer with the document that the server gives of itself.
 */

import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import pg from 'pg';
import { expect } from 'vitest';
import { type Api, type RunningApi, startApi } from '../../src/api/api.ts';
import { openKeys } from '../../src/keys/keys.ts';
import { openLedger } from '../../src/ledger/ledger.ts';
import { addPractice } from '../../src/practice/practice.ts';
import { openQueue } from '../../src/queue/queue.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { addSource, readPublicKey } from '../../src/source/source.ts';
import { REGISTRATION } from '../registration/sample.ts';
import { freshDatabase } from '../support/postgres.ts';
import { privateRedis } from '../support/private-redis.ts';
import { type Described, described } from './described.ts';

export const AUDIENCE = 'https://zorgkoerier.example/intake';
export const AGB = REGISTRATION.practice.agb;

/** One that is right, to change one thing of. */
export const POSTED = { ...REGISTRATION, practice: { agb: AGB }, earlier: null };

export interface Signer {
  readonly name: string;
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicPem: string;
}

/** Changes to an assertion that is right; null takes a claim away. */
export interface Changes {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly key?: KeyObject | Uint8Array;
}

export interface Call {
  readonly signer?: Signer | null;
  readonly authorization?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object becomes JSON. */
  readonly body?: unknown;
  /** Of a server that is not the usual one. */
  readonly at?: RunningApi;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every form.
  readonly body: any;
}

export type Intake = Awaited<ReturnType<typeof startIntake>>;

export function newSigner(name: string, kind: 'ec' | 'p384' | 'rsa' | 'ed25519' = 'ec'): Signer {
  const { publicKey, privateKey } = pairOf(kind);
  const publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return { name, kid: readPublicKey(publicPem).kid, privateKey, publicPem };
}

function pairOf(kind: 'ec' | 'p384' | 'rsa' | 'ed25519') {
  if (kind === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2_048 });
  if (kind === 'ed25519') return generateKeyPairSync('ed25519');
  return generateKeyPairSync('ec', { namedCurve: kind === 'p384' ? 'P-384' : 'P-256' });
}

export const nowS = () => Math.floor(systemClock.now().getTime() / 1_000);

export async function sign(signer: Signer, { claims = {}, header = {}, key }: Changes = {}): Promise<string> {
  const standard = {
    iss: signer.name,
    sub: signer.name,
    aud: AUDIENCE,
    iat: nowS(),
    exp: nowS() + 60,
    jti: randomUUID(),
  };
  const payload = Object.fromEntries(Object.entries({ ...standard, ...claims }).filter(([, value]) => value !== null));
  return new SignJWT(payload)
    .setProtectedHeader({ alg: 'ES256', kid: signer.kid, ...header })
    .sign(key ?? signer.privateKey);
}

export async function startIntake(limits = { perSource: 100_000, perAddress: 100_000 }) {
  const directory = await mkdtemp(join(tmpdir(), 'zk-intake-'));
  const [database, redis] = await Promise.all([freshDatabase(), privateRedis()]);
  const logFile = join(directory, 'log');
  const descriptor = openSync(logFile, 'a');
  const logger = createLogger('trace', descriptor);
  const ledger = openLedger({ url: database.workerUrl, connectionsMax: 10, logger, answerWithinMs: 10_000 });
  const owner = new pg.Pool({ connectionString: database.ownerUrl, max: 2 });
  owner.on('error', () => {});
  const queue = await openQueue({ redisUrl: redis.redisUrl, logger, clock: systemClock });
  const master = { id: 'intake00', bytes: Buffer.alloc(32, 7) };
  const keys = openKeys({ sql: ledger, master, clock: systemClock, dedupeDays: 400 });
  // As the demo and the tests have it: their people are nobody.
  const api: Api = {
    ledger,
    keys,
    queue,
    logger,
    clock: systemClock,
    isProduction: false,
    audience: AUDIENCE,
    ...limits,
  };
  const started: RunningApi[] = [];
  const start = async (changes: Partial<Api> = {}, listening: Partial<Parameters<typeof startApi>[1]> = {}) => {
    const running = await startApi(
      { ...api, ...changes },
      { host: '127.0.0.1', port: 0, tls: null, isBehindProxy: false, ...listening },
    );
    started.push(running);
    return running;
  };
  const usual = await start();
  const document = (await (await fetch(`${usual.url}/openapi.json`)).json()) as Record<string, unknown>;
  const description: Described = described(document);
  const sql = async <Row>(text: string, values: readonly unknown[] = []) =>
    (await owner.query(text, [...values])).rows as Row[];
  const register = async (signer: Signer) => {
    await ledger.transaction((tx) => addSource(tx, signer.name, readPublicKey(signer.publicPem), 'test'));
    return signer;
  };
  const practiceId = await ledger.transaction((tx) =>
    addPractice(
      tx,
      {
        agb: AGB,
        name: 'Huisartsenpraktijk De Linde',
        his: 'Medicom',
        products: ['cKIS'],
        boards: 'none',
        accounts: ['500088001'],
      },
      'test',
    ),
  );
  await sql(
    `insert into registration_receiver (practice_id, account, charset, blank_line) values ($1, '500088001', 'ascii', 'full-stop')`,
    [practiceId],
  );
  await sql(
    `insert into integration (practice_id, name, state, mode, authorised_by, authorised_on, since) values ($1, 'registrations', 'enabled', 'live', 'P. Praktijkhouder', '2026-11-20', now())`,
    [practiceId],
  );
  const ckis = await register(newSigner('ckis'));

  /** Every answer is compared with the document: an undocumented status, type, header or form fails the test. */
  const call = async (method: string, path: string, options: Call = {}): Promise<Answered> => {
    const { signer = ckis, body, at = usual } = options;
    const authorization =
      options.authorization === undefined
        ? signer === null
          ? null
          : `Bearer ${await sign(signer)}`
        : options.authorization;
    const response = await fetch(`${at.url}${path}`, {
      method,
      headers: { ...(authorization === null ? {} : { authorization }), ...options.headers },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body) }),
    });
    const text = await response.text();
    const answered = {
      status: response.status,
      headers: response.headers,
      body: text === '' ? null : JSON.parse(text),
    };
    expect(description.complaints(method, new URL(path, usual.url).pathname, answered)).toEqual([]);
    return answered;
  };
  return {
    api,
    usual,
    start,
    document,
    description,
    ckis,
    practiceId,
    redis,
    sql,
    register,
    call,
    post: (body: unknown, options: Call & { readonly key?: string | null } = {}) => {
      const { key = randomUUID() } = options;
      const headers = {
        'content-type': 'application/json',
        ...(key === null ? {} : { 'idempotency-key': key }),
        ...options.headers,
      };
      return call('POST', '/v1/registrations', { ...options, body, headers });
    },
    get: (id: string, options: Call = {}) => call('GET', `/v1/registrations/${id}`, options),
    log: () => readFileSync(logFile, 'utf8'),
    /** PostgreSQL runs on and refuses us, as while it fails over. */
    ledgerAway: async () => {
      await sql(`do $$ begin execute format('alter database %I connection limit 0', current_database()); end $$`);
      await sql(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = 'zorgkoerier_worker'`,
      );
    },
    ledgerBack: () =>
      sql(`do $$ begin execute format('alter database %I connection limit -1', current_database()); end $$`),
    release: async () => {
      for (const running of started) await running.release();
      await queue.release();
      await ledger.release();
      await owner.end();
      await Promise.all([database.release(), redis.release()]);
      closeSync(descriptor);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

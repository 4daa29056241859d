import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigurationError, type Environment, loadConfig, settingsTable } from '../../src/config/config.ts';
import { SETTING_NAMES } from '../../src/config/settings.ts';

const KEY = randomBytes(32);
const WHOLE: Environment = {
  DATABASE_URL: 'postgresql://worker:hush@ledger/zorgkoerier',
  REDIS_URL: 'redis://queue:6379',
  ZORGKOERIER_MASTER_KEY: KEY.toString('base64'),
};
const directory = mkdtempSync(join(tmpdir(), 'zk-config-'));
afterAll(() => rmSync(directory, { recursive: true }));

function secretFile(text: string): string {
  const path = join(directory, randomBytes(4).toString('hex'));
  writeFileSync(path, text);
  return path;
}

function faults(env: Environment): Record<string, string> {
  try {
    loadConfig(env);
  } catch (thrown) {
    if (thrown instanceof ConfigurationError) {
      return Object.fromEntries(thrown.faults.map(({ name, problem }) => [name, problem]));
    }
    throw thrown;
  }
  return {};
}

describe('the configuration', () => {
  it('names a missing cKIS beside everything else that is missing, where something is to be delivered', () => {
    expect(() => loadConfig({}, { requiresCkis: true })).toThrow(/DATABASE_URL[\s\S]*ZORGKOERIER_CKIS_URL: is missing/);
    expect(() => loadConfig(WHOLE, { requiresCkis: true })).toThrow('ZORGKOERIER_CKIS_URL: is missing');
    expect(() =>
      loadConfig({ ...WHOLE, ZORGKOERIER_CKIS_URL: 'https://ckis.example/fhir' }, { requiresCkis: true }),
    ).not.toThrow();
  });

  it('fills in every default', () => {
    expect(loadConfig(WHOLE)).toMatchObject({
      isEmbedded: false,
      dataDirectory: '.zorgkoerier',
      logLevel: 'info',
      language: 'nl',
      pollIntervalMs: 30_000,
      pollLongestMs: 120_000,
      loginsPerSecond: 250,
      loginsAtOnce: 100,
      mailboxesMax: 10_000,
      sweepIntervalMs: 15_000,
      mailMaxBytes: 5_000_000,
      readConcurrency: 2,
      readWithinMs: 20_000,
      deliverConcurrency: 64,
      targetRequests: 32,
      shutdownMs: 20_000,
      boardWithinMs: 600_000,
      receiptWithinMs: 86_400_000,
      ckis: null,
      cboards: null,
      laboratoriesPath: null,
    });
  });

  it.each([
    ['9464', '127.0.0.1', 9_464],
    ['0.0.0.0:9464', '0.0.0.0', 9_464],
    ['[::1]:80', '::1', 80],
    ['metrics.internal:1', 'metrics.internal', 1],
  ])('takes %s for where health is served: on this machine where no host is said', (text, host, port) => {
    expect(loadConfig({ ...WHOLE, ZORGKOERIER_HEALTH_LISTEN: text }).healthListen).toEqual({ host, port });
  });

  it.each([
    ':9464',
    '::1:9464',
    '127.0.0.1',
    '70000',
    'a b:1',
    'http://x:1',
  ])('refuses to serve health at %s', (text) => {
    expect(faults({ ...WHOLE, ZORGKOERIER_HEALTH_LISTEN: text })).toEqual({
      ZORGKOERIER_HEALTH_LISTEN: 'must be host:port',
    });
  });

  it('derives the master key’s id from the key itself', () => {
    const id = createHash('sha256').update(KEY).digest('hex').slice(0, 8);
    expect(loadConfig(WHOLE).masterKey).toEqual({ id, bytes: KEY });
  });

  it('reports everything that is wrong at once, by name', () => {
    const wrong = {
      ...WHOLE,
      DATABASE_URL: 'mysql://x',
      REDIS_URL: undefined,
      ZORGKOERIER_MASTER_KEY: 'too short',
      ZORGKOERIER_POLL_INTERVAL_MS: 'often',
      ZORGKOERIER_READ_CONCURENCY: '2',
    };
    expect(Object.keys(faults(wrong)).sort()).toEqual([
      'DATABASE_URL',
      'REDIS_URL',
      'ZORGKOERIER_MASTER_KEY',
      'ZORGKOERIER_POLL_INTERVAL_MS',
      'ZORGKOERIER_READ_CONCURENCY',
    ]);
  });

  it('never repeats what a setting holds', () => {
    const env = { ...WHOLE, DATABASE_URL: 'mysql://worker:hush@ledger', ZORGKOERIER_MASTER_KEY: 'aHVzaA==' };
    expect(() => loadConfig(env)).toThrow(ConfigurationError);
    expect(JSON.stringify(faults(env))).not.toMatch(/hush|aHVzaA/);
  });

  it('refuses to start without a ledger, rather than with an empty one', () => {
    expect(faults({})).toEqual({
      DATABASE_URL: 'is missing (or set ZORGKOERIER_EMBEDDED=1)',
      REDIS_URL: 'is missing (or set ZORGKOERIER_EMBEDDED=1)',
      ZORGKOERIER_MASTER_KEY: 'is missing (or set ZORGKOERIER_EMBEDDED=1)',
    });
  });

  it('asks for no addresses when the embedded services are wanted, or when the command needs none', () => {
    expect(loadConfig({ ZORGKOERIER_EMBEDDED: '1' })).toMatchObject({ isEmbedded: true, databaseUrl: null });
    expect(loadConfig({}, { requiresServices: false })).toMatchObject({ isEmbedded: false, databaseUrl: null });
  });

  it('reads a secret from a file, without the line end that an editor leaves', () => {
    const { ZORGKOERIER_MASTER_KEY: key, ...rest } = WHOLE;
    const config = loadConfig({ ...rest, ZORGKOERIER_MASTER_KEY_FILE: secretFile(`${key}\n`) });
    expect(config.masterKey?.bytes).toEqual(KEY);
  });

  it('refuses a secret that is given twice, and one whose file is not there or empty', () => {
    const { ZORGKOERIER_MASTER_KEY: key, ...rest } = WHOLE;
    const name = 'ZORGKOERIER_MASTER_KEY';
    expect(faults({ ...WHOLE, ZORGKOERIER_MASTER_KEY_FILE: secretFile(key ?? '') })[name]).toMatch(/given twice/);
    expect(faults({ ...rest, ZORGKOERIER_MASTER_KEY_FILE: join(directory, 'none') })[name]).toMatch(/cannot be read/);
    expect(faults({ ...rest, ZORGKOERIER_MASTER_KEY_FILE: secretFile('\n') })[name]).toMatch(/empty/);
  });

  const SMTP: Environment = {
    ...WHOLE,
    ZORGKOERIER_SMTP_URL: 'smtp://relay.zorgmail.example:25',
    ZORGKOERIER_SMTP_USER: '500077001',
    ZORGKOERIER_SMTP_PASSWORD: 'hush hush',
    ZORGKOERIER_SMTP_FROM: '500077001@lms.lifeline.nl',
  };

  it('makes a relay of the settings for SMTP, with a mandatory upgrade or TLS from the first byte', () => {
    expect(loadConfig(WHOLE).smtp).toBeNull();
    expect(loadConfig(SMTP).smtp).toEqual({
      host: 'relay.zorgmail.example',
      port: 25,
      security: 'starttls',
      username: '500077001',
      password: 'hush hush',
      from: '500077001@lms.lifeline.nl',
      ca: null,
    });
    const tls = {
      ...SMTP,
      ZORGKOERIER_SMTP_URL: 'smtps://relay.zorgmail.example',
      ZORGKOERIER_SMTP_CA: secretFile('PEM\n'),
    };
    expect(loadConfig(tls).smtp).toMatchObject({ port: 465, security: 'tls', ca: 'PEM' });
    expect(loadConfig({ ...SMTP, ZORGKOERIER_SMTP_URL: 'smtp://relay' }).smtp).toMatchObject({ port: 587 });
  });

  it('refuses half of them, an authority that is not there, and a password in the address', () => {
    const { ZORGKOERIER_SMTP_PASSWORD: _, ...rest } = SMTP;
    expect(Object.keys(faults(rest))).toEqual(['ZORGKOERIER_SMTP_PASSWORD']);
    expect(Object.keys(faults({ ...SMTP, ZORGKOERIER_SMTP_CA: join(directory, 'none') }))).toEqual([
      'ZORGKOERIER_SMTP_CA',
    ]);
    const wrong = faults({ ...SMTP, ZORGKOERIER_SMTP_URL: 'smtp://user:hush@relay' });
    expect(wrong).toEqual({ ZORGKOERIER_SMTP_URL: expect.stringMatching(/^must be smtp/) });
    expect(Object.keys(faults({ ...WHOLE, ZORGKOERIER_SMTP_CA: secretFile('PEM') }))).toHaveLength(4);
  });

  it('takes registrations on this machine, and says what it lacks for that', () => {
    expect(loadConfig(WHOLE).api).toEqual({
      host: '127.0.0.1',
      port: 8080,
      audience: null,
      tls: null,
      isBehindProxy: false,
      perSource: 300,
      perAddress: 600,
    });
    expect(() => loadConfig(WHOLE, { requiresApi: true })).toThrow('ZORGKOERIER_API_AUDIENCE: is missing');
    const AUDIENCE = { ZORGKOERIER_API_AUDIENCE: 'https://zorgkoerier.example' };
    expect(() => loadConfig({ ...WHOLE, ...AUDIENCE }, { requiresApi: true })).not.toThrow();
  });

  it('listens beyond this machine only with TLS, its own or a proxy’s', () => {
    const at = (listen: string, more: Environment = {}) =>
      faults({ ...WHOLE, ZORGKOERIER_API_LISTEN: listen, ...more });
    for (const own of ['127.0.0.1:1', '127.0.0.9:1', 'localhost:1', '[::1]:1']) expect(at(own)).toEqual({});
    for (const wide of ['0.0.0.0:1', '[::]:1', '192.0.2.1:1', 'localhost.example:1', '127.0.0.1.example:1']) {
      expect(at(wide)).toEqual({ ZORGKOERIER_API_LISTEN: expect.stringContaining('is not this machine alone') });
      expect(at(wide, { ZORGKOERIER_API_BEHIND_PROXY: '1' })).toEqual({});
    }
    const files = { ZORGKOERIER_API_TLS_CERT: secretFile('CERT'), ZORGKOERIER_API_TLS_KEY: secretFile('KEY') };
    expect(at('0.0.0.0:1', files)).toEqual({});
    expect(loadConfig({ ...WHOLE, ...files, ZORGKOERIER_API_LISTEN: '[::]:443' }).api).toMatchObject({
      host: '::',
      port: 443,
      tls: { cert: 'CERT', key: 'KEY' },
    });
    expect(faults({ ...WHOLE, ZORGKOERIER_API_TLS_CERT: secretFile('CERT') })).toEqual({
      ZORGKOERIER_API_TLS_KEY: 'is missing beside the other file of TLS',
    });
    expect(at('127.0.0.1:1', { ...files, ZORGKOERIER_API_TLS_KEY: join(directory, 'none') })).toEqual({
      ZORGKOERIER_API_TLS_KEY: 'names a file that cannot be read or is empty',
    });
    for (const wrong of ['8080', ':8080', 'localhost', '::1:8080', '127.0.0.1:65536', 'http://127.0.0.1:80'])
      expect(at(wrong)).toHaveProperty('ZORGKOERIER_API_LISTEN');
  });

  it('takes an empty value for an absent one', () => {
    expect(loadConfig({ ...WHOLE, ZORGKOERIER_LANGUAGE: '', ZORGKOERIER_CKIS_URL: ' ' })).toMatchObject({
      language: 'nl',
      ckis: null,
    });
  });

  it('sends nothing over plain http, except to this machine', () => {
    expect(faults({ ...WHOLE, ZORGKOERIER_CKIS_URL: 'http://ckis.example/fhir' })).toHaveProperty(
      'ZORGKOERIER_CKIS_URL',
    );
    expect(faults({ ...WHOLE, ZORGKOERIER_CKIS_URL: 'http://127.0.0.1.example/fhir' })).toHaveProperty(
      'ZORGKOERIER_CKIS_URL',
    );
    const local = { ...WHOLE, ZORGKOERIER_CKIS_URL: 'http://127.0.0.1:8080/fhir/', ZORGKOERIER_CKIS_TOKEN: 't' };
    expect(loadConfig(local).ckis).toEqual({ url: 'http://127.0.0.1:8080/fhir', token: 't' });
  });

  it.each([
    ['ZORGKOERIER_READ_CONCURRENCY', '0'],
    ['ZORGKOERIER_READ_CONCURRENCY', '2.5'],
    ['ZORGKOERIER_SHUTDOWN_MS', '-1'],
    ['ZORGKOERIER_EMBEDDED', 'yes'],
    ['ZORGKOERIER_LANGUAGE', 'de'],
    ['ZORGKOERIER_CKIS_URL', 'https://ckis.example/fhir?token=1'],
  ])('refuses %s=%s', (name, value) => {
    expect(faults({ ...WHOLE, [name]: value })).toHaveProperty(name);
  });

  it('makes the table of the README, with a row per setting and no secret’s default', () => {
    const table = settingsTable();
    expect(table).toContain('| `ZORGKOERIER_MASTER_KEY` (or `ZORGKOERIER_MASTER_KEY_FILE`) |  |');
    expect(table).toContain('| `ZORGKOERIER_POLL_INTERVAL_MS` | `30000` |');
    expect(table.trim().split('\n')).toHaveLength(2 + SETTING_NAMES.length);
  });
});

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/config.ts';
import { SETTINGS } from '../../src/config/settings.ts';

interface Service {
  readonly image?: string;
  readonly command?: string | readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly build?: { readonly dockerfile_inline: string };
  readonly profiles?: readonly string[];
  readonly restart?: string;
  readonly container_name?: string;
  readonly ports?: readonly string[];
  readonly stop_grace_period?: string;
  readonly healthcheck?: { readonly test: readonly string[]; readonly timeout: string };
}

const text = readFileSync(fileURLToPath(new URL('../../docker-compose.yml', import.meta.url)), 'utf8');
const compose = parse(text, { merge: true }) as {
  readonly services: Readonly<Record<'postgres' | 'redis' | 'migrate' | 'worker' | 'api' | 'sandbox', Service>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
};
const { postgres, redis, migrate, worker, api, sandbox } = compose.services;

describe('the compose file', () => {
  it('sets nothing that is not a setting, and a file only for a secret', () => {
    const known = Object.entries(SETTINGS).flatMap(([name, { isSecret }]) =>
      isSecret ? [name, `${name}_FILE`] : name,
    );
    const names = [migrate, worker, api, sandbox].flatMap((service) => Object.keys(service.environment ?? {}));
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
  });

  it('passes every secret as a file that the service was given, never as a variable', () => {
    for (const service of [postgres, migrate, worker, api]) {
      const files = Object.entries(service.environment ?? {}).filter(([name]) => name.endsWith('_FILE'));
      // Also one that is only passed where another setting is there.
      const paths = files.map(([, path]) => path.replace(/^\$\{\w+:\+(.*)\}$/, '$1'));
      expect(paths.map((path) => path.replace('/run/secrets/', '')).sort()).toEqual(
        [...(service.secrets ?? [])].sort(),
      );
    }
    const used = new Set([postgres, migrate, worker].flatMap((service) => service.secrets ?? []));
    expect(Object.keys(compose.secrets).sort()).toEqual([...used].sort());
    expect(text).not.toMatch(/^\s+\w*(TOKEN|PASSWORD|MASTER_KEY|DATABASE_URL):/m);
  });

  it('gives the worker everything that it cannot start without', () => {
    const names = Object.keys(worker.environment ?? {});
    expect(names).toEqual(
      expect.arrayContaining(['DATABASE_URL_FILE', 'REDIS_URL', 'ZORGKOERIER_MASTER_KEY_FILE', 'ZORGKOERIER_CKIS_URL']),
    );
  });

  it('gives the worker the relay’s settings, all of them or none', () => {
    const smtp = Object.entries(worker.environment ?? {}).filter(([name]) => name.startsWith('ZORGKOERIER_SMTP_'));
    // As compose reads them: `:-` is what stands for a variable that is not set, `:+` for one that is.
    const passed = (values: Readonly<Record<string, string>>) =>
      Object.fromEntries(
        smtp.map(([name, value]) => {
          const [, variable = '', sign, word = ''] = /^\$\{(\w+):([-+])(.*)\}$/.exec(value) ?? [];
          const given = values[variable] ?? '';
          return [name, sign === '+' ? (given === '' ? '' : word) : given === '' ? word : given];
        }),
      );
    expect(Object.values(passed({}))).toEqual(['', '', '', '']);
    const set = {
      ZORGKOERIER_SMTP_URL: 'smtp://relay.example',
      ZORGKOERIER_SMTP_USER: '500077001',
      ZORGKOERIER_SMTP_FROM: '500077001@lms.example',
    };
    const { ZORGKOERIER_SMTP_PASSWORD_FILE: file, ...others } = passed(set);
    expect(file).toBe('/run/secrets/smtp_password');
    const settings = { ...others, ZORGKOERIER_SMTP_PASSWORD: 'as the file says' };
    expect(loadConfig(settings, { requiresServices: false }).smtp).toMatchObject({ host: 'relay.example', port: 587 });
  });

  it('runs commands that exist', () => {
    for (const { command } of [migrate, worker, api]) {
      expect(existsSync(fileURLToPath(new URL(`../../src/commands/${command?.[0]}.ts`, import.meta.url)))).toBe(true);
    }
  });

  it('keeps the owner’s address from the workers', () => {
    expect(worker.secrets).not.toContain('owner_database_url');
    expect(worker.secrets).not.toContain('postgres_password');
  });

  it('gives the migration the addresses of the ledger and nothing that reads what is in it', () => {
    expect(migrate.secrets).toEqual(['owner_database_url', 'worker_database_url']);
    expect(migrate.environment).not.toHaveProperty('REDIS_URL');
  });

  it('migrates once, after the database is there and before any worker', () => {
    expect(migrate.depends_on).toEqual({ postgres: { condition: 'service_healthy' } });
    expect(migrate.restart).toBe('no');
    expect(worker.depends_on).toEqual({
      migrate: { condition: 'service_completed_successfully' },
      redis: { condition: 'service_healthy' },
    });
  });

  it('has a Redis that never evicts and writes what it holds', () => {
    expect(redis.command).toContain('--maxmemory-policy noeviction');
    expect(redis.command).toContain('--appendonly yes');
  });

  it('lets the worker be scaled, and finish its work when it is stopped', () => {
    expect(worker.container_name).toBeUndefined();
    expect(worker.ports).toBeUndefined();
    const shutdownMs = Number(worker.environment?.['ZORGKOERIER_SHUTDOWN_MS']);
    expect(Number.parseInt(worker.stop_grace_period ?? '', 10) * 1_000).toBeGreaterThan(shutdownMs);
  });

  it('asks the worker for its health where it serves it, and nobody outside its container can', () => {
    const listen = worker.environment?.['ZORGKOERIER_HEALTH_LISTEN'] ?? '';
    const [, host, port] = /:-([0-9.]+):(\d+)\}$/.exec(listen) ?? [];
    expect(host).toBe('127.0.0.1');
    expect(worker.healthcheck?.test.join(' ')).toContain(`http://127.0.0.1:${port}/healthz`);
    // Longer than /healthz waits for the ledger.
    expect(Number.parseInt(worker.healthcheck?.timeout ?? '', 10)).toBeGreaterThan(5);
  });

  it('opens no port to the outside', () => {
    for (const service of Object.values(compose.services)) expect(service.ports).toBeUndefined();
  });

  it('runs the worker on Node.js 24 without development packages and not as root', () => {
    const dockerfile = worker.build?.dockerfile_inline ?? '';
    expect(dockerfile).toMatch(/^FROM node:24-slim$/m);
    expect(dockerfile).toMatch(/npm ci --omit=dev/);
    expect(dockerfile).toMatch(/^USER node$/m);
    expect(migrate.image).toBe(worker.image);
  });

  it('gives the intake what it cannot start without, no more than it needs, and a way in only through a proxy', () => {
    const settings = Object.entries(api.environment ?? {}).map(([name, value]) => [name.replace(/_FILE$/, ''), value]);
    const config = loadConfig(
      {
        ...Object.fromEntries(settings.map(([name, value]) => [name, value?.replace(/^\$\{\w+:-(.*)\}$/, '$1')])),
        DATABASE_URL: 'postgresql://worker@postgres/zorgkoerier',
        ZORGKOERIER_MASTER_KEY: Buffer.alloc(32).toString('base64'),
        ZORGKOERIER_API_AUDIENCE: 'https://zorgkoerier.example',
      },
      { requiresApi: true },
    );
    expect(config.api).toMatchObject({ host: '0.0.0.0', port: 8080, isBehindProxy: true, tls: null });
    expect(api.profiles).toEqual(['api']);
    expect(api.secrets).toEqual(['worker_database_url', 'master_key']);
    expect(api.depends_on).toEqual(worker.depends_on);
    expect(Number.parseInt(api.stop_grace_period ?? '', 10) * 1_000).toBeGreaterThan(config.shutdownMs);
  });

  it('starts the sandbox only when it is asked for', () => {
    expect(sandbox.profiles).toEqual(['sandbox']);
    expect([postgres, redis, migrate, worker].every((service) => service.profiles === undefined)).toBe(true);
  });
});

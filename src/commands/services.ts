/** `zorgkoerier services up|down|status`: the embedded PostgreSQL and Redis, for the demo, tests and ZORGKOERIER_EMBEDDED=1. */

import { randomBytes } from 'node:crypto';
import { type Config, loadConfig, readEmbedded, writeEmbedded } from '../config/config.ts';
import { migrate } from '../ledger/ledger.ts';
import { servicesDown, servicesStatus, servicesUp } from '../sandbox/services/services.ts';
import { type Io, say } from './io.ts';

const WORKER = 'zorgkoerier_worker';

function serviceConfig(io: Io): Config {
  return loadConfig(io.env, { requiresServices: false });
}

/** Starts both, makes the ledger's schema where it is new, and writes where they are. Leaves them running. */
export async function runServicesUp(io: Io): Promise<number> {
  const config = serviceConfig(io);
  const addresses = await servicesUp(config.dataDirectory, (line) => io.progress(line));
  const before = await readEmbedded(config.dataDirectory);
  const workerPassword = before?.workerPassword ?? randomBytes(18).toString('base64url');
  const workerUrl = new URL(addresses.databaseUrl);
  workerUrl.username = WORKER;
  workerUrl.password = workerPassword;
  await writeEmbedded(config.dataDirectory, {
    databaseUrl: workerUrl.href,
    ownerDatabaseUrl: addresses.databaseUrl,
    workerPassword,
    redisUrl: addresses.redisUrl,
    masterKey: before?.masterKey ?? randomBytes(32).toString('base64'),
  });
  await migrate(addresses.databaseUrl, { isFirstRun: before === null, workerName: WORKER, workerPassword });
  io.out(say(config, { nl: 'De ingebouwde diensten draaien.', en: 'The embedded services are up.' }));
  return 0;
}

export async function runServicesDown(io: Io): Promise<number> {
  const config = serviceConfig(io);
  const stopped = await servicesDown(config.dataDirectory);
  const names = [stopped.postgres ? 'PostgreSQL' : null, stopped.redis ? 'Redis' : null].filter(
    (name) => name !== null,
  );
  const what =
    names.length === 0
      ? say(config, { nl: 'niets (er draaide niets)', en: 'nothing (nothing ran)' })
      : names.join(', ');
  io.out(`${say(config, { nl: 'Gestopt', en: 'Stopped' })}: ${what}`);
  return 0;
}

export async function runServicesStatus(io: Io, options: { readonly json: boolean }): Promise<number> {
  const config = serviceConfig(io);
  const status = await servicesStatus(config.dataDirectory);
  if (options.json) {
    io.out(JSON.stringify(status));
    return status.postgres.isUp && status.redis.isUp ? 0 : 3;
  }
  const word = (isUp: boolean) =>
    isUp ? say(config, { nl: 'draait', en: 'up' }) : say(config, { nl: 'draait niet', en: 'down' });
  io.out(
    `PostgreSQL  ${word(status.postgres.isUp)}${status.postgres.port === null ? '' : `  127.0.0.1:${status.postgres.port}`}`,
  );
  io.out(`Redis       ${word(status.redis.isUp)}`);
  return status.postgres.isUp && status.redis.isUp ? 0 : 3;
}

/** A throw-away ledger and queue for the demo: real PostgreSQL and Redis, migrated, with the settings that point at them. */

import { randomBytes } from 'node:crypto';
import type { Environment } from '../config/config.ts';
import { migrate } from '../ledger/ledger.ts';
import { startServices } from '../sandbox/services/services.ts';

export interface DemoLedger {
  readonly settings: Environment;
  release(): Promise<void>;
}

export async function demoLedger(directory: string): Promise<DemoLedger> {
  const services = await startServices({ directory, isThrowaway: true });
  const workerPassword = randomBytes(18).toString('base64url');
  await migrate(services.databaseUrl, { isFirstRun: true, workerPassword });
  const worker = new URL(services.databaseUrl);
  worker.username = 'zorgkoerier_worker';
  worker.password = workerPassword;
  return {
    settings: {
      DATABASE_URL: worker.href,
      REDIS_URL: services.redisUrl,
      ZORGKOERIER_MASTER_KEY: randomBytes(32).toString('base64'),
    },
    release: services.release,
  };
}

/** `zorgkoerier migrate [--first-run]`: brings the ledger's schema to this version. */

import { type Config, ConfigurationError, loadConfig, readEmbedded } from '../config/config.ts';
import { migrate } from '../ledger/ledger.ts';
import { type Io, say } from './io.ts';

export async function runMigrate(io: Io, options: { readonly firstRun: boolean }): Promise<number> {
  // Neither the queue nor the master key: what migrates needs no way to read what the ledger holds.
  const config = loadConfig(io.env, { requiresServices: false });
  const { ownerUrl, workerUrl } = await addressesOf(config);
  // The worker logs in as DATABASE_URL says: migrate makes that role, with that password.
  const worker = new URL(workerUrl);
  const ran = await migrate(ownerUrl, {
    isFirstRun: options.firstRun,
    workerName: decodeURIComponent(worker.username),
    workerPassword: decodeURIComponent(worker.password),
  });
  if (ran.length === 0) io.out(say(config, { nl: 'Het grootboek was al bij.', en: 'The ledger was up to date.' }));
  for (const name of ran) io.out(say(config, { nl: `Uitgevoerd: ${name}`, en: `Ran ${name}` }));
  return 0;
}

async function addressesOf(config: Config): Promise<{ ownerUrl: string; workerUrl: string }> {
  const embedded = config.isEmbedded ? await readEmbedded(config.dataDirectory) : null;
  const ownerUrl = config.ownerDatabaseUrl ?? embedded?.ownerDatabaseUrl;
  const workerUrl = config.databaseUrl ?? embedded?.databaseUrl;
  if (ownerUrl !== undefined && workerUrl !== undefined) return { ownerUrl, workerUrl };
  const missing = { ZORGKOERIER_OWNER_DATABASE_URL: ownerUrl, DATABASE_URL: workerUrl };
  const names = Object.entries(missing).filter(([, url]) => url === undefined);
  throw new ConfigurationError(names.map(([name]) => ({ name, problem: 'is missing' })));
}

/** `zorgkoerier migrate [--first-run]`: brings the ledger's schema to this version. */

import { addressesOf } from '../compose.ts';
import { ConfigurationError, readEmbedded } from '../config/config.ts';
import { migrate } from '../ledger/ledger.ts';
import { configOf, type Io, say } from './io.ts';

export async function runMigrate(io: Io, options: { readonly firstRun: boolean }): Promise<number> {
  const config = configOf(io);
  const embedded = config.isEmbedded ? await readEmbedded(config.dataDirectory) : null;
  const ownerUrl = config.ownerDatabaseUrl ?? embedded?.ownerDatabaseUrl;
  if (ownerUrl === undefined)
    throw new ConfigurationError([{ name: 'ZORGKOERIER_OWNER_DATABASE_URL', problem: 'is missing' }]);
  // The worker logs in as DATABASE_URL says: migrate makes that role, with that password.
  const worker = new URL((await addressesOf(config)).databaseUrl);
  const ran = await migrate(ownerUrl, {
    isFirstRun: options.firstRun,
    workerName: decodeURIComponent(worker.username),
    workerPassword: decodeURIComponent(worker.password),
  });
  if (ran.length === 0) io.out(say(config, { nl: 'Het grootboek was al bij.', en: 'The ledger was up to date.' }));
  for (const name of ran) io.out(say(config, { nl: `Uitgevoerd: ${name}`, en: `Ran ${name}` }));
  return 0;
}

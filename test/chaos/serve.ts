/** The intake as in production (`serve`), in a process of its own, that its parent may have killed at a named moment. */

import { closeSync, openSync } from 'node:fs';
import { startApi } from '../../src/api/api.ts';
import { composeApi } from '../../src/compose.ts';
import { loadConfig, processEnvironment } from '../../src/config/config.ts';
import { createLogger } from '../../src/shared/logger.ts';

const { CHAOS_LOG = '/dev/null', ...environment } = processEnvironment();
let killAt: string | null = null;
process.on('message', (orders: { readonly killAt: string | null }) => {
  killAt = orders.killAt;
});
process.once('disconnect', () => process.exit(1));

const descriptor = openSync(CHAOS_LOG, 'a');
const config = loadConfig(environment);
const { api, release } = await composeApi(config, { logger: createLogger('info', descriptor) });
const mark = (moment: string) => {
  if (moment === killAt) process.kill(process.pid, 'SIGKILL');
};
const running = await startApi({ ...api, mark }, config.api);
process.send?.({ url: running.url });
process.once('SIGTERM', () => void stop());

async function stop(): Promise<void> {
  await running.release();
  await release();
  closeSync(descriptor);
  process.exit(0);
}

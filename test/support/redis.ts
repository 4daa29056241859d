/** A corner of the run's redis-server for one test file. */

import { randomBytes } from 'node:crypto';
import { runServices } from './services.ts';

export interface FreshRedis {
  readonly redisUrl: string;
  /** Of its own, so that files that run side by side do not take each other's jobs. */
  readonly prefix: string;
}

export async function freshRedis(): Promise<FreshRedis> {
  const { redisUrl } = await runServices();
  return { redisUrl, prefix: `test-${randomBytes(6).toString('hex')}` };
}

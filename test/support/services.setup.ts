/**
 * One PostgreSQL and one redis-server per run. They are started by the first test that asks (a run of unit tests
 * starts nothing) and stopped and removed here, at the end of the run.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { removeServices } from '../../src/sandbox/services/services.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    servicesDirectory: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const root = await mkdtemp(join(tmpdir(), 'zorgkoerier-test-'));
  project.provide('servicesDirectory', join(root, 'services'));
  return async () => {
    await removeServices(join(root, 'services'));
    await rm(root, { recursive: true, force: true });
  };
}

/**
 * Where the embedded services are: written by `services up`, read by every command with ZORGKOERIER_EMBEDDED=1. The file
 * holds passwords and the master key of a ledger that is nobody's real one; only its owner may read it.
 */

import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const shape = z.object({
  /** As the worker's role. */
  databaseUrl: z.string(),
  /** As the role that owns the tables. */
  ownerDatabaseUrl: z.string(),
  workerPassword: z.string(),
  redisUrl: z.string(),
  /** 32 bytes in base64. */
  masterKey: z.string(),
});

export type EmbeddedServices = z.output<typeof shape>;

/** Null where `services up` was never run in this directory. */
export async function readEmbedded(dataDirectory: string): Promise<EmbeddedServices | null> {
  try {
    return shape.parse(JSON.parse(await readFile(join(dataDirectory, 'embedded.json'), 'utf8')));
  } catch {
    return null;
  }
}

export async function writeEmbedded(dataDirectory: string, services: EmbeddedServices): Promise<void> {
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  const path = join(dataDirectory, 'embedded.json');
  // Renamed into place, so that a reader never sees half a file.
  await writeFile(`${path}.new`, `${JSON.stringify(services, null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** Reads the laboratory registry file. What is accepted in the ledger is added to it by the caller. */

import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { Failure } from '../shared/failure.ts';
import { loadDeterminations } from './codes/codes.ts';
import type { LaboratoryRegistry } from './laboratories.ts';

// An id is part of a result key and of file names in reports: lower case, digits and hyphens.
const schema = z.strictObject({
  laboratories: z.array(
    z.strictObject({
      id: z.string().regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/),
      name: z.string().min(1),
      zorgmail: z.array(z.string().min(1)),
      hl7Facilities: z.array(z.string().min(1)),
      mailSenders: z.array(z.string().toLowerCase().min(1)),
      medrptEnabled: z.boolean(),
    }),
  ),
});

/**
 * The registry in `path`, or the one that comes with the program; with it the mapping of determination codes, to which
 * `determinationsPath` adds a file of one's own. Throws where a file cannot be read or contradicts itself.
 */
export function loadLaboratoryRegistry(path?: string, determinationsPath: string | null = null): LaboratoryRegistry {
  const registry = readRegistry(path ?? new URL('./laboratories.yaml', import.meta.url));
  const { laboratories } = registry;
  for (const claims of [
    laboratories.map(({ id }) => id),
    laboratories.flatMap(({ zorgmail, hl7Facilities }) => [...new Set([...zorgmail, ...hl7Facilities])]),
    laboratories.flatMap(({ mailSenders }) => mailSenders),
  ]) {
    // Two laboratories with one account could not be told apart: every key of theirs would be in doubt.
    if (new Set(claims).size !== claims.length) throw unreadable('claimed-twice');
  }
  return { ...registry, determinations: loadDeterminations(determinationsPath) };
}

function readRegistry(path: string | URL): LaboratoryRegistry {
  try {
    return schema.parse(parse(readFileSync(path, 'utf8')));
  } catch (thrown) {
    throw unreadable('unreadable', thrown);
  }
}

function unreadable(what: string, cause?: unknown): Failure {
  return new Failure('lab.registry-invalid', { kind: 'permanent', scope: 'peer', fields: { what }, cause });
}

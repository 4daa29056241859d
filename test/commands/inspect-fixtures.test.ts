/** Every .eml under fixtures/ with a .report.json beside it: a dropped-in file is a new test. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readDocument } from '../../src/commands/inspect.ts';
import { loadLaboratoryRegistry } from '../../src/lab/registry.ts';

const root = join(import.meta.dirname, '../../fixtures');
const registry = loadLaboratoryRegistry();

describe.each(['mail', 'rejected'])('fixtures/%s', (folder) => {
  const mails = readdirSync(join(root, folder)).filter((name) => name.endsWith('.eml'));

  it('has mails', () => {
    expect(mails.length).toBeGreaterThanOrEqual(9);
  });

  it.each(mails)('%s reads as its report says', async (name) => {
    const expected: unknown = JSON.parse(
      readFileSync(join(root, folder, name.replace(/\.eml$/, '.report.json')), 'utf8'),
    );
    const document = await readDocument(readFileSync(join(root, folder, name)), name, registry);
    // Through JSON, since that is what `inspect --json` prints: an undefined would be lost there.
    expect(JSON.parse(JSON.stringify(document))).toEqual(expected);
  });

  it('is told by its exit code: every mail there is understood, or none is', async () => {
    const outcomes = await Promise.all(
      mails.map(async (name) => (await readDocument(readFileSync(join(root, folder, name)), name, registry)).payloads),
    );
    for (const payloads of outcomes) {
      expect(payloads.some((payload) => payload.outcome === 'quarantined')).toBe(folder === 'rejected');
    }
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findLaboratory } from '../../src/lab/laboratories.ts';
import { loadLaboratoryRegistry } from '../../src/lab/registry.ts';
import { SANDBOX_LABORATORIES } from '../../src/sandbox/people.ts';

const folder = mkdtempSync(join(tmpdir(), 'registry-'));
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(text: string): string {
  const path = join(folder, 'laboratories.yaml');
  writeFileSync(path, text);
  return path;
}

const entry = (id: string, zorgmail: string) =>
  `{ id: ${id}, name: N, zorgmail: ['${zorgmail}'], hl7Facilities: [], mailSenders: [X@Y.nl], medrptEnabled: false }`;

describe('the laboratory registry', () => {
  it.each(SANDBOX_LABORATORIES)('knows the sandbox’s $name by its accounts', ({ id, name, zorgmail, hl7Facility }) => {
    const registry = loadLaboratoryRegistry();
    for (const account of [zorgmail, hl7Facility].filter((one) => one !== null)) {
      expect(findLaboratory(registry, { account, mailSender: null, institution: null })).toMatchObject({ id, name });
    }
  });

  it('compares sender addresses in lower case', () => {
    const registry = loadLaboratoryRegistry(fileOf(`laboratories: [${entry('a', '500099009')}]`));
    const clues = { account: null, mailSender: 'x@y.NL', institution: null };
    expect(findLaboratory(registry, clues)?.id).toBe('a');
  });

  it.each([
    ['that is not there', null],
    ['that is no YAML', 'laboratories: ['],
    ['with an unknown field', 'laboratories: []\nextra: 1'],
    ['with an id that has a separator in it', `laboratories: [${entry('a|b', '500099009')}]`],
    ['in which two laboratories have one account', `laboratories: [${entry('a', '1')}, ${entry('b', '1')}]`],
    ['in which one id is used twice', `laboratories: [${entry('a', '1')}, ${entry('a', '2')}]`],
  ])('refuses a file %s', (_name, text) => {
    const path = text === null ? join(folder, 'missing.yaml') : fileOf(text);
    expect(() => loadLaboratoryRegistry(path)).toThrow('lab.registry-invalid');
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readHl7Payload } from '../../../src/lab/from-hl7/from-hl7.ts';
import { loadLaboratoryRegistry } from '../../../src/lab/registry.ts';

const fixtures = new URL('../../../fixtures/', import.meta.url);
const cases = ['hl7', 'rejected'].flatMap((folder) =>
  readdirSync(new URL(`${folder}/`, fixtures))
    .filter((name) => name.endsWith('.hl7'))
    .map((name) => `${folder}/${name}`),
);

test.each(cases)('%s is read as its report says', (path) => {
  const bytes = readFileSync(new URL(path, fixtures));
  const expected: unknown = JSON.parse(readFileSync(new URL(path.replace(/hl7$/, 'report.json'), fixtures), 'utf8'));
  const payload = { source: 'file', kind: 'hl7', bytes, charset: null, mailSender: null, attachments: [] } as const;
  expect({ file: path.split('/')[1], payloads: readHl7Payload(payload, loadLaboratoryRegistry()) }).toEqual(expected);
});

test('there are cases to read', () => {
  expect(cases.length).toBeGreaterThan(20);
});

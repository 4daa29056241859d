/**
 * Every .edi and .hl7 under fixtures/ that has a .report.json beside it is a test: dropped in, it runs. The expected
 * document is what `inspect --json` prints, and it must fit docs/lab-report.schema.json.
 */

import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { type PayloadReading, readPayload } from '../../src/lab/lab.ts';
import { loadLaboratoryRegistry } from '../../src/lab/registry.ts';

const fixtures = new URL('../../fixtures/', import.meta.url).pathname;
const registry = loadLaboratoryRegistry();
const messages = globSync('**/*.{edi,hl7}', { cwd: fixtures }).sort();
const reports = globSync('**/*.report.json', { cwd: fixtures }).sort();

function expectedOf(path: string): string {
  return `${fixtures}${path.replace(/\.(?:edi|hl7)$/, '.report.json')}`;
}

function json(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

describe('a message in fixtures/ is read as the report beside it says', () => {
  it.each(messages.filter((path) => existsSync(expectedOf(path))))('%s', (path) => {
    const bytes = readFileSync(`${fixtures}${path}`);
    const kind = path.endsWith('.hl7') ? 'hl7' : 'edifact';
    const payloads = readPayload(
      { source: 'file', kind, bytes, charset: null, mailSender: null, attachments: [] },
      registry,
    );
    expect({ file: basename(path), payloads }).toEqual(json(expectedOf(path)));
  });
});

describe('an expected report fits the published schema', () => {
  const schema = JSON.parse(readFileSync(new URL('../../docs/lab-report.schema.json', import.meta.url), 'utf8'));
  const validate = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(schema);

  it.each(reports)('%s', (path) => {
    validate(json(`${fixtures}${path}`));
    expect(validate.errors ?? []).toEqual([]);
  });

  it('refuses a field that the schema does not have', () => {
    const document = json(`${fixtures}edifact/plain.report.json`) as { payloads: Record<string, unknown>[] };
    expect(validate(document)).toBe(true);
    expect(validate({ ...document, payloads: document.payloads.map((one) => ({ ...one, extra: 1 })) })).toBe(false);
  });
});

describe('the fixtures', () => {
  it('give no laboratory number to two patients: all of them are sent into one mailbox', () => {
    const patients = new Map<string, Set<string | null>>();
    for (const path of reports) {
      const { payloads } = json(`${fixtures}${path}`) as { payloads: readonly PayloadReading[] };
      const delivered = payloads.filter(({ outcome }) => outcome === 'reports').flatMap((payload) => payload.reports);
      for (const { laboratory, patient, specimens } of delivered) {
        for (const { labNumber } of specimens.filter((specimen) => specimen.labNumber !== null)) {
          const number = `${laboratory} ${labNumber}`;
          patients.set(number, (patients.get(number) ?? new Set()).add(patient.bsn ?? patient.birthDate));
        }
      }
    }
    expect(patients.size).toBeGreaterThan(100);
    expect([...patients].filter(([, of]) => of.size > 1).map(([number]) => number)).toEqual([]);
  });
});

describe('the EDIFACT fixtures', () => {
  it('all have an expected report', () => {
    const unexpected = messages.filter((path) => path.endsWith('.edi') && !existsSync(expectedOf(path)));
    expect(unexpected).toEqual([]);
  });

  it.each(['missing-una', 'short-una', 'cr-only', 'nothing-between'])('%s says exactly what plain says', (name) => {
    const { payloads } = json(`${fixtures}edifact/${name}.report.json`) as { payloads: unknown };
    expect(payloads).toEqual((json(`${fixtures}edifact/plain.report.json`) as { payloads: unknown }).payloads);
  });
});

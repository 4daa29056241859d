import { beforeAll, describe, expect, it } from 'vitest';
import { loadDefinitions } from '../../../src/sandbox/fhir/definitions.ts';
import { expectedOf, goldenCases, goldensOf, isBundle, readGolden, writeGolden, writtenCases } from './golden-bundles.ts';
import { fhirComplaints, medplumComplaints } from './validators.ts';

// The runner hands the environment in; nothing here reads the process's own.
const { env } = import.meta as ImportMeta & { readonly env: Readonly<Record<string, string | undefined>> };
const isWriting = env['ZORGKOERIER_WRITE_GOLDEN'] === '1';
const HOW_TO_WRITE =
  'write it with `ZORGKOERIER_WRITE_GOLDEN=1 npx vitest run test/delivery/patient-card/golden-bundles.test.ts` and read it';
const cases = goldenCases();

beforeAll(() => loadDefinitions());

describe('what is sent to an empty card is what the bundle beside the fixture says', () => {
  it.each(cases)('%s', async (name) => {
    const goldens = await goldensOf(name);
    if (isWriting) writeGolden(name, goldens);
    const golden = readGolden(name);
    expect(golden, `fixtures/${name}.bundle.json is missing: ${HOW_TO_WRITE}`).not.toBeNull();
    expect(expectedOf(goldens), `fixtures/${name}.bundle.json differs: ${HOW_TO_WRITE}`).toEqual(golden);
  });

  it('and there is none beside a fixture that sends nothing', () => {
    expect(writtenCases()).toEqual(cases);
  });
});

describe('every bundle is valid R4', () => {
  it.each(cases)('%s', async (name) => {
    for (const { written } of (await goldensOf(name)).filter(isBundle)) {
      expect(medplumComplaints(written)).toEqual([]);
      expect(fhirComplaints(written)).toEqual([]);
    }
  });
});

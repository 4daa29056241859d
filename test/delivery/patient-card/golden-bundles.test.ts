/**
 * Every fixture is a test: what is sent for it to an empty card stands beside it as <case>.bundle.json (an empty list where
 * nothing may be), is valid R4 for two validators, and keeps our own rules (bundle-rules.ts, content-rules.ts).
 */

import { isDeepStrictEqual } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadDefinitions } from '../../../src/sandbox/fhir/definitions.ts';
import { content, report, result, specimen, trace } from '../sample.ts';
import { type BundleRule, FORM_RULES, first } from './bundle-rules.ts';
import { CONTENT_RULES } from './content-rules.ts';
import {
  expectedOf,
  type GoldenBundle,
  goldenCases,
  goldensOf,
  isBundle,
  readGolden,
  send,
  writeGolden,
  writtenCases,
} from './golden-bundles.ts';
import { fhirComplaints, medplumComplaints } from './validators.ts';

// The runner hands the environment in; the program itself knows no such switch.
const { env } = import.meta as ImportMeta & { readonly env: Readonly<Record<string, string | undefined>> };
const isWriting = env['ZORGKOERIER_WRITE_GOLDEN'] === '1';
const HOW_TO_WRITE =
  'write it with `ZORGKOERIER_WRITE_GOLDEN=1 npx vitest run test/delivery/patient-card/golden-bundles.test.ts` and read it';
const RULES: readonly BundleRule[] = [...FORM_RULES, ...CONTENT_RULES];
const cases = goldenCases();

/** Every bundle by the case it belongs to. */
const bundles: { readonly name: string; readonly golden: GoldenBundle }[] = [];

beforeAll(async () => {
  loadDefinitions();
  for (const name of cases) {
    for (const golden of (await goldensOf(name)).filter(isBundle)) bundles.push({ name, golden });
  }
});

describe('what is sent to an empty card is what the bundle beside the fixture says', () => {
  it.each(cases)('%s', async (name) => {
    const goldens = await goldensOf(name);
    if (isWriting) writeGolden(name, goldens);
    const golden = readGolden(name);
    expect(golden, `fixtures/${name}.bundle.json is missing: ${HOW_TO_WRITE}`).not.toBeNull();
    expect(expectedOf(goldens), `fixtures/${name}.bundle.json differs: ${HOW_TO_WRITE}`).toEqual(golden);
  });

  it('and there is none without a fixture', () => {
    expect(writtenCases()).toEqual(cases);
  });

  it('which says that nothing is sent where nothing was understood, or a person must decide first', () => {
    const silent = cases.filter((name) => isDeepStrictEqual(readGolden(name), []));
    expect(silent).toEqual(
      expect.arrayContaining([
        'edifact/medvri-letter',
        'edifact/no-lab-number',
        'rejected/two-bsns',
        'mail/free-letter',
      ]),
    );
    expect(silent.filter((name) => bundles.some((bundle) => bundle.name === name))).toEqual([]);
  });

  it('and there are many', () => {
    expect(cases.length).toBeGreaterThan(200);
    expect(bundles.length).toBeGreaterThan(120);
  });
});

/** The bundle of a fixture after something went wrong with it; what was sent stays as it was. */
function spoiled({ spoil, on = 'edifact/plain' }: Pick<BundleRule, 'spoil' | 'on'>): GoldenBundle {
  const golden = bundles.find(({ name }) => name === on)?.golden;
  if (golden === undefined) throw new Error(`no bundle of ${on}`);
  const written = structuredClone(golden.written);
  spoil(written);
  return { ...golden, written };
}

/** What no fixture says to an empty card: a copy, and a result in every status that can be written there. */
async function rarities(): Promise<GoldenBundle> {
  const results = (['preliminary', 'retracted', 'cancelled', 'pending', 'corrected'] as const).map((status) =>
    result({ status, value: { text: '5.10', number: 5.1, comparator: null }, remarks: ['  zie brief'] }, `${status}|1`),
  );
  const copy = { direction: 'from', names: ['Internist Kust'] } as const;
  const sent = content(report([specimen(results, { collectedAt: '2026-03-02' })], { copy }));
  const written = await send(sent, trace());
  if (!('resourceType' in written)) throw new Error(`held: ${written.held}`);
  return { report: sent.report, format: 'medlab-1', trace: trace(), written };
}

describe('every bundle is valid R4', () => {
  it.each(cases)('%s', (name) => {
    for (const { golden } of bundles.filter((one) => one.name === name)) {
      expect(medplumComplaints(golden.written)).toEqual([]);
      expect(fhirComplaints(golden.written)).toEqual([]);
    }
  });

  it('would not be with an unknown status for one validator, and an impossible moment for the other', () => {
    const unsure = spoiled({ spoil: (bundle) => Object.assign(first(bundle), { status: 'sure' }) });
    expect(fhirComplaints(unsure.written)).not.toEqual([]);
    const never = spoiled({ spoil: (bundle) => Object.assign(first(bundle), { effectiveDateTime: '2026-13-16' }) });
    expect(medplumComplaints(never.written)).not.toEqual([]);
  });
});

describe('every bundle', () => {
  it.each(RULES)('$says', (rule) => {
    const complaints = bundles.flatMap(({ name, golden }) => rule.complaints(golden).map((one) => `${name}: ${one}`));
    expect(complaints).toEqual([]);
  });

  it.each(RULES)('would be noticed if it were otherwise: $says', (rule) => {
    expect(rule.complaints(spoiled(rule))).not.toEqual([]);
  });

  it('keeps all of this for a copy, and for results in every status', async () => {
    const golden = await rarities();
    expect(RULES.flatMap(({ complaints }) => complaints(golden))).toEqual([]);
    expect(medplumComplaints(golden.written)).toEqual([]);
    expect(fhirComplaints(golden.written)).toEqual([]);
    expect(JSON.stringify(golden.written).split('ext-CopyIndicator')).toHaveLength(7);
  });
});

/** Every CASE.json in fixtures/medvri/ is written as CASE.edi beside it, or refused as CASE.refused.json: a dropped-in file is a test. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readMedvri } from '../../src/registration/registration.ts';
import { goldenCases, readCase, readGolden, rendered } from './golden.ts';

const HOW = 'if that is meant: node test/registration/golden.ts';
const written = goldenCases().filter((name) => Buffer.isBuffer(rendered(name)));

describe('a registration in fixtures/medvri', () => {
  it.each(goldenCases())('%s', (name) => {
    const golden = readGolden(name);
    expect(golden, `fixtures/medvri/${name}.edi or .refused.json is missing; ${HOW}`).not.toBeNull();
    const now = rendered(name);
    expect(String(now), `fixtures/medvri/${name} differs; ${HOW}`).toBe(String(golden));
    expect(now).toEqual(golden);
  });

  it('is there both to be written and to be refused', () => {
    expect(written.length).toBeGreaterThan(10);
    expect(goldenCases().length).toBeGreaterThan(written.length);
  });
});

describe('what stands in fixtures/medvri', () => {
  it.each(written)('%s is read without a warning where its charset is named', (name) => {
    const bytes = readFileSync(new URL(`../../fixtures/medvri/${name}.edi`, import.meta.url));
    const { receiver } = readCase(name) as { receiver: { charset: string } };
    const reading = readMedvri(bytes, receiver.charset === 'latin1' ? 'iso-8859-1' : 'us-ascii');
    if (reading.kind === 'refused') throw new Error(reading.code);
    expect([...reading.warnings, ...reading.messages.flatMap(({ warnings }) => warnings)]).toEqual([]);
  });
});

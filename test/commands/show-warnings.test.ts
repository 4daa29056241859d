import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { warningText } from '../../src/commands/show-warnings.ts';
import type { PayloadReading } from '../../src/lab/lab.ts';

const root = new URL('../../', import.meta.url).pathname;

/** Failures end a program and are never part of a reading. */
const FAILURES = ['hl7.no-escape-character', 'lab.determinations-invalid', 'lab.reader-failed', 'lab.registry-invalid'];

describe('a warning in words', () => {
  it('is there for every code that a reader writes down', () => {
    const sources = globSync('src/{lab,edifact,hl7}/**/*.ts', { cwd: root }).map((path) =>
      readFileSync(root + path, 'utf8'),
    );
    const written = sources.flatMap((text) => [...text.matchAll(/'((?:edifact|hl7|lab)\.[a-z][a-z0-9-]+)'/g)]);
    const codes = [...new Set(written.map(([, code]) => code ?? ''))].filter((code) => !FAILURES.includes(code));
    expect(codes.length).toBeGreaterThan(80);
    expect(codes.filter((code) => warningText(code, 'nl') === null)).toEqual([]);
  });

  it('is there for every code in the fixtures, in both languages', () => {
    const documents = globSync('fixtures/**/*.report.json', { cwd: root }).map(
      (path) => JSON.parse(readFileSync(root + path, 'utf8')) as { payloads: readonly PayloadReading[] },
    );
    const payloads = documents.flatMap((document) => document.payloads);
    const codes = new Set([
      ...payloads.flatMap(({ warnings }) => warnings.map(({ code }) => code)),
      ...payloads.flatMap(({ reports }) => reports.flatMap(({ notCarried }) => notCarried.map(({ code }) => code))),
    ]);
    expect(codes.size).toBeGreaterThan(50);
    expect([...codes].filter((code) => !warningText(code, 'nl') || !warningText(code, 'en'))).toEqual([]);
  });

  it('is null for what nobody knows, so that the code is shown', () => {
    expect(warningText('hl7.of-tomorrow', 'nl')).toBeNull();
  });
});

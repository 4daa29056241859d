/**
 * The golden registrations: fixtures/medvri/CASE.json is a file for `render medvri`; beside it stands CASE.edi, what must be
 * written, or CASE.refused.json, what is wrong with it. After a change that is meant: `node test/registration/golden.ts`.
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { renderMedvri } from '../../src/commands/render-medvri.ts';

const FOLDER = new URL('../../fixtures/medvri/', import.meta.url).pathname;

export function goldenCases(): readonly string[] {
  return readdirSync(FOLDER)
    .filter((name) => /^[^.]+\.json$/.test(name))
    .map((name) => name.replace(/\.json$/, ''))
    .sort();
}

export function readCase(name: string): unknown {
  return JSON.parse(readFileSync(`${FOLDER}${name}.json`, 'utf8'));
}

/** The bytes that must be written, or the problems; null where the file is missing. */
export function readGolden(name: string): Buffer | unknown {
  const edifact = `${FOLDER}${name}.edi`;
  if (existsSync(edifact)) return readFileSync(edifact);
  const refused = `${FOLDER}${name}.refused.json`;
  return existsSync(refused) ? JSON.parse(readFileSync(refused, 'utf8')) : null;
}

export function rendered(name: string): Buffer | unknown {
  const result = renderMedvri(readCase(name));
  return result.kind === 'written' ? result.bytes : result.problems;
}

if (import.meta.main) {
  for (const name of goldenCases()) {
    const result = rendered(name);
    if (Buffer.isBuffer(result)) writeFileSync(`${FOLDER}${name}.edi`, result);
    else writeFileSync(`${FOLDER}${name}.refused.json`, `${JSON.stringify(result, null, 2)}\n`);
  }
}

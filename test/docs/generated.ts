/**
 * The parts of the documentation that are made from the code: the settings, the states and the reasons. `npm run docs`
 * writes them (generate.ts), generated.test.ts fails when one is stale. Everything around them is written by hand.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { settingsTable } from '../../src/config/config.ts';
import { DELIVERY_STATES, REGISTRATION_STATES } from '../../src/ledger/ledger.ts';
import { alarmsPage } from './alarms.ts';
import { runbook } from './runbook.ts';
import { stateDiagram, stateTable } from './state-pictures.ts';

export interface GeneratedFile {
  /** From the root of the checkout. */
  readonly path: string;
  readonly text: string;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What every generated file should hold now; the hand-written parts are taken from the file as it is. */
export function generatedFiles(): readonly GeneratedFile[] {
  return [
    withParts('README.md', { settings: settingsTable() }),
    withParts('ARCHITECTURE.md', {
      'state-diagram': stateDiagram(DELIVERY_STATES),
      'state-table': stateTable(DELIVERY_STATES),
      'registration-state-diagram': stateDiagram(REGISTRATION_STATES),
      'registration-state-table': stateTable(REGISTRATION_STATES),
    }),
    { path: 'docs/runbook.md', text: runbook() },
    { path: 'docs/alarms.md', text: alarmsPage() },
  ];
}

/** A document of this checkout, or null where it is not there. */
export function readDocument(path: string): string | null {
  try {
    return readFileSync(ROOT + path, 'utf8');
  } catch {
    return null;
  }
}

export function documentPath(path: string): string {
  return ROOT + path;
}

function withParts(path: string, parts: Readonly<Record<string, string>>): GeneratedFile {
  const text = Object.entries(parts).reduce(
    (document, [name, part]) => replacePart(document, name, part),
    readDocument(path) ?? '',
  );
  return { path, text };
}

/** Puts a part between its two markers. Throws where they are not there exactly once, in this order. */
export function replacePart(document: string, name: string, part: string): string {
  const from = `<!-- generated: ${name} (npm run docs) -->\n`;
  const to = `<!-- end of ${name} -->`;
  const [before, rest, ...more] = document.split(from);
  const [, after, ...others] = (rest ?? '').split(to);
  if (before === undefined || after === undefined || more.length + others.length > 0)
    throw new Error(`the markers of ${name} must stand there once`);
  return `${before}${from}\n${part.trim()}\n\n${to}${after}`;
}

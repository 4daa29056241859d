/** What the fuzzer starts from: every message in fixtures/, and synthetic traffic of each kind, as mails and as bare files. */

import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { generateTraffic } from '../../src/sandbox/generator/generator.ts';

export interface CorpusItem {
  /** `mail` comes out of a mailbox; `file` is bare, as `inspect` and `replay` open it. */
  readonly kind: 'mail' | 'file';
  readonly fileName: string;
  readonly bytes: Buffer;
}

const FIXTURES = new URL('../../fixtures/', import.meta.url).pathname;
/** Always the same traffic: the seed of a run must not change what its mutations begin with. */
const TRAFFIC = { seed: 4, mails: 80, startsAt: new Date('2026-11-16T08:00:00Z'), followedShare: 0.5 };

/** The corpus, in the same order on every machine. */
export function loadCorpus(): readonly CorpusItem[] {
  return [...fixtures(), ...traffic()];
}

function fixtures(): readonly CorpusItem[] {
  return globSync('**/*.{edi,hl7,eml}', { cwd: FIXTURES })
    .sort()
    .map((path) => ({
      kind: path.endsWith('.eml') ? 'mail' : 'file',
      fileName: basename(path),
      bytes: readFileSync(`${FIXTURES}${path}`),
    }));
}

function traffic(): readonly CorpusItem[] {
  return [...generateTraffic(TRAFFIC)].flatMap(({ raw, payload, format }): readonly CorpusItem[] => [
    { kind: 'mail', fileName: 'traffic.eml', bytes: raw },
    { kind: 'file', fileName: format === 'hl7-oru' ? 'traffic.hl7' : 'traffic.edi', bytes: payload },
  ]);
}

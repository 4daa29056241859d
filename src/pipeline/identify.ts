/**
 * What the results of a report are called on the card, given what was delivered under its lab numbers before: asked and
 * remembered in one transaction before the first write, so that of two reports the second always knows of the first.
 * Ours are keyed digests only, also of names and moments. A repeat finds its own answer and asks nothing again.
 */

import { reportGroups } from '../delivery/patient-card/patient-card.ts';
import type { Keys } from '../keys/keys.ts';
import {
  keyWithOrdinal,
  type LabReport,
  type LabResult,
  normalisedName,
  partsOfKey,
  type Specimen,
  scopedKey,
} from '../lab/lab.ts';
import type { Sql } from '../ledger/ledger.ts';
import { type KnownResult, knownResults, scopesOf } from '../records/records.ts';
import { labNumberDigest, labNumberDigests } from './digests.ts';
import { type Incoming, identifyResults, type SameDecision } from './same-result.ts';

/** Whose results: the patient, as a keyed digest, and their card. */
export interface Recipient {
  readonly patientKey: Buffer;
  readonly cardId: string;
}

export interface Identified {
  readonly results: readonly KnownResult[];
  /** From the digest of a key to the identifier, where they differ. */
  readonly identifiers: ReadonlyMap<string, string>;
}

/** Null: a doubt that a person must end (`lab.key-changed`). Writes nothing. */
export async function identifyReport(
  sql: Sql,
  keys: Keys,
  report: LabReport,
  { patientKey, cardId }: Recipient,
  decision: SameDecision,
): Promise<Identified | null> {
  const numbers = await labNumberDigests(keys, report);
  const scopes = await scopesOf(sql, numbers, patientKey);
  const known = await knownResults(sql, numbers, patientKey, cardId);
  const describe = await keys.digester('card');
  const results: KnownResult[] = [];
  const identifiers = new Map<string, string>();
  const called = (key: string, identifier: string) => {
    const own = describe(key);
    if (own !== identifier) identifiers.set(own, identifier);
  };
  const numbered = await withNumbers(keys, report);
  for (const [number, ones] of Map.groupBy(numbered, (one) => one.number)) {
    const scope = scopes.get(number) ?? null;
    for (const { key } of ones) called(key, scoped(describe, key, scope));
    const incoming = ones.flatMap((one) => incomingOf(describe, number, one, scope));
    const answer = identifyResults(
      known.filter((one) => one.number === number),
      incoming,
      decision,
    );
    if (answer === null) return null;
    for (const [index, one] of incoming.entries()) {
      const identifier = answer[index] ?? one.own;
      called(one.key, identifier);
      const { code, name, moment, day, ordinal, reportIdentifier } = one;
      results.push({ number, code, name, moment, day, ordinal, identifier, reportIdentifier });
    }
  }
  return { results, identifiers };
}

interface Numbered {
  readonly number: string;
  /** Of the DiagnosticReport. */
  readonly key: string;
  readonly specimen: Specimen;
}

async function withNumbers(keys: Keys, report: LabReport): Promise<readonly Numbered[]> {
  const all: Numbered[] = [];
  for (const { key, specimens } of reportGroups(report)) {
    for (const specimen of specimens) {
      const { labNumber } = specimen;
      if (labNumber === null || labNumber === '') continue;
      all.push({ number: (await labNumberDigest(keys, report, labNumber)).toString('hex'), key, specimen });
    }
  }
  return all;
}

/** Keyed, in hex: as the identifiers on the card, by the key that never rotates. */
type Digester = (text: string) => string;

interface Described extends Incoming {
  readonly key: string;
  readonly reportIdentifier: string;
}

function incomingOf(
  describe: Digester,
  number: string,
  { key, specimen }: Numbered,
  scope: string | null,
): readonly Described[] {
  return specimen.results
    .filter(({ kind }) => kind === 'result')
    .map((result) => ({
      ...partsOf(describe, number, result, specimen),
      key: result.key,
      reportIdentifier: scoped(describe, key, scope),
      own: scoped(describe, result.key, scope),
      withOrdinal: (ordinal) => scoped(describe, keyWithOrdinal(result.key, ordinal), scope),
    }));
}

function scoped(describe: Digester, key: string, scope: string | null): string {
  return describe(scope === null ? key : scopedKey(key, scope));
}

/** Laboratory, number, year, order code, code (else name), sub-id: what every key begins with (lab/key.ts). */
const CODE_PARTS = 6;

function partsOf(digest: Digester, number: string, result: LabResult, specimen: Specimen) {
  const parts = partsOfKey(result.key);
  const of = (what: string, ...values: readonly string[]) => digest(`${what}|${JSON.stringify([number, ...values])}`);
  const collected = result.observedAt ?? specimen.collectedAt ?? '';
  const name = normalisedName(result.name);
  return {
    code: of('lab-code', ...parts.slice(0, CODE_PARTS)),
    name: of('lab-name', parts[2] ?? '', name, normalisedName(specimen.material ?? '')),
    isNamed: name !== '',
    moment: of('lab-moment', instantOf(collected)),
    day: of('lab-moment', collected.slice(0, 10)),
    ordinal: Number(parts.at(-1)),
  };
}

// The same instant in whatever zone it is written; a date without a clock time stays one.
function instantOf(text: string): string {
  const parsed = text.includes('T') ? Date.parse(text) : Number.NaN;
  return Number.isNaN(parsed) ? text : new Date(parsed).toISOString();
}

/**
 * What the results of a report are called on the card, given what was delivered under its lab numbers before: asked and
 * remembered in one transaction before the first write, so that of two reports the second always knows of the first.
 * Ours are keyed digests only, also of names and moments. A repeat finds its own answer and asks nothing again.
 */

import { reportGroups } from '../delivery/patient-card/patient-card.ts';
import type { Keys } from '../keys/keys.ts';
import {
  keyOfLaboratory,
  keyWithOrdinal,
  type LabReport,
  type LabResult,
  normalisedName,
  partsOfKey,
  type Specimen,
  scopedKey,
} from '../lab/lab.ts';
import { type KnownResult, type NumberFacts, scopeOf } from '../records/records.ts';
import { type LaboratoryName, labNumberDigest, laboratoryNames } from './digests.ts';
import type { Courier } from './pipeline.ts';
import { type Incoming, identifyResults, type SameDecision } from './same-result.ts';

export interface Identified {
  readonly results: readonly KnownResult[];
  /** From the digest of a key to the identifier, where they differ. */
  readonly identifiers: ReadonlyMap<string, string>;
}

/**
 * Null: a doubt that a person must end (`lab.key-changed`). Writes nothing. `facts`: what the ledger knows of the report's lab
 * numbers and this patient; `deliveryId`: what sets a number apart that only other patients had.
 */
export async function identifyReport(
  { keys, registry }: Pick<Courier, 'keys' | 'registry'>,
  report: LabReport,
  { facts, deliveryId }: { readonly facts: readonly NumberFacts[]; readonly deliveryId: string | null },
  decision: SameDecision,
): Promise<Identified | null> {
  const known = facts.flatMap(({ results }) => results);
  const scopes = new Map(facts.map((fact) => [fact.number, scopeOf(fact, deliveryId)] as const));
  const describe = await keys.digester('card');
  const results: KnownResult[] = [];
  const identifiers = new Map<string, string>();
  const called = (key: string, identifier: string) => {
    const own = describe(key);
    if (own !== identifier) identifiers.set(own, identifier);
  };
  const names = laboratoryNames(report, registry);
  for (const [labNumber, ones] of Map.groupBy(withNumbers(report), ({ specimen }) => specimen.labNumber ?? '')) {
    const namings = await namingsOf({ keys, describe, scopes, known }, names, labNumber, ones);
    const remembered = namings.filter((naming) => naming.known.length > 0);
    // Under two names already: nobody can tell which of them this report is about.
    if (remembered.length > 1 && decision === null) return null;
    const naming = remembered[0] ?? namings[0];
    if (naming === undefined) continue;
    const { number, incoming } = naming;
    for (const { key } of ones) called(key, naming.called(key));
    const answer = identifyResults(naming.known, incoming, decision);
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
  /** Of the DiagnosticReport. */
  readonly key: string;
  readonly specimen: Specimen;
}

function withNumbers(report: LabReport): readonly Numbered[] {
  return reportGroups(report)
    .flatMap(({ key, specimens }) => specimens.map((specimen) => ({ key, specimen })))
    .filter(({ specimen: { labNumber } }) => labNumber !== null && labNumber !== '');
}

interface Memory {
  readonly keys: Keys;
  readonly describe: Digester;
  readonly scopes: ReadonlyMap<string, string | null>;
  readonly known: readonly KnownResult[];
}

/** What one lab number's results are called under one name of their laboratory, and what is known under it. */
interface Naming {
  readonly number: string;
  readonly known: readonly KnownResult[];
  readonly incoming: readonly Described[];
  readonly called: (key: string) => string;
}

/**
 * Under the report's own name of the laboratory first. A lab number keeps the name under which it was first delivered: so
 * what a laboratory sends after it entered the registry finds what it sent before, and the other way round.
 */
async function namingsOf(
  { keys, describe, scopes, known }: Memory,
  names: readonly LaboratoryName[],
  labNumber: string,
  ones: readonly Numbered[],
): Promise<readonly Naming[]> {
  return Promise.all(
    names.map(async (name) => {
      const number = (await labNumberDigest(keys, name, labNumber)).toString('hex');
      const knownHere = known.filter((one) => one.number === number);
      const codes = new Set(knownHere.map(({ code }) => code));
      const namings = (name.inKeys.length === 0 ? [null] : name.inKeys).map((laboratory): Naming => {
        const rename = (key: string) => (laboratory === null ? key : keyOfLaboratory(key, laboratory));
        const place = { number, scope: scopes.get(number) ?? null, rename };
        return {
          number,
          known: knownHere,
          incoming: ones.flatMap((one) => incomingOf(describe, one, place)),
          called: (key) => scoped(describe, rename(key), place.scope),
        };
      });
      const fitting = namings.find(({ incoming }) => incoming.some(({ code }) => codes.has(code)));
      return fitting ?? namings[0] ?? { number, known: knownHere, incoming: [], called: describe };
    }),
  );
}

/** How the results of one lab number are called. */
interface Place {
  readonly number: string;
  readonly scope: string | null;
  readonly rename: (key: string) => string;
}

/** Keyed, in hex: as the identifiers on the card, by the key that never rotates. */
type Digester = (text: string) => string;

interface Described extends Incoming {
  readonly key: string;
  readonly reportIdentifier: string;
}

function incomingOf(
  describe: Digester,
  { key, specimen }: Numbered,
  { number, scope, rename }: Place,
): readonly Described[] {
  return specimen.results
    .filter(({ kind }) => kind === 'result')
    .map((result) => {
      const renamed = rename(result.key);
      return {
        ...partsOf(describe, number, { ...result, key: renamed }, specimen),
        key: result.key,
        reportIdentifier: scoped(describe, rename(key), scope),
        own: scoped(describe, renamed, scope),
        withOrdinal: (ordinal) => scoped(describe, keyWithOrdinal(renamed, ordinal), scope),
      };
    });
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

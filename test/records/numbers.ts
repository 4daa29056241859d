/** What the tests ask and remember of numbers one at a time: the same statements as many are asked with. */

import type { Sql } from '../../src/ledger/ledger.ts';
import {
  cardsAmong,
  factsOfNumbers,
  type KnownResult,
  type NumberFacts,
  type OtherCard,
  remember,
  rememberedNumbers,
  scopeOf,
} from '../../src/records/records.ts';

async function factsOf(
  sql: Sql,
  numbers: readonly Buffer[],
  patientKey: Buffer,
  cardId: string | null,
): Promise<readonly NumberFacts[]> {
  const [facts = []] = await factsOfNumbers(sql, [{ numbers, patientKey, cardId }]);
  return facts;
}

/** The cards of other patients that these numbers were seen under within 90 days. */
export async function otherCards(
  sql: Sql,
  numbers: readonly Buffer[],
  patientKey: Buffer,
  cardId: string | null,
): Promise<readonly OtherCard[]> {
  return cardsAmong(await factsOf(sql, numbers, patientKey, cardId));
}

export async function isUnderOtherPatient(
  sql: Sql,
  numbers: readonly Buffer[],
  patientKey: Buffer,
  cardId: string | null = null,
): Promise<boolean> {
  return (await otherCards(sql, numbers, patientKey, cardId)).length > 0;
}

export async function isTakenBack(sql: Sql, numbers: readonly Buffer[], patientKey: Buffer): Promise<boolean> {
  return (await factsOf(sql, numbers, patientKey, null)).some((fact) => fact.isTakenBack);
}

/** By number (hex); nothing for one that has none. */
export async function scopesOf(
  sql: Sql,
  numbers: readonly Buffer[],
  patientKey: Buffer,
): Promise<ReadonlyMap<string, string>> {
  const facts = await factsOf(sql, numbers, patientKey, null);
  return new Map(
    facts.flatMap((fact) => {
      const scope = scopeOf(fact, null);
      return scope === null ? [] : [[fact.number, scope] as const];
    }),
  );
}

export async function knownResults(
  sql: Sql,
  numbers: readonly Buffer[],
  patientKey: Buffer,
  cardId: string | null,
): Promise<readonly KnownResult[]> {
  return (await factsOf(sql, numbers, patientKey, cardId)).flatMap(({ results }) => results);
}

export async function rememberLabNumbers(
  tx: Sql,
  numbers: readonly Buffer[],
  patientKey: Buffer,
  deliveryId: string,
  cardId: string | null = null,
): Promise<void> {
  const facts = await factsOf(tx, numbers, patientKey, cardId);
  await remember(tx, { numbers: rememberedNumbers(facts, { patientKey, deliveryId, cardId }), reports: [] });
}

export async function rememberResults(
  tx: Sql,
  patientKey: Buffer,
  reportId: string,
  results: readonly KnownResult[],
  identifiers: ReadonlyMap<string, string>,
): Promise<void> {
  await remember(tx, { numbers: [], reports: [{ patientKey, reportId, results, identifiers }] });
}

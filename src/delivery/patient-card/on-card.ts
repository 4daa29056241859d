/** Step 2 of a write: what the card has under the keys of this report (formats/fhir.md). */

import type { DiagnosticReport, Observation, Specimen } from '@medplum/fhirtypes';
import { confirmedVersion } from './confirmation.ts';
import { contentOf } from './content.ts';
import type { FhirClient } from './fhir-client.ts';
import type { GroupIdentity } from './identities.ts';
import type { CardStatus, ResultOnCard } from './newest.ts';
import { REPORT_SYSTEM, RESULT_SYSTEM, SPECIMEN_SYSTEM } from './systems.ts';

type Found = Observation | DiagnosticReport | Specimen;

export interface OnCard {
  readonly observations: ReadonlyMap<string, Observation>;
  readonly reports: ReadonlyMap<string, DiagnosticReport>;
  readonly specimens: ReadonlyMap<string, Specimen>;
  /** A key stands on two resources: nobody knows which one is read, so nothing is written. */
  readonly isAmbiguous: boolean;
}

interface Lookup<T> {
  readonly found: ReadonlyMap<string, T>;
  readonly isAmbiguous: boolean;
}

/** Keys per search: well below PAGE_SIZE, so that even a result that stands there twice is seen. */
const KEYS_PER_SEARCH = 40;

/** Looks up everything that the groups of a report are about, by our own identifiers (keyed digests). */
export async function lookUp(client: FhirClient, groups: readonly GroupIdentity[]): Promise<OnCard> {
  const all = (of: (group: GroupIdentity) => readonly { readonly identifier: string }[]) =>
    groups.flatMap((group) => of(group).map(({ identifier }) => identifier));
  // At the same moment: none of them says what the others are asked.
  const [results, reports, specimens] = await Promise.all([
    lookUpResults(
      client,
      all(({ results }) => results),
    ),
    lookUpReports(
      client,
      all((group) => [group]),
    ),
    byIdentifier<Specimen>(
      client,
      'Specimen',
      SPECIMEN_SYSTEM,
      all(({ materials }) => materials),
    ),
  ]);
  return {
    observations: results.found,
    reports: reports.found,
    specimens: specimens.found,
    isAmbiguous: results.isAmbiguous || reports.isAmbiguous,
  };
}

/** The Observations under these identifiers. */
export function lookUpResults(client: FhirClient, identifiers: readonly string[]): Promise<Lookup<Observation>> {
  return byIdentifier<Observation>(client, 'Observation', RESULT_SYSTEM, identifiers);
}

/** The DiagnosticReports under these identifiers. */
export function lookUpReports(client: FhirClient, identifiers: readonly string[]): Promise<Lookup<DiagnosticReport>> {
  return byIdentifier<DiagnosticReport>(client, 'DiagnosticReport', REPORT_SYSTEM, identifiers);
}

async function byIdentifier<T extends Found>(
  client: FhirClient,
  type: T['resourceType'],
  system: string,
  values: readonly string[],
): Promise<Lookup<T>> {
  const found = new Map<string, T>();
  let isAmbiguous = false;
  for (let start = 0; start < values.length; start += KEYS_PER_SEARCH) {
    const asked = values.slice(start, start + KEYS_PER_SEARCH);
    const identifier = asked.map((value) => `${system}|${value}`).join(',');
    for (const resource of await client.search<T>(type, { identifier })) {
      for (const value of ownValues(resource, system).filter((own) => asked.includes(own))) {
        isAmbiguous ||= found.has(value) && found.get(value)?.id !== resource.id;
        found.set(value, resource);
      }
    }
  }
  return { found, isAmbiguous };
}

function ownValues(resource: Found, system: string): readonly string[] {
  return (resource.identifier ?? []).flatMap((identifier) =>
    identifier.system === system && identifier.value !== undefined ? [identifier.value] : [],
  );
}

/** An Observation as newest() wants to see it. */
export function asResultOnCard(observation: Observation | undefined): ResultOnCard | null {
  if (observation === undefined) return null;
  return {
    patientId: subjectId(observation),
    status: observation.status as CardStatus,
    version: observation.issued ?? null,
    content: contentOf(observation),
    confirmedVersion: confirmedVersion(observation),
  };
}

/** The id of the patient that a resource is about; servers may answer with an absolute reference. */
export function subjectId(resource: Found): string | null {
  return resource.subject?.reference?.match(/(?:^|\/)Patient\/([A-Za-z0-9.-]+)(?:$|\/_history)/)?.[1] ?? null;
}

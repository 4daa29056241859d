/** The results, reports and materials of a report under the identifiers that they have on a card: keyed digests. */

import type { LabReport, LabResult, Specimen } from '../../lab/lab.ts';
import { Failure } from '../../shared/failure.ts';
import type { ReportContent } from './patient-card.ts';
import { reportGroups } from './report-key.ts';
import { specimenKey } from './specimen.ts';

export interface ResultIdentity {
  readonly result: LabResult;
  readonly specimen: Specimen;
  readonly identifier: string;
}

export interface GroupIdentity {
  readonly identifier: string;
  readonly specimens: readonly Specimen[];
  readonly results: readonly ResultIdentity[];
  readonly materials: readonly { readonly specimen: Specimen; readonly identifier: string }[];
}

/** From a key to the identifier on the card: its digest, or what that digest is called instead. */
export function identifierOf({ identifiers }: ReportContent, digest: (key: string) => string): (key: string) => string {
  return (key) => {
    const own = digest(key);
    return identifiers?.get(own) ?? own;
  };
}

/** Headings are no results: they go with the report's text (diagnostic-report.ts). */
export function identitiesOf(
  report: LabReport,
  patientId: string,
  digest: (key: string) => string,
): readonly GroupIdentity[] {
  const groups = reportGroups(report).map(({ key, specimens }) => ({
    identifier: digest(key),
    specimens,
    results: resultIdentities(specimens, digest),
    materials: specimens.map((specimen) => ({
      specimen,
      identifier: digest(specimenKey(specimen, key, patientId)),
    })),
  }));
  const identifiers = groups.flatMap(({ results }) => results.map(({ identifier }) => identifier));
  // Two results under one key would overwrite each other: the reader must number them (lab/key.ts).
  if (new Set(identifiers).size < identifiers.length) throw new Failure('card.key-repeated', { kind: 'defect' });
  return groups;
}

export function resultIdentities(
  specimens: readonly Specimen[],
  digest: (key: string) => string,
): readonly ResultIdentity[] {
  return specimens.flatMap((specimen) =>
    specimen.results
      .filter((result) => result.kind === 'result')
      .map((result) => ({ result, specimen, identifier: digest(result.key) })),
  );
}

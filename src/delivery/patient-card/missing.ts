/** Whether a report has arrived somewhere that we did not write to: what newest() would still want to change there. */

import { Failure } from '../../shared/failure.ts';
import { contentOf } from './content.ts';
import type { FhirClient } from './fhir-client.ts';
import { identifierOf, resultIdentities } from './identities.ts';
import { newest } from './newest.ts';
import { toObservation } from './observation.ts';
import { asResultOnCard, lookUpResults } from './on-card.ts';
import type { Card, ReportContent, ReportTrace } from './patient-card.ts';

/**
 * A result counts as there when this version of it, or one that outranks it, can be seen: a retraction only when it is
 * retracted there too. `card`: only what stands on that card counts; null: whoever's it is (a board has ids of its own).
 */
export async function countMissing(
  client: FhirClient,
  digest: (key: string) => string,
  content: ReportContent,
  trace: ReportTrace,
  card: Card | null,
): Promise<number> {
  const identities = resultIdentities(content.report.specimens, identifierOf(content, digest));
  const { found, isAmbiguous } = await lookUpResults(
    client,
    identities.map(({ identifier }) => identifier),
  );
  if (isAmbiguous) throw new Failure(`${client.target}.result-twice`, { kind: 'permanent' });
  return identities.filter(({ result, specimen, identifier }) => {
    const { status } = result;
    if (status === null) return true;
    const context = { ...NOWHERE, identifier, specimen, version: trace.version };
    const said = contentOf(toObservation(result, status, context));
    const there = asResultOnCard(found.get(identifier));
    const decision = newest(there, {
      patientId: card?.patientId ?? null,
      status,
      version: trace.version,
      content: said,
    });
    // A retraction outranks the preliminary that it follows on the card, also where that one was sent later.
    const isOutranked = decision.kind === 'held' && decision.code === 'lab.preliminary-after-retraction';
    return decision.kind !== 'unchanged' && decision.kind !== 'older' && !isOutranked;
  }).length;
}

/** What an Observation says beside its content does not matter for a comparison. */
const NOWHERE = {
  subject: '',
  specimenReference: null,
  performerReference: null,
  performerName: null,
  edifactReference: null,
  isCopy: false,
};

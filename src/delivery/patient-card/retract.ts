/**
 * Taking back what was delivered under a lab number that turned out to be another patient's: the results are entered in
 * error, the report around them too, and nothing of what they said stays in sight (history keeps it).
 *
 * May be repeated: what is retracted already is left alone, and every change is conditional on what was read.
 */

import type { DiagnosticReport, Observation, Provenance } from '@medplum/fhirtypes';
import { Failure } from '../../shared/failure.ts';
import { appendEntry, type Entry, toBundle, updateEntry, writtenResource } from './bundle.ts';
import { moment } from './content.ts';
import type { FhirClient } from './fhir-client.ts';
import { lookUpReports, lookUpResults, subjectId } from './on-card.ts';
import type { Card, Retraction, WriteAnswer } from './patient-card.ts';
import { prune } from './prune.ts';
import { COMMENT_EXTENSION, DELIVERY_SYSTEM } from './systems.ts';

export interface RetractContext {
  readonly client: FhirClient;
  readonly now: () => Date;
  readonly uuid: () => string;
}

const ROUNDS_MAX = 3;

/** What a reader of the card sees instead. */
export const NUMBER_RETRACTED_TEXT =
  'Ingetrokken: het laboratorium heeft dit labnummer aan een andere patiënt gegeven. Deze uitslag hoort niet op deze kaart.';

/** Held where something stands on another card than this one: nothing is retracted then. */
export async function retractDelivered(
  context: RetractContext,
  card: Card | null,
  retraction: Retraction,
): Promise<WriteAnswer> {
  for (let round = 1; round <= ROUNDS_MAX; round += 1) {
    const answer = await retractOnce(context, card, retraction);
    if (answer !== 'race') return answer;
  }
  throw new Failure(`${context.client.target}.version-race`, { kind: 'transient', fields: { rounds: ROUNDS_MAX } });
}

/** How many of these results and reports can still be read as valid. */
export async function countUnretracted(client: FhirClient, retraction: Retraction): Promise<number> {
  const { resources } = await lookUpBoth(client, retraction);
  return resources.filter((resource) => !isRetracted(resource)).length;
}

type Delivered = Observation | DiagnosticReport;

async function lookUpBoth(client: FhirClient, { results, reports }: Retraction) {
  const observations = await lookUpResults(client, results);
  const around = await lookUpReports(client, reports);
  const resources: readonly Delivered[] = [...observations.found.values(), ...around.found.values()];
  return { resources, isAmbiguous: observations.isAmbiguous || around.isAmbiguous };
}

async function retractOnce(
  { client, now, uuid }: RetractContext,
  card: Card | null,
  retraction: Retraction,
): Promise<WriteAnswer | 'race'> {
  const { resources, isAmbiguous } = await lookUpBoth(client, retraction);
  if (isAmbiguous) return { kind: 'held', code: 'card.result-twice', detail: null };
  if (card !== null && resources.some((resource) => subjectId(resource) !== card.patientId))
    return { kind: 'held', code: 'card.other-subject', detail: null };
  const entries = resources
    .filter((resource) => !isRetracted(resource))
    .map((resource) => updateEntry(asRetracted(resource, retraction.version), resource.meta?.versionId));
  if (entries.length === 0) return { kind: 'written', resources: [] };
  const provenance = appendEntry(toProvenance(entries, retraction, now()), uuid());
  const answer = await client.transaction(toBundle([provenance, ...entries]));
  if (answer.kind === 'race') return 'race';
  if (answer.kind === 'refused') return { kind: 'held', code: `${client.target}.refused`, detail: answer.issue };
  const written = entries.flatMap(({ entry }, index) => writtenResource(entry, answer.entries[index + 1]) ?? []);
  return written.length === entries.length ? { kind: 'written', resources: written } : 'race';
}

function isRetracted({ status }: Delivered): boolean {
  return status === 'entered-in-error';
}

function asRetracted(resource: Delivered, version: string): Delivered {
  return resource.resourceType === 'Observation'
    ? retractedResult(resource, version)
    : retractedReport(resource, version);
}

// A value of another patient may not stay in sight of a reader that ignores the status.
function retractedResult(observation: Observation, version: string): Observation {
  const kept = Object.entries(observation).filter(
    ([name]) => !(name.startsWith('value') || name.startsWith('_value') || OF_THE_VALUE.has(name)),
  );
  return {
    ...(Object.fromEntries(kept) as unknown as Observation),
    status: 'entered-in-error',
    issued: laterOf(observation.issued, version),
    note: [{ text: NUMBER_RETRACTED_TEXT }],
  };
}

const OF_THE_VALUE: ReadonlySet<string> = new Set([
  ...['interpretation', 'note', 'referenceRange', 'dataAbsentReason', 'component', 'bodySite', 'method', 'text'],
]);

function retractedReport(report: DiagnosticReport, version: string): DiagnosticReport {
  const { conclusion: _conclusion, presentedForm: _documents, text: _text, extension = [], ...kept } = report;
  const others = extension.filter(({ url }) => url !== COMMENT_EXTENSION);
  return {
    ...kept,
    ...(others.length === 0 ? {} : { extension: others }),
    status: 'entered-in-error',
    issued: laterOf(report.issued, version),
    conclusion: NUMBER_RETRACTED_TEXT,
  };
}

// A laboratory's clock may run ahead: the value that is retracted must be the older one all the same.
function laterOf(issued: string | undefined, version: string): string {
  return issued !== undefined && moment(issued) > moment(version) ? issued : version;
}

function toProvenance(entries: readonly Entry[], { deliveryId }: Retraction, recorded: Date): Provenance {
  return prune<Provenance>({
    resourceType: 'Provenance',
    target: entries.map(({ reference }) => ({ reference })),
    recorded: recorded.toISOString(),
    activity: { text: 'retraction' },
    agent: [{ type: { text: 'assembler' }, who: { display: 'zorgkoerier' } }],
    entity: [{ role: 'source', what: { identifier: { system: DELIVERY_SYSTEM, value: deliveryId } } }],
  });
}

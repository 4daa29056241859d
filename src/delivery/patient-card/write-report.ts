/**
 * Writing a report to a card: look up, decide, write conditionally; after a race from the start.
 *
 * May be repeated at any moment: what was written before is found by its identifier and left alone, and the server
 * refuses what no longer fits what was read (ifMatch, ifNoneExist).
 */

import type { BundleEntry } from '@medplum/fhirtypes';
import { Failure } from '../../shared/failure.ts';
import { writtenResource } from './bundle.ts';
import type { FhirClient } from './fhir-client.ts';
import { identifierOf, identitiesOf } from './identities.ts';
import { lookUp } from './on-card.ts';
import type { Card, ReportContent, ReportTrace, WriteAnswer, WrittenResource } from './patient-card.ts';
import { type Change, planWrite } from './plan.ts';

export interface WriteContext {
  readonly client: FhirClient;
  readonly digest: (key: string) => string;
  readonly now: () => Date;
  readonly uuid: () => string;
}

/** Somebody else writing to the same results at the same moment: how often we start again before we come back later. */
const ROUNDS_MAX = 3;

export async function writeReport(
  context: WriteContext,
  card: Card,
  content: ReportContent,
  trace: ReportTrace,
): Promise<WriteAnswer> {
  if (Number.isNaN(Date.parse(trace.version))) throw new Failure('card.version-unreadable', { kind: 'defect' });
  for (let round = 1; round <= ROUNDS_MAX; round += 1) {
    const answer = await writeOnce(context, card, content, trace);
    if (answer !== 'race') return answer;
  }
  throw new Failure(`${context.client.target}.version-race`, { kind: 'transient', fields: { rounds: ROUNDS_MAX } });
}

async function writeOnce(
  { client, digest, now, uuid }: WriteContext,
  { patientId }: Card,
  content: ReportContent,
  trace: ReportTrace,
): Promise<WriteAnswer | 'race'> {
  const groups = identitiesOf(content.report, patientId, identifierOf(content, digest));
  const onCard = await lookUp(client, groups);
  const plan = planWrite({ content, trace, patientId, groups, onCard, recorded: now(), uuid });
  if (plan.kind === 'held') return { kind: 'held', code: plan.code, detail: null };
  if (plan.bundle === null) return { kind: 'written', resources: settled(plan.changes) };
  const answer = await client.transaction(plan.bundle);
  if (answer.kind === 'race') return 'race';
  if (answer.kind === 'refused') return { kind: 'held', code: `${client.target}.refused`, detail: answer.issue };
  const resources = outcomes(plan.changes, answer.entries);
  return resources === null ? 'race' : { kind: 'written', resources };
}

function settled(changes: readonly Change[]): readonly WrittenResource[] {
  return changes.flatMap((change) => ('entry' in change ? [] : [change]));
}

/** Every change with what the server made of it; null when one of them was not taken as sent. */
function outcomes(changes: readonly Change[], answered: readonly BundleEntry[]): readonly WrittenResource[] | null {
  const sentCount = changes.filter((change) => 'entry' in change).length;
  let next = answered.length - sentCount;
  const resources: WrittenResource[] = [];
  for (const change of changes) {
    const resource = 'entry' in change ? writtenResource(change.entry, answered[next++]) : change;
    if (resource === null) return null;
    resources.push(resource);
  }
  return resources;
}

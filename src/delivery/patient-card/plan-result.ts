/** What has to change on the card for one result: newest() decides, this writes it down. */

import type { Observation } from '@medplum/fhirtypes';
import type { ResultStatus, Specimen } from '../../lab/lab.ts';
import type { ReasonCode } from '../../shared/reasons.ts';
import { createEntry, type Entry, updateEntry } from './bundle.ts';
import { confirmed, settledBy } from './confirmation.ts';
import { contentOf, moment } from './content.ts';
import type { ResultIdentity } from './identities.ts';
import { type CardStatus, type Decision, newest } from './newest.ts';
import { type ObservationContext, toObservation } from './observation.ts';
import { asResultOnCard } from './on-card.ts';
import { isOriginalMissing, withOriginalMissing, withoutOriginalMissing } from './original-missing.ts';
import { overlay } from './overlay.ts';
import type { WrittenResource } from './patient-card.ts';
import { RESULT_SYSTEM } from './systems.ts';

export type ResultContext = Omit<ObservationContext, 'identifier' | 'specimen'>;

export interface PlannedResult {
  readonly reference: string;
  /** What the result is on the card once this plan is carried out. */
  readonly status: ResultStatus;
  /** What is written, or what is there already. */
  readonly change: Entry | WrittenResource;
}

/** The plan for one result, or the reason why the whole report must wait for a person. */
export function planResult(
  identity: ResultIdentity,
  onCard: Observation | undefined,
  patientId: string,
  context: ResultContext,
  uuid: () => string,
): PlannedResult | { readonly held: ReasonCode } {
  const { result, specimen, identifier } = identity;
  const { status } = result;
  if (status === null) return { held: 'hl7.status-missing' };
  const incoming = toObservation(result, status, { ...context, identifier, specimen });
  const decision = newest(asResultOnCard(onCard), {
    patientId,
    status,
    version: context.version,
    content: contentOf(incoming),
  });
  if (decision.kind === 'held') return { held: decision.code };
  if (onCard !== undefined && isAnotherCollection(onCard, incoming, specimen)) return { held: 'card.no-lab-number' };
  if (onCard === undefined) {
    const created = status === 'corrected' ? withOriginalMissing(incoming) : incoming;
    const change = createEntry(created, { system: RESULT_SYSTEM, value: identifier }, uuid());
    return { reference: change.reference, status, change };
  }
  return planChange(decision, onCard, incoming, status, context.version);
}

// Without a lab number the key says no more than which determination of which year: two collections would share it, and
// the second would replace the first.
function isAnotherCollection(onCard: Observation, incoming: Observation, { labNumber }: Specimen): boolean {
  const isNumbered = labNumber !== null && labNumber.trim() !== '';
  return !isNumbered && moment(onCard.effectiveDateTime ?? '') !== moment(incoming.effectiveDateTime ?? '');
}

function planChange(
  decision: Decision,
  onCard: Observation,
  incoming: Observation,
  status: ResultStatus,
  version: string,
): PlannedResult {
  const next = nextVersion(decision, onCard, incoming, version);
  const reference = `Observation/${onCard.id}`;
  if (next !== null) {
    const isConfirmed = decision.kind === 'replace-confirmed';
    return { reference, status: isConfirmed ? 'final' : status, change: updateEntry(next, onCard.meta?.versionId) };
  }
  const isOriginal = status !== 'corrected' && status !== 'confirmed' && isOriginalMissing(onCard);
  const outcome = decision.kind === 'older' ? 'older' : 'unchanged';
  const versionId = onCard.meta?.versionId ?? null;
  return {
    reference,
    status: STATUS_ON_CARD[onCard.status as CardStatus],
    // The original came after its correction: nothing changes but that it is no longer missing.
    change: isOriginal
      ? updateEntry(withoutOriginalMissing(onCard), onCard.meta?.versionId)
      : { resourceType: 'Observation', id: onCard.id ?? '', versionId, outcome },
  };
}

function nextVersion(
  decision: Decision,
  onCard: Observation,
  incoming: Observation,
  version: string,
): Observation | null {
  switch (decision.kind) {
    case 'create':
    case 'replace': {
      const isStillMissing = incoming.status === 'corrected' && isOriginalMissing(onCard);
      return overlay(onCard, isStillMissing ? withOriginalMissing(incoming) : incoming);
    }
    case 'confirm':
      return overlay(onCard, confirmed(onCard, version));
    case 'replace-confirmed':
      return overlay(onCard, settledBy(onCard, incoming));
    default:
      return null;
  }
}

const STATUS_ON_CARD: Readonly<Record<CardStatus, ResultStatus>> = {
  registered: 'pending',
  preliminary: 'preliminary',
  unknown: 'preliminary',
  final: 'final',
  amended: 'corrected',
  corrected: 'corrected',
  cancelled: 'cancelled',
  'entered-in-error': 'retracted',
};

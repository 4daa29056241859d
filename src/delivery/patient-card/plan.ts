/**
 * Step 3 of a write: all that has to change on the card, as one transaction. Pure: the same report against the same card
 * gives the same plan. A plan without changes has no bundle: repeating a write is no request at all.
 */

import type { Bundle, DiagnosticReport } from '@medplum/fhirtypes';
import type { ReasonCode } from '../../shared/reasons.ts';
import { appendEntry, createEntry, type Entry, toBundle, updateEntry } from './bundle.ts';
import { toDiagnosticReport } from './diagnostic-report.ts';
import { toAttachments } from './documents.ts';
import type { GroupIdentity } from './identities.ts';
import { mergeReport } from './merge-report.ts';
import { type OnCard, subjectId } from './on-card.ts';
import { toOrganization } from './organization.ts';
import type { ReportContent, ReportTrace, WrittenResource } from './patient-card.ts';
import { type PlannedResult, planResult } from './plan-result.ts';
import { toProvenance } from './provenance.ts';
import { toSpecimen } from './specimen.ts';
import { REPORT_SYSTEM, SPECIMEN_SYSTEM } from './systems.ts';

export interface PlanInput {
  readonly content: ReportContent;
  readonly trace: ReportTrace;
  readonly patientId: string;
  readonly groups: readonly GroupIdentity[];
  readonly onCard: OnCard;
  readonly recorded: Date;
  /** Names of entries within the transaction. */
  readonly uuid: () => string;
}

export type Change = Entry | WrittenResource;

export type Plan =
  | { readonly kind: 'held'; readonly code: ReasonCode }
  | { readonly kind: 'write'; readonly bundle: Bundle | null; readonly changes: readonly Change[] };

/** What to write, or why a person must decide first: one doubt holds the whole report. */
export function planWrite(input: PlanInput): Plan {
  const { onCard, groups, patientId } = input;
  if (onCard.isAmbiguous) return { kind: 'held', code: 'card.result-twice' };
  const surroundings = surroundingsOf(input);
  const changes: Change[] = [];
  for (const [index, group] of groups.entries()) {
    const report = onCard.reports.get(group.identifier);
    if (report !== undefined && subjectId(report) !== patientId) return { kind: 'held', code: 'card.other-subject' };
    const results: PlannedResult[] = [];
    for (const identity of group.results) {
      const onCardNow = onCard.observations.get(identity.identifier);
      const context = resultContext(input, surroundings, group, identity.specimen);
      const planned = planResult(identity, onCardNow, patientId, context, input.uuid);
      if ('held' in planned) return { kind: 'held', code: planned.held };
      results.push(planned);
    }
    changes.push(...results.map(({ change }) => change));
    changes.push(planReport(input, surroundings, group, results, { onCard: report, isFirst: index === 0 }));
  }
  return { kind: 'write', bundle: toTransaction(input, surroundings, changes), changes };
}

/** The laboratory and the materials that results refer to: existing ones by id, the others created once. */
interface Surroundings {
  readonly entries: readonly Entry[];
  readonly organizationReference: string | null;
  readonly specimenReferences: ReadonlyMap<string, string>;
}

function surroundingsOf({ content, groups, onCard, patientId, uuid }: PlanInput): Surroundings {
  const organization = toOrganization(content.report);
  const [identifier] = organization?.identifier ?? [];
  const laboratory =
    organization === null || identifier === undefined
      ? null
      : createEntry(organization, { system: identifier.system ?? '', value: identifier.value ?? '' }, uuid());
  const created = new Map<string, Entry>();
  const specimenReferences = new Map<string, string>();
  for (const { specimen, identifier } of groups.flatMap(({ materials }) => materials)) {
    const existing = onCard.specimens.get(identifier);
    if (existing !== undefined) specimenReferences.set(identifier, `Specimen/${existing.id}`);
    if (specimenReferences.has(identifier)) continue;
    const resource = toSpecimen(specimen, identifier, `Patient/${patientId}`);
    const entry = createEntry(resource, { system: SPECIMEN_SYSTEM, value: identifier }, uuid());
    created.set(identifier, entry);
    specimenReferences.set(identifier, entry.reference);
  }
  return {
    entries: [...(laboratory === null ? [] : [laboratory]), ...created.values()],
    organizationReference: laboratory?.reference ?? null,
    specimenReferences,
  };
}

function resultContext(
  { content, trace, patientId }: PlanInput,
  surroundings: Surroundings,
  group: GroupIdentity,
  specimen: GroupIdentity['specimens'][number],
) {
  const material = group.materials.find((candidate) => candidate.specimen === specimen);
  return {
    version: trace.version,
    subject: `Patient/${patientId}`,
    specimenReference: surroundings.specimenReferences.get(material?.identifier ?? '') ?? null,
    performerReference: surroundings.organizationReference,
    performerName: content.report.sender.name,
    edifactReference: content.format === 'medlab-1' ? specimen.labNumber : null,
    isCopy: content.report.copy?.direction === 'from',
  };
}

function planReport(
  { content, trace, patientId, uuid }: PlanInput,
  surroundings: Surroundings,
  group: GroupIdentity,
  results: readonly PlannedResult[],
  { onCard, isFirst }: { readonly onCard: DiagnosticReport | undefined; readonly isFirst: boolean },
): Change {
  const incoming = toDiagnosticReport({
    identifier: group.identifier,
    version: trace.version,
    subject: `Patient/${patientId}`,
    report: content.report,
    specimens: group.specimens,
    results,
    specimenReferences: group.materials.flatMap(
      ({ identifier }) => surroundings.specimenReferences.get(identifier) ?? [],
    ),
    performerReference: surroundings.organizationReference,
    performerName: content.report.sender.name,
    // Documents belong to the whole report: they stand once, on its first lab number.
    presentedForm: isFirst ? toAttachments(content, trace.version) : [],
    withheldCount: content.withheldCount,
  });
  if (onCard === undefined) return createEntry(incoming, { system: REPORT_SYSTEM, value: group.identifier }, uuid());
  const changed = results.filter(({ change }) => 'entry' in change).length;
  const merged = mergeReport(onCard, incoming, { resultCount: results.length, changedCount: changed });
  if (merged !== null) return updateEntry(merged, onCard.meta?.versionId);
  const versionId = onCard.meta?.versionId ?? null;
  return { resourceType: 'DiagnosticReport', id: onCard.id ?? '', versionId, outcome: 'unchanged' };
}

function toTransaction(
  { content, trace, recorded, uuid }: PlanInput,
  surroundings: Surroundings,
  changes: readonly Change[],
): Bundle | null {
  const entries = changes.filter((change) => 'entry' in change);
  if (entries.length === 0) return null;
  const targets = entries.map(({ reference }) => reference);
  const provenance = appendEntry(toProvenance(targets, content.report, trace, recorded), uuid());
  // The changes come last, so that their answers are the last ones too (write-report.ts).
  return toBundle([...surroundings.entries, provenance, ...entries]);
}

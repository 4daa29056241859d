/**
 * The DiagnosticReport around the results of one lab number: what binds them, and everything that is said but is no
 * result. Headings (BEP.1 = 1 without a value) are the laboratory's own lines of text and go with the comments: they
 * are often remarks, so leaving them out could lose one, and an Observation without a finding would look like a result.
 */

import type { Attachment, DiagnosticReport, Reference } from '@medplum/fhirtypes';
import type { LabReport, ResultStatus, Specimen } from '../../lab/lab.ts';
import { prune } from './prune.ts';
import {
  COMMENT_EXTENSION,
  COPY_EXTENSION,
  DIAGNOSTIC_SERVICE_SYSTEM,
  LOINC_SYSTEM,
  REPORT_SYSTEM,
} from './systems.ts';

export interface DiagnosticReportContext {
  readonly identifier: string;
  readonly version: string;
  readonly subject: string;
  readonly report: LabReport;
  readonly specimens: readonly Specimen[];
  /** References to the Observations of this report, in its order. */
  readonly results: readonly { readonly reference: string; readonly status: ResultStatus }[];
  readonly specimenReferences: readonly string[];
  readonly performerReference: string | null;
  readonly performerName: string | null;
  readonly presentedForm: readonly Attachment[];
  readonly withheldCount: number;
}

/** The DiagnosticReport as this one report has it; merge-report.ts joins it with what is on the card. */
export function toDiagnosticReport(context: DiagnosticReportContext): DiagnosticReport {
  const { report, specimens } = context;
  const comment = commentLines(report, specimens).join('\n');
  return prune<DiagnosticReport>({
    resourceType: 'DiagnosticReport',
    extension: [
      ...(comment.trim() === '' ? [] : [{ url: COMMENT_EXTENSION, valueString: comment }]),
      ...(report.copy?.direction === 'from' ? [{ url: COPY_EXTENSION, valueBoolean: true }] : []),
    ],
    identifier: [{ system: REPORT_SYSTEM, value: context.identifier }],
    status: reportStatus(context),
    category: [{ coding: [{ system: DIAGNOSTIC_SERVICE_SYSTEM, code: 'LAB' }] }],
    code: { coding: [{ system: LOINC_SYSTEM, code: '11502-2' }], text: titleOf(specimens) },
    subject: { reference: context.subject },
    ...effective(specimens),
    issued: context.version,
    performer: performerOf(context),
    specimen: context.specimenReferences.map((reference): Reference<never> => ({ reference })),
    result: context.results.map(({ reference }): Reference<never> => ({ reference })),
    conclusion: [comment, ...tailLines(context)].filter((text) => text.trim() !== '').join('\n'),
    presentedForm: [...context.presentedForm],
  });
}

/** One moment, or from the first to the last collection: a cumulative report is not of its oldest column alone. */
function effective(specimens: readonly Specimen[]): Pick<DiagnosticReport, 'effectiveDateTime' | 'effectivePeriod'> {
  const collected = new Set(specimens.flatMap((specimen) => specimen.collectedAt ?? []));
  const [start, ...later] = [...collected].sort((left, right) => Date.parse(left) - Date.parse(right));
  const end = later.at(-1);
  if (start === undefined) return {};
  return end === undefined ? { effectiveDateTime: start } : { effectivePeriod: { start, end } };
}

function titleOf(specimens: readonly Specimen[]): string {
  const orderCode = specimens[0]?.orderCode ?? null;
  return orderCode === null ? 'Laboratoriumuitslag' : `Laboratoriumuitslag ${orderCode}`;
}

/**
 * Table 0123 by way of what each result says: a retraction or a correction of part of a report makes it corrected;
 * open determinations make it partial; only when nothing else is left it is entered in error.
 */
function reportStatus({ results, specimens, report }: DiagnosticReportContext): DiagnosticReport['status'] {
  const statuses = results.map((result) => result.status);
  const isRequestCancelled = report.notCarried.some(({ code }) => code === 'hl7.request-cancelled');
  if (isRequestCancelled && specimens.every(saysNothing)) return 'cancelled';
  const isAll = (status: ResultStatus) => statuses.length > 0 && statuses.every((other) => other === status);
  if (isAll('retracted')) return 'entered-in-error';
  if (isAll('cancelled')) return 'cancelled';
  if (isAll('pending') || (statuses.length === 0 && specimens.some((specimen) => specimen.pending.length > 0))) {
    return 'registered';
  }
  if (statuses.some((status) => status === 'preliminary' || status === 'pending')) {
    return isAll('preliminary') ? 'preliminary' : 'partial';
  }
  if (specimens.some((specimen) => specimen.isComplete === false || specimen.pending.length > 0)) return 'partial';
  return statuses.some((status) => status === 'corrected' || status === 'retracted') ? 'corrected' : 'final';
}

function saysNothing({ results, pending, remarks }: Specimen): boolean {
  return results.length + pending.length + remarks.length === 0;
}

function commentLines(report: LabReport, specimens: readonly Specimen[]): readonly string[] {
  const ofSpecimens = specimens.flatMap((specimen) => [
    ...specimen.remarks,
    ...specimen.results.flatMap((line) => (line.kind === 'heading' ? [line.name, ...line.remarks] : [])),
  ]);
  return [...report.comments, ...ofSpecimens];
}

// What a reader of the card can do something with; the code itself stands in the report of our ledger.
const NOT_CARRIED: Readonly<Record<string, string>> = {
  'hl7.order-only': 'alleen aangevraagd',
  'hl7.not-asked': 'niet gevraagd',
  'hl7.request-cancelled': 'aanvraag vervallen',
  'edifact.blood-group': 'bloedgroep',
  'edifact.copy-direction-unknown': 'kopiehouder',
  'edifact.extra-element': 'veld te veel',
  'edifact.name-repeated': 'tweede naam',
  'edifact.qualifier-unknown': 'onbekend onderdeel',
  'edifact.segment-repeated': 'regel die er al stond',
  'edifact.unknown-segment': 'onbekende regel',
  'lab.attachment-of-several': 'document van meer dan één bericht',
};

/** What belongs to the newest report only: who asked, copies, what is still open, what was left out. */
function tailLines({ report, specimens, withheldCount }: DiagnosticReportContext): readonly string[] {
  const pending = specimens.flatMap((specimen) => specimen.pending);
  const notCarried = report.notCarried.filter(({ count }) => count > 0);
  return [
    ...(report.requester.name === null ? [] : [`Aanvrager: ${report.requester.name}`]),
    ...(report.copy === null || report.copy.names.length === 0
      ? []
      : [`Kopie ${report.copy.direction === 'from' ? 'van' : 'naar'}: ${report.copy.names.join(', ')}`]),
    ...pending.flatMap(({ name, remarks }) => [`Nog niet bekend: ${name}`, ...remarks]),
    ...(withheldCount === 0 ? [] : [`Niet doorgestuurd op verzoek van de praktijk: ${withheldCount}`]),
    ...notCarried.map(({ code, count }) => `Niet als uitslag overgenomen: ${count} (${NOT_CARRIED[code] ?? code})`),
  ];
}

function performerOf({ performerReference, performerName }: DiagnosticReportContext): DiagnosticReport['performer'] {
  if (performerReference === null && performerName === null) return undefined;
  return [prune<Reference<never>>({ reference: performerReference, display: performerName })];
}

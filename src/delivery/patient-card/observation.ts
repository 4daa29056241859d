/**
 * One result as an Observation (nl-core-LaboratoryTestResult, formats/fhir.md). Nothing is invented: a code only where
 * the code tables gave one, a Quantity only where the laboratory's text is a number, UCUM only where the unit is known.
 */

import type { CodeableConcept, Extension, Observation } from '@medplum/fhirtypes';
import type { FlagMeaning, LabResult, ResultStatus, Specimen } from '../../lab/lab.ts';
import type { CardStatus } from './newest.ts';
import { prune } from './prune.ts';
import { rangeElement, valueElement } from './quantity.ts';
import {
  COPY_EXTENSION,
  DATA_ABSENT_SYSTEM,
  EDIFACT_REFERENCE_EXTENSION,
  INTERPRETATION_SYSTEM,
  LOINC_SYSTEM,
  NHG_45_SYSTEM,
  OBSERVATION_CATEGORY_SYSTEM,
  RESULT_SYSTEM,
  SUB_ID_EXTENSION,
} from './systems.ts';

/** What an Observation says beside the result itself. */
export interface ObservationContext {
  readonly identifier: string;
  readonly version: string;
  readonly subject: string;
  readonly specimen: Specimen;
  readonly specimenReference: string | null;
  readonly performerReference: string | null;
  readonly performerName: string | null;
  /** IDE.2, for MEDLAB only. */
  readonly edifactReference: string | null;
  /** KOP+VAN: this is a copy of what was meant for somebody else. */
  readonly isCopy: boolean;
}

// 'confirmed' never comes here as a value: it changes what is on the card (newest.ts).
const STATUSES: Readonly<Record<ResultStatus, CardStatus>> = {
  final: 'final',
  preliminary: 'preliminary',
  corrected: 'corrected',
  retracted: 'entered-in-error',
  cancelled: 'cancelled',
  pending: 'registered',
  confirmed: 'final',
};

const FLAGS: Readonly<Record<FlagMeaning, string>> = {
  low: 'L',
  high: 'H',
  abnormal: 'A',
  'critical-low': 'LL',
  'critical-high': 'HH',
};

export const RETRACTED_TEXT = 'Ingetrokken door het laboratorium.';
const CANCELLED_TEXT = 'Het laboratorium kon deze bepaling niet uitvoeren.';

/** The Observation of a result; of a retracted one without its value, which stays in the card's history. */
export function toObservation(result: LabResult, status: ResultStatus, context: ObservationContext): Observation {
  const isRetracted = status === 'retracted';
  return prune<Observation>({
    resourceType: 'Observation',
    extension: extensions(result, context),
    identifier: [{ system: RESULT_SYSTEM, value: context.identifier }],
    status: STATUSES[status],
    category: categories(result),
    code: codeOf(result),
    subject: { reference: context.subject },
    effectiveDateTime: result.observedAt ?? context.specimen.collectedAt,
    issued: context.version,
    performer: performerOf(context),
    specimen: context.specimenReference === null ? null : { reference: context.specimenReference },
    ...(isRetracted ? retraction(result) : finding(result, status, context.specimen)),
  });
}

/**
 * A retracted result that follows a value may not leave that value in sight of a reader that ignores the status. What the
 * laboratory says about it stays: that samples were swapped is what the doctor must know.
 */
function retraction({ remarks }: LabResult): Pick<Observation, 'note'> {
  return { note: [{ text: [RETRACTED_TEXT, ...remarks].join('\n') }] };
}

function finding(result: LabResult, status: ResultStatus, specimen: Specimen): Partial<Observation> {
  // Cancelled: what stands in OBX-5 is a reason, not a value (obs-6: no value beside dataAbsentReason).
  const isCancelled = status === 'cancelled';
  const lines = isCancelled && result.value.text !== null ? [result.value.text, ...result.remarks] : result.remarks;
  const said = lines.join('\n');
  const note = [...partLines(result, specimen), ...(said.trim() === '' ? [] : [said])].join('\n');
  const value = isCancelled ? {} : valueElement(result);
  const isEmpty = !isCancelled && Object.keys(value).length === 0 && said.trim() === '';
  return prune<Partial<Observation>>({
    ...value,
    dataAbsentReason: isCancelled ? { text: CANCELLED_TEXT } : isEmpty ? UNKNOWN : null,
    interpretation: interpretation(result),
    note: note === '' ? null : [{ text: note }],
    referenceRange: rangeElement(result),
  });
}

// Two isolates each have their Amoxicilline: apart from the others, a reader must see which one a result belongs to.
function partLines({ subId }: LabResult, { results }: Specimen): readonly string[] {
  const parts = new Set(results.flatMap((other) => (isBlank(other.subId) ? [] : [other.subId])));
  return isBlank(subId) || parts.size < 2 ? [] : [`Onderdeel: ${subId}`];
}

function isBlank(text: string | null): boolean {
  return text === null || text.trim() === '';
}

const UNKNOWN: CodeableConcept = { coding: [{ system: DATA_ABSENT_SYSTEM, code: 'unknown' }] };

function interpretation(result: LabResult): CodeableConcept[] | null {
  const { raw, meaning } = result.flag;
  if (meaning === null) return raw === null || raw === '' ? null : [{ text: raw }];
  return [prune<CodeableConcept>({ coding: [{ system: INTERPRETATION_SYSTEM, code: FLAGS[meaning] }], text: raw })];
}

function codeOf(result: LabResult): CodeableConcept {
  const { nhg, loinc } = result.code;
  const coding = [
    ...(nhg === null ? [] : [{ system: NHG_45_SYSTEM, code: nhg }]),
    ...(loinc === null ? [] : [{ system: LOINC_SYSTEM, code: loinc }]),
  ];
  return prune<CodeableConcept>({ coding, text: result.name.trim() === '' ? result.code.raw : result.name });
}

// A section (HAEMATOLOGIE) is how the laboratory grouped its results: a category of its own, in the laboratory's words.
function categories(result: LabResult): CodeableConcept[] {
  const laboratory = { coding: [{ system: OBSERVATION_CATEGORY_SYSTEM, code: 'laboratory' }] };
  return result.section === null ? [laboratory] : [laboratory, { text: result.section }];
}

function performerOf(context: ObservationContext): Observation['performer'] {
  const performer = { reference: context.performerReference, display: context.performerName };
  return performer.reference === null && performer.display === null ? undefined : [prune(performer)];
}

function extensions({ subId }: LabResult, { edifactReference, isCopy }: ObservationContext): Extension[] {
  const part = { url: 'original-sub-identifier', valueString: subId ?? '' };
  return [
    ...(isBlank(subId) ? [] : [{ url: SUB_ID_EXTENSION, extension: [part] }]),
    ...(edifactReference === null ? [] : [{ url: EDIFACT_REFERENCE_EXTENSION, valueString: edifactReference }]),
    ...(isCopy ? [{ url: COPY_EXTENSION, valueBoolean: true }] : []),
  ];
}

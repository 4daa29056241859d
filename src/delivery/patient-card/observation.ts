/**
 * One result as an Observation (nl-core-LaboratoryTestResult, formats/fhir.md). Nothing is invented: a code only where
 * the code tables gave one, a Quantity only where the laboratory's text is a number, UCUM only where the unit is known.
 */

import type { CodeableConcept, Extension, Observation, Quantity } from '@medplum/fhirtypes';
import type { FlagMeaning, LabResult, ResultStatus, Specimen } from '../../lab/lab.ts';
import type { CardStatus } from './newest.ts';
import { prune } from './prune.ts';
import {
  AS_SENT_EXTENSION,
  CONFIRMED_EXTENSION,
  COPY_EXTENSION,
  DATA_ABSENT_SYSTEM,
  EDIFACT_REFERENCE_EXTENSION,
  INTERPRETATION_SYSTEM,
  LOINC_SYSTEM,
  NHG_45_SYSTEM,
  OBSERVATION_CATEGORY_SYSTEM,
  RESULT_SYSTEM,
  UCUM_SYSTEM,
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
    extension: extensions(context),
    identifier: [{ system: RESULT_SYSTEM, value: context.identifier }],
    status: STATUSES[status],
    category: categories(result),
    code: codeOf(result),
    subject: { reference: context.subject },
    effectiveDateTime: result.observedAt ?? context.specimen.collectedAt,
    issued: context.version,
    performer: performerOf(context),
    specimen: context.specimenReference === null ? null : { reference: context.specimenReference },
    ...(isRetracted ? retraction() : finding(result, status)),
  });
}

/** A retracted result that follows a value may not leave that value in sight of a reader that ignores the status. */
function retraction(): Pick<Observation, 'note'> {
  return { note: [{ text: RETRACTED_TEXT }] };
}

function finding(result: LabResult, status: ResultStatus): Partial<Observation> {
  // Cancelled: what stands in OBX-5 is a reason, not a value (obs-6: no value beside dataAbsentReason).
  const isCancelled = status === 'cancelled';
  const lines = isCancelled && result.value.text !== null ? [result.value.text, ...result.remarks] : result.remarks;
  const note = lines.join('\n');
  const value = isCancelled ? {} : valueOf(result);
  const isEmpty = !isCancelled && Object.keys(value).length === 0 && note.trim() === '';
  return prune<Partial<Observation>>({
    ...value,
    dataAbsentReason: isCancelled ? { text: CANCELLED_TEXT } : isEmpty ? UNKNOWN : null,
    interpretation: interpretation(result),
    note: note.trim() === '' ? null : [{ text: note }],
    referenceRange: rangeOf(result),
  });
}

const UNKNOWN: CodeableConcept = { coding: [{ system: DATA_ABSENT_SYSTEM, code: 'unknown' }] };

function valueOf(result: LabResult): Pick<Observation, 'valueQuantity' | 'valueString'> {
  const { text, number, comparator } = result.value;
  if (number === null) {
    return text === null || text.trim() === '' ? {} : { valueString: [text, result.unit ?? ''].join(' ').trimEnd() };
  }
  const plain = `${comparator ?? ''}${number}`;
  const valueQuantity = prune<Quantity>({
    extension: text === null || text === plain ? null : [{ url: AS_SENT_EXTENSION, valueString: text }],
    value: number,
    comparator,
    ...unitOf(result),
  });
  return { valueQuantity };
}

// qty-3: a code needs its system, so both come together or not at all.
function unitOf(result: LabResult): Pick<Quantity, 'unit' | 'system' | 'code'> {
  return prune<Quantity>({
    unit: result.unit,
    system: result.unitUcum === null ? null : UCUM_SYSTEM,
    code: result.unitUcum,
  });
}

function rangeOf(result: LabResult): Observation['referenceRange'] {
  const { low, high, text } = result.range;
  if (low === null && high === null && text === null) return undefined;
  const limit = (side: string | null) => (side === null || number(side) === null ? null : quantity(side, result));
  // Always as text too: a limit that is no number (`<5`) has no other place, and digits stay as sent.
  return [prune({ low: limit(low), high: limit(high), text: text ?? rangeText(low, high) })];
}

function rangeText(low: string | null, high: string | null): string {
  if (low !== null && high !== null) return `${low} - ${high}`;
  return low === null ? `tot ${high}` : `vanaf ${low}`;
}

function quantity(text: string, result: LabResult): Quantity {
  return prune<Quantity>({ value: number(text), ...unitOf(result) });
}

function number(text: string): number | null {
  return /^-?\d+([.,]\d+)?$/.test(text.trim()) ? Number(text.trim().replace(',', '.')) : null;
}

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

function extensions(context: ObservationContext): Extension[] {
  const { edifactReference, isCopy } = context;
  return [
    ...(edifactReference === null ? [] : [{ url: EDIFACT_REFERENCE_EXTENSION, valueString: edifactReference }]),
    ...(isCopy ? [{ url: COPY_EXTENSION, valueBoolean: true }] : []),
  ];
}

/** The card's own Observation, made final by a confirmation: its value is not touched. */
export function confirmed(onCard: Observation, version: string): Observation {
  return { ...withConfirmation(onCard, onCard.issued), status: 'final', issued: version };
}

/** An Observation that a confirmation meant: final, under the confirmation's version. */
export function settledBy(confirmation: Observation, meant: Observation): Observation {
  return {
    ...withConfirmation(meant, meant.issued),
    status: 'final',
    ...(confirmation.issued === undefined ? {} : { issued: confirmation.issued }),
  };
}

/** The version whose value was confirmed, or null. */
export function confirmedVersion(observation: Observation): string | null {
  return observation.extension?.find((extension) => extension.url === CONFIRMED_EXTENSION)?.valueInstant ?? null;
}

function withConfirmation(observation: Observation, version: string | undefined): Observation {
  const others = (observation.extension ?? []).filter((extension) => extension.url !== CONFIRMED_EXTENSION);
  if (version === undefined) return { ...observation, extension: others };
  return { ...observation, extension: [...others, { url: CONFIRMED_EXTENSION, valueInstant: version }] };
}

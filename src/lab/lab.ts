/**
 * The door of lab/: a payload goes in, what a laboratory meant comes out as LabReports, whatever format it came in.
 *
 * It promises: what the sender did not say is null, what could not be understood stays as text, nothing is invented,
 * nothing is dropped without a warning or a count. It never touches a network, a database or a clock.
 */

import type { ReasonCode } from '../shared/reasons.ts';

/** Where in a payload something stands. Positions are 1-based: UNB is segment 1 when present, UNA is not counted. */
export interface Position {
  readonly segment: number;
  readonly tag: string;
  /** EDIFACT */
  readonly element?: number;
  /** HL7 */
  readonly field?: number;
  readonly repetition?: number;
  readonly component?: number;
}

/** A deviation that did not stop the reading. `code` is `edifact.…`, `hl7.…` or `lab.…`; never content. */
export interface Warning {
  readonly code: string;
  readonly position: Position | null;
}

export type PayloadFormat =
  | 'medlab-1'
  | 'hl7-oru'
  | 'medrpt-3.2'
  | 'medvri-1'
  | 'medvry-3.1'
  | 'medspe-3.1'
  | 'medspe-1'
  | 'medrad-1'
  | 'zorgmail-xml'
  | 'hl7-other'
  | 'unknown';

/** One UNH..UNT or MSH, read. This is the document that `inspect --json` prints (schema: docs/lab-report.schema.json). */
export interface PayloadReading {
  readonly source: string;
  readonly format: PayloadFormat;
  readonly outcome: 'reports' | 'not-lab' | 'quarantined';
  readonly code: ReasonCode | null;
  readonly position: Position | null;
  readonly warnings: readonly Warning[];
  readonly reports: readonly LabReport[];
}

export interface Hold {
  readonly code: ReasonCode;
  readonly position: Position | null;
}

export interface Party {
  readonly name: string | null;
  /** ZorgMail account number, 8 to 10 digits, or what stands in its place as sent. */
  readonly zorgmail: string | null;
  readonly agb: string | null;
}

export interface PersonName {
  readonly family: string | null;
  readonly prefix: string | null;
  readonly partnerFamily: string | null;
  readonly partnerPrefix: string | null;
  readonly given: string | null;
  readonly initials: string | null;
}

export interface LabPatient {
  /** Nine digits, an 8-digit number left-padded. */
  readonly bsn: string | null;
  /** The 11-test; null iff bsn is null. */
  readonly isBsnValid: boolean | null;
  /** `1980-10-25`, or `1980-10` / `1980` where the day or month is unknown. */
  readonly birthDate: string | null;
  readonly sex: 'male' | 'female' | 'other' | 'unknown';
  readonly name: PersonName;
  readonly otherIds: readonly { readonly value: string; readonly system: string | null }[];
}

export interface DeterminationCode {
  /** As sent, inner blanks kept: BEP.9, or OBX-3.1. */
  readonly raw: string | null;
  readonly memo: string | null;
  readonly material: string | null;
  readonly specification: string | null;
  /** NHG table 45 number, only where a mapping row fits key and unit. */
  readonly nhg: string | null;
  readonly loinc: string | null;
  /** The coding system as sent (OBX-3.3). */
  readonly system: string | null;
  readonly alternatives: readonly {
    readonly code: string;
    readonly text: string | null;
    readonly system: string | null;
  }[];
}

export type ResultStatus = 'final' | 'preliminary' | 'corrected' | 'retracted' | 'cancelled' | 'pending' | 'confirmed';
export type FlagMeaning = 'low' | 'high' | 'abnormal' | 'critical-low' | 'critical-high';

export interface ResultValue {
  /** Always as sent. */
  readonly text: string | null;
  /** Only when the text is a number and the unit is a measuring unit (or the code needs none). */
  readonly number: number | null;
  readonly comparator: '<' | '<=' | '>' | '>=' | null;
}

export interface LabResult {
  readonly kind: 'result' | 'heading';
  /** laboratory|labNumber|year|orderCode|code|subId|ordinal: see lab/key.ts. Never leaves the process undigested. */
  readonly key: string;
  readonly subId: string | null;
  readonly section: string | null;
  readonly name: string;
  readonly code: DeterminationCode;
  readonly value: ResultValue;
  readonly unit: string | null;
  readonly unitUcum: string | null;
  readonly range: { readonly low: string | null; readonly high: string | null; readonly text: string | null };
  readonly flag: { readonly raw: string | null; readonly meaning: FlagMeaning | null };
  /** null: missing or unknown; the report then carries the hold `hl7.status-missing`. */
  readonly status: ResultStatus | null;
  readonly observedAt: string | null;
  readonly remarks: readonly string[];
}

export interface Specimen {
  readonly collectedAt: string | null;
  readonly labNumber: string | null;
  readonly material: string | null;
  readonly volume: string | null;
  readonly isComplete: boolean | null;
  readonly orderCode: string | null;
  readonly issuedAt: string | null;
  readonly remarks: readonly string[];
  readonly results: readonly LabResult[];
  readonly pending: readonly { readonly name: string; readonly remarks: readonly string[] }[];
}

export interface LabAttachment {
  readonly contentType: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface LabReport {
  readonly references: { readonly interchange: string | null; readonly message: string | null };
  readonly sentAt: string | null;
  readonly isTest: boolean;
  /** Id in the laboratory registry, or null. */
  readonly laboratory: string | null;
  readonly holds: readonly Hold[];
  readonly sender: Party;
  readonly recipient: Party;
  readonly requester: { readonly name: string | null; readonly type: string | null; readonly code: string | null };
  readonly copy: { readonly direction: 'to' | 'from'; readonly names: readonly string[] } | null;
  readonly patient: LabPatient;
  readonly specimens: readonly Specimen[];
  readonly comments: readonly string[];
  readonly attachments: readonly LabAttachment[];
  /** What was there and is not a result, e.g. { code: 'hl7.order-only', count: 1 }. */
  readonly notCarried: readonly { readonly code: string; readonly count: number }[];
}

export { mentionsBsn, readBsn } from './bsn.ts';
export type { Determinations } from './codes/codes.ts';
export { keyOfLaboratory, keyWithOrdinal, normalisedName, partsOfKey, scopedKey } from './key.ts';
export { codeListOf, type Laboratory, type LaboratoryRegistry, laboratoryOfSender } from './laboratories.ts';
export { readMailContents, readPayloadAttachments } from './read-mail.ts';
export { readPayload } from './read-payload.ts';
export { loadLaboratoryRegistry } from './registry.ts';
export { type UncodedCount, uncodedOf, type WhyUncoded } from './uncoded.ts';

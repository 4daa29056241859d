/**
 * The door of delivery/patient-card: a report goes to the card of the right patient in cKIS (FHIR R4).
 *
 * It promises: the card is found by BSN among the practice's own active cards and checked against birth date and name;
 * an older value never replaces a newer one; writing the same report again changes nothing. Every step may be repeated,
 * because each write reads what is on the card first and is conditional on what it read.
 * It never creates a patient, never moves a result to another patient, and never puts a BSN in a URL.
 */

import type { LabPatient, LabReport, PayloadFormat, Warning } from '../../lab/lab.ts';
import type { ReasonCode } from '../../shared/reasons.ts';

/** A card: the id of a Patient resource in cKIS. */
export interface Card {
  readonly patientId: string;
}

export type CardAnswer =
  | { readonly kind: 'card'; readonly card: Card; readonly warnings: readonly Warning[] }
  /** Not followed by this practice (or its card has ended). */
  | { readonly kind: 'none' }
  | { readonly kind: 'held'; readonly code: ReasonCode };

/** The card that a person named for a report, and the doubts about identity that they decided on. */
export interface NamedCard extends Card {
  readonly overridden: readonly ReasonCode[];
}

/** What the report is, apart from its content: what the resources are traced back with. */
export interface ReportTrace {
  readonly reportId: string;
  readonly mailId: string;
  /** ISO 8601 with offset: which of two reports is newer (sentAt, else the earliest INTERNALDATE of these bytes). */
  readonly version: string;
  readonly practiceAgb: string;
}

export interface WrittenResource {
  readonly resourceType: 'Observation' | 'DiagnosticReport';
  readonly id: string;
  readonly versionId: string | null;
  /** unchanged: already there in this version. older: the card holds a newer one, nothing was written. */
  readonly outcome: 'created' | 'updated' | 'unchanged' | 'older';
}

export type WriteAnswer =
  | { readonly kind: 'written'; readonly resources: readonly WrittenResource[] }
  | { readonly kind: 'held'; readonly code: ReasonCode; readonly detail: string | null };

export interface ReportContent {
  readonly report: LabReport;
  /** What the report came in: for MEDLAB the lab number is also named as the EDIFACT reference. */
  readonly format?: PayloadFormat;
  /** The documents themselves, by sha256 as in `report.attachments`. */
  readonly attachments: ReadonlyMap<string, { readonly contentType: string; readonly bytes: Buffer }>;
  /** How many results, and other texts, the practice chose not to forward; said on the report, never their content. */
  readonly withheldCount: number;
}

export interface PatientCard {
  /** Whether the target says of itself that it is a sandbox (/metadata). */
  isSandbox(): Promise<boolean>;
  find(patient: LabPatient, practiceAgb: string): Promise<CardAnswer>;
  /**
   * The card that a person named. It must be an active card of this practice, and of this BSN where the report has a
   * valid one; of the doubts about identity only those that the person overrode are passed over. Never answers `none`.
   */
  findById(
    patientId: string,
    patient: LabPatient,
    practiceAgb: string,
    overridden: readonly ReasonCode[],
  ): Promise<CardAnswer>;
  write(card: Card, content: ReportContent, trace: ReportTrace): Promise<WriteAnswer>;
  /** How many of the report's results are not there in this version or a newer one: asked after an unknown outcome. */
  countMissing(content: ReportContent, trace: ReportTrace, card: Card | null): Promise<number>;
}

export { type OpenPatientCard, openPatientCard, type PatientCardOptions } from './open-patient-card.ts';
export {
  AGB_SYSTEM,
  BSN_SYSTEM,
  OWN_NAME_EXTENSION,
  OWN_PREFIX_EXTENSION,
  PARTNER_NAME_EXTENSION,
  PARTNER_PREFIX_EXTENSION,
  RESULT_SYSTEM,
  SANDBOX_STATEMENT_URL,
} from './systems.ts';

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
  /**
   * What a result or report is called on the card where that is not what its own key gives: from the digest of the key to
   * the identifier. A determination that got another code, or a lab number that is used anew, keeps its own row so.
   */
  readonly identifiers?: ReadonlyMap<string, string>;
}

/** What was delivered under a lab number and must be taken back: identifiers on the card. */
export interface Retraction {
  readonly results: readonly string[];
  readonly reports: readonly string[];
  /** When it was decided (ISO 8601): older values never come back. */
  readonly version: string;
  /** For the trace: the delivery on whose account this is. */
  readonly deliveryId: string;
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
  /**
   * Takes back what stands under these identifiers on this card (null: whoever's it is; a board has ids of its own):
   * entered in error, without value, text or document, with a note. What is not there, or retracted already, stays as it
   * is; what stands on another card holds. May be repeated.
   */
  retract(card: Card | null, retraction: Retraction): Promise<WriteAnswer>;
  /** How many of them are still in sight there. */
  countUnretracted(retraction: Retraction): Promise<number>;
  /** How many of the report's results are not there in this version or a newer one: asked after an unknown outcome. */
  countMissing(content: ReportContent, trace: ReportTrace, card: Card | null): Promise<number>;
}

export { strainOf } from './http-failures.ts';
export { type OpenPatientCard, openPatientCard, type PatientCardOptions } from './open-patient-card.ts';
export { reportGroups } from './report-key.ts';
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

/** A report before it is written: what the laboratory means, in the spelling that the sender uses, in no format yet. */

import type { SandboxPatient, SandboxPractice } from '../people.ts';
import type { Sender } from './senders.ts';

export type ReportKind = 'new' | 'correction' | 'resend' | 'preliminary' | 'final';

export interface DraftResult {
  readonly name: string;
  /** BEP.9 or OBX-3.1. */
  readonly code: string;
  /** OBX-3.3. */
  readonly system: 'NHG45' | 'L';
  readonly loinc: string | null;
  /** OBX-4: tells repeats of one code apart. */
  readonly subId: string | null;
  /** `coded` is a code with its text, `lines` a text of several lines. */
  readonly type: 'number' | 'text' | 'coded' | 'lines';
  readonly text: string;
  readonly unit: string | null;
  readonly low: string | null;
  readonly high: string | null;
  /** Against the range; an antibiogram's letter is none of these. */
  readonly flag: 'low' | 'high' | null;
  /** OBX-8 where it is no flag of the range: R or S. */
  readonly susceptibility: string | null;
  readonly status: 'final' | 'preliminary' | 'corrected';
  readonly remarks: readonly string[];
}

export interface DraftSpecimen {
  readonly material: string;
  readonly orderCode: string;
  readonly orderName: string;
  /** SEC of MEDLAB, where the laboratory uses sections. */
  readonly section: string | null;
  /** `2026-11-16` and `08:10`, local; null: the laboratory gives a date only. */
  readonly collectedDay: string;
  readonly collectedTime: string | null;
  readonly remarks: readonly string[];
  readonly results: readonly DraftResult[];
  readonly pending: readonly DraftResult[];
}

/** One state of a request: what one mail says of it. */
export interface DraftVersion {
  readonly kind: ReportKind;
  readonly specimens: readonly DraftSpecimen[];
}

/** What stays the same in every mail about one request. */
export interface DraftRequest {
  readonly sender: Sender;
  readonly practice: SandboxPractice;
  readonly person: SandboxPatient;
  readonly labNumber: string;
  /** Who gets a copy, besides the practice. */
  readonly copyTo: string | null;
  readonly versions: readonly DraftVersion[];
}

/** A version on its way. */
export interface DraftReport {
  readonly request: DraftRequest;
  readonly version: DraftVersion;
  readonly sentAt: Date;
  /** UNB.5, MSH-10: another one in every mail of a laboratory. */
  readonly reference: string;
}

/**
 * Which of two versions of one result a card must show: the clinical heart of the delivery, and a pure function.
 * Rules: formats/lab-report.md, "Version" and "Status". The order in which mails arrive must not change the outcome:
 *
 * - a newer version replaces, an older one never wins, receipt never decides;
 * - a preliminary result never stands over a final or corrected one, whatever their times, nor over a retraction or
 *   cancellation: else a final of before the retraction could come back over it (F, D, P in the order D, P, F). One that was
 *   sent after it is a doubt: a person decides;
 * - at one moment two different values are a doubt: the one marked corrected wins, else a person decides;
 * - a retraction is remembered even if the result was never seen, so that a late original cannot come back, and of its own
 *   moment nothing but a retraction stands;
 * - what a confirmation made final is as old as its value: what was sent between the two is newer.
 */

import type { ResultStatus } from '../../lab/lab.ts';
import type { ReasonCode } from '../../shared/reasons.ts';

/** FHIR R4 ObservationStatus. */
export type CardStatus =
  | 'registered'
  | 'preliminary'
  | 'final'
  | 'amended'
  | 'corrected'
  | 'cancelled'
  | 'entered-in-error'
  | 'unknown';

/** One result as the card has it. */
export interface ResultOnCard {
  readonly patientId: string | null;
  readonly status: CardStatus;
  /** Observation.issued, our version; null on a resource that somebody changed beyond recognition. */
  readonly version: string | null;
  /** Everything of the result that a clinician reads, in one comparable text. */
  readonly content: string;
  /** The version whose value a confirmation made final; null if none did. */
  readonly confirmedVersion: string | null;
}

export interface IncomingResult {
  /** null: the caller does not know the patient's id there (a check of a board). */
  readonly patientId: string | null;
  readonly status: ResultStatus;
  readonly version: string;
  readonly content: string;
}

export type Decision =
  | { readonly kind: 'create' }
  | { readonly kind: 'replace' }
  /** The card's own value becomes final. */
  | { readonly kind: 'confirm' }
  /** This is the value that an earlier arrived confirmation meant: it is written as final, under the confirmation's version. */
  | { readonly kind: 'replace-confirmed' }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'older' }
  | { readonly kind: 'held'; readonly code: ReasonCode };

/** What to do with an incoming result, given what the card has under the same key (null: nothing). */
export function newest(onCard: ResultOnCard | null, incoming: IncomingResult): Decision {
  if (onCard === null) return incoming.status === 'confirmed' ? held('hl7.nothing-to-confirm') : { kind: 'create' };
  if (incoming.patientId !== null && onCard.patientId !== incoming.patientId) return held('card.other-subject');
  if (onCard.version === null || Number.isNaN(Date.parse(onCard.version))) return held('lab.same-time-conflict');
  const age = Math.sign(Date.parse(incoming.version) - Date.parse(onCard.version));
  if (Number.isNaN(age)) return held('lab.same-time-conflict');
  if (incoming.status === 'confirmed') return confirmation(onCard, age);
  if (isOpen(incoming.status)) return opened(onCard, incoming, age);
  if (isOpenOnCard(onCard.status)) return { kind: 'replace' };
  return onCard.confirmedVersion === null ? byAge(onCard, incoming, age) : overConfirmed(onCard, incoming);
}

// Preliminary or pending: it never replaces what is not. Sent after a retraction it says that there is a value again, and
// cannot be shown: what was retracted, coming late, would replace it as final.
function opened(onCard: ResultOnCard, incoming: IncomingResult, age: number): Decision {
  if (isOpenOnCard(onCard.status)) return byAge(onCard, incoming, age);
  if (isSettledOnCard(onCard.status)) {
    return isMeantByConfirmation(onCard, incoming, age) ? { kind: 'replace-confirmed' } : { kind: 'older' };
  }
  if (age < 0) return { kind: 'older' };
  return held(age > 0 ? 'lab.preliminary-after-retraction' : 'lab.same-time-conflict');
}

// OBX-11 = U says "what you hold is final" and carries no value of its own.
function confirmation(onCard: ResultOnCard, age: number): Decision {
  if (onCard.status === 'entered-in-error' || onCard.status === 'cancelled') {
    return age < 0 ? { kind: 'older' } : held('hl7.nothing-to-confirm');
  }
  if (!isOpenOnCard(onCard.status)) return { kind: 'unchanged' };
  // The value that was meant is not here: it came before this one, or is still to come.
  return age < 0 ? held('hl7.nothing-to-confirm') : { kind: 'confirm' };
}

// P1, P2, U3 may arrive as P1, U3, P2: the confirmation then settled the wrong value, and P2 puts that right.
function isMeantByConfirmation(onCard: ResultOnCard, incoming: IncomingResult, age: number): boolean {
  const confirmed = onCard.confirmedVersion;
  return confirmed !== null && age <= 0 && Date.parse(incoming.version) > Date.parse(confirmed);
}

// A confirmation renews no value: what was sent with or after the preliminary value that it made final replaces that.
function overConfirmed({ confirmedVersion }: ResultOnCard, incoming: IncomingResult): Decision {
  const age = Date.parse(incoming.version) - Date.parse(confirmedVersion ?? '');
  if (Number.isNaN(age)) return held('lab.same-time-conflict');
  return { kind: age < 0 ? 'older' : 'replace' };
}

function byAge(onCard: ResultOnCard, incoming: IncomingResult, age: number): Decision {
  if (age > 0) return { kind: 'replace' };
  return age < 0 ? { kind: 'older' } : sameMoment(onCard, incoming);
}

function sameMoment(onCard: ResultOnCard, incoming: IncomingResult): Decision {
  const isRetracted = onCard.status === 'entered-in-error';
  if (incoming.status === 'retracted') return { kind: isRetracted ? 'unchanged' : 'replace' };
  if (isRetracted) return held('lab.same-time-conflict');
  const isSame =
    (onCard.status === 'cancelled') === (incoming.status === 'cancelled') && onCard.content === incoming.content;
  const isCorrected = incoming.status === 'corrected';
  if (isCorrected === isCorrectedOnCard(onCard.status)) {
    return isSame ? { kind: 'unchanged' } : held('lab.same-time-conflict');
  }
  if (isCorrected) return { kind: 'replace' };
  return { kind: isSame ? 'unchanged' : 'older' };
}

function isOpen(status: ResultStatus): boolean {
  return status === 'preliminary' || status === 'pending';
}

function isOpenOnCard(status: CardStatus): boolean {
  return status === 'preliminary' || status === 'registered' || status === 'unknown';
}

function isSettledOnCard(status: CardStatus): boolean {
  return status === 'final' || isCorrectedOnCard(status);
}

function isCorrectedOnCard(status: CardStatus): boolean {
  return status === 'corrected' || status === 'amended';
}

function held(code: ReasonCode): Decision {
  return { kind: 'held', code };
}

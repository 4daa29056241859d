/**
 * Which of two versions of one result a card must show: the clinical heart of the delivery, and a pure function.
 * Rules: formats/lab-report.md, "Version" and "Status". The order in which mails arrive must not change the outcome:
 *
 * - a newer version replaces, an older one never wins, receipt never decides;
 * - a preliminary result never stands over a final or corrected one, whatever their times;
 * - at one moment two different values are a doubt: the one marked corrected wins, else a person decides;
 * - a retraction is remembered even if the result was never seen, so that a late original cannot come back.
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
  if (isSettledOnCard(onCard.status) && isOpen(incoming.status)) {
    return isMeantByConfirmation(onCard, incoming, age) ? { kind: 'replace-confirmed' } : { kind: 'older' };
  }
  if (isOpenOnCard(onCard.status) && isSettled(incoming.status)) return { kind: 'replace' };
  return byAge(onCard, incoming, age);
}

// OBX-11 = U says "what you hold is final" and carries no value of its own.
function confirmation(onCard: ResultOnCard, age: number): Decision {
  if (onCard.status === 'entered-in-error' || onCard.status === 'cancelled') {
    return age < 0 ? { kind: 'older' } : held('hl7.nothing-to-confirm');
  }
  if (!isOpenOnCard(onCard.status)) return { kind: 'unchanged' };
  return age < 0 ? { kind: 'older' } : { kind: 'confirm' };
}

// P1, P2, U3 may arrive as P1, U3, P2: the confirmation then settled the wrong value, and P2 puts that right.
function isMeantByConfirmation(onCard: ResultOnCard, incoming: IncomingResult, age: number): boolean {
  const confirmed = onCard.confirmedVersion;
  return confirmed !== null && age <= 0 && Date.parse(incoming.version) > Date.parse(confirmed);
}

function byAge(onCard: ResultOnCard, incoming: IncomingResult, age: number): Decision {
  if (age > 0) return { kind: 'replace' };
  return age < 0 ? { kind: 'older' } : sameMoment(onCard, incoming);
}

function sameMoment(onCard: ResultOnCard, incoming: IncomingResult): Decision {
  const isRetracted = onCard.status === 'entered-in-error';
  if (incoming.status === 'retracted') return { kind: isRetracted ? 'unchanged' : 'replace' };
  const isSame =
    !isRetracted &&
    (onCard.status === 'cancelled') === (incoming.status === 'cancelled') &&
    onCard.content === incoming.content;
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

function isSettled(status: ResultStatus): boolean {
  return status === 'final' || status === 'corrected';
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

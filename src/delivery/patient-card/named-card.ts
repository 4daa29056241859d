/**
 * The card that a person named to end a doubt about identity. Only the doubts that were decided on are passed over: the
 * card must still be an active one of this practice and of this BSN, so that a slip of the keyboard reaches nobody's card.
 */

import type { Patient } from '@medplum/fhirtypes';
import type { LabPatient } from '../../lab/lab.ts';
import type { ReasonCode } from '../../shared/reasons.ts';
import type { FhirClient } from './fhir-client.ts';
import type { CardAnswer, NamedCard } from './patient-card.ts';
import { cardsOfBsn, hasBsn, isActiveAt } from './patient-search.ts';
import { type Difference, differences } from './same-person.ts';
import { BSN_SYSTEM } from './systems.ts';

/** FHIR R4 datatypes, id. */
const FHIR_ID = /^[A-Za-z0-9.-]{1,64}$/;

/** Where a named card may be, and what it must be. */
export interface NamedCardQuestion {
  readonly patient: LabPatient;
  readonly practiceAgb: string;
  /** Whether cards of test people are not to be written to. */
  readonly isRealTarget: () => Promise<boolean>;
}

/** The named card, or why the report must wait again. */
export async function findNamedCard(
  client: FhirClient,
  { patientId, overridden }: NamedCard,
  { patient, practiceAgb, isRealTarget }: NamedCardQuestion,
): Promise<CardAnswer> {
  const card = await readCard(client, patientId);
  if (card === null || !isActiveAt(card, practiceAgb)) return held('card.override-unknown');
  if (isTestCard(card) && (await isRealTarget())) return held('card.sandbox-person');
  const different = differences(patient, card);
  const doubts = [...(await doubtsAboutBsn(client, patient, card, practiceAgb)), ...different.flatMap(asDoubt)];
  const open = doubts.find((doubt) => !overridden.includes(doubt));
  if (open !== undefined) return held(open);
  const warnings = different.includes('sex-differs') ? [{ code: 'card.sex-differs', position: null }] : [];
  return { kind: 'card', card: { patientId }, warnings };
}

// Nobody can override `card.override-other-bsn`: it is no reason that allows it.
async function doubtsAboutBsn(
  client: FhirClient,
  patient: LabPatient,
  card: Patient,
  practiceAgb: string,
): Promise<readonly ReasonCode[]> {
  const { bsn } = patient;
  if (bsn === null) return ['lab.no-bsn'];
  if (patient.isBsnValid !== true) return ['lab.bsn-invalid'];
  if (!hasBsn(card, bsn)) return ['card.override-other-bsn'];
  return (await cardsOfBsn(client, bsn, practiceAgb)).length > 1 ? ['card.several'] : [];
}

function asDoubt(difference: Difference): readonly ReasonCode[] {
  return difference === 'sex-differs' ? [] : [`card.${difference}`];
}

function isTestCard(card: Patient): boolean {
  return (card.identifier ?? []).some(({ system, value }) => system === BSN_SYSTEM && value?.startsWith('999'));
}

// By a search with a body and not by address: what a person typed may be a BSN, and no BSN is ever part of a URL.
async function readCard(client: FhirClient, patientId: string): Promise<Patient | null> {
  if (!FHIR_ID.test(patientId)) return null;
  const found = await client.search<Patient>('Patient', { _id: patientId });
  return found.find((card) => card.id === patientId) ?? null;
}

function held(code: ReasonCode): CardAnswer {
  return { kind: 'held', code };
}

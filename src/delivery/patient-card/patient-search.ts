/**
 * Finding the card of a report's patient. The server is asked by BSN only; which of its answers counts is decided here,
 * so that a server that ignores a criterion can never hand us another practice's card.
 */

import type { Organization, Patient } from '@medplum/fhirtypes';
import type { LabPatient } from '../../lab/lab.ts';
import type { FhirClient } from './fhir-client.ts';
import type { CardAnswer } from './patient-card.ts';
import { isSameBirthDate, likeness } from './same-person.ts';
import { AGB_SYSTEM, BSN_SYSTEM } from './systems.ts';

const NONE: CardAnswer = { kind: 'none' };

/** The card of this patient at this practice, or why there is none to write to. */
export async function findCard(client: FhirClient, patient: LabPatient, practiceAgb: string): Promise<CardAnswer> {
  const { bsn } = patient;
  if (bsn === null || patient.isBsnValid !== true) return withoutBsn(client, patient, practiceAgb);
  const [card, ...more] = await cardsOfBsn(client, bsn, practiceAgb);
  if (card?.id === undefined) return NONE;
  if (more.length > 0) return { kind: 'held', code: 'card.several' };
  return compared(patient, card, card.id);
}

/** The active cards of this practice with this BSN. */
export async function cardsOfBsn(client: FhirClient, bsn: string, practiceAgb: string): Promise<readonly Patient[]> {
  const found = await client.search<Patient>('Patient', { identifier: `${BSN_SYSTEM}|${bsn}` });
  return distinct(found.filter((card) => hasBsn(card, bsn) && isActiveAt(card, practiceAgb)));
}

function compared(patient: LabPatient, card: Patient, patientId: string): CardAnswer {
  switch (likeness(patient, card)) {
    case 'birth-date-differs':
      return { kind: 'held', code: 'card.birth-date-differs' };
    case 'name-differs':
      return { kind: 'held', code: 'card.name-differs' };
    case 'sex-differs':
      return { kind: 'card', card: { patientId }, warnings: [{ code: 'card.sex-differs', position: null }] };
    case 'same':
      return { kind: 'card', card: { patientId }, warnings: [] };
  }
}

/**
 * Without a usable BSN nobody is identified, but if the practice follows somebody of this birth date, it may be about
 * that person: then a person must look. Without a birth date too, it may be about anybody.
 */
async function withoutBsn(client: FhirClient, patient: LabPatient, practiceAgb: string): Promise<CardAnswer> {
  const held: CardAnswer = { kind: 'held', code: patient.bsn === null ? 'lab.no-bsn' : 'lab.bsn-invalid' };
  const { birthDate } = patient;
  if (birthDate === null) return held;
  const organization = await practiceReference(client, practiceAgb);
  const found = await client.search<Patient>('Patient', {
    birthdate: birthDate,
    ...(organization === null ? {} : { organization }),
  });
  const isFollowed = found.some((card) => isActiveAt(card, practiceAgb) && isSameBirthDate(birthDate, card.birthDate));
  return isFollowed ? held : NONE;
}

// Keeps other practices' patients out of the answer; where cKIS has no Organization resource, isActiveAt() does alone.
async function practiceReference(client: FhirClient, practiceAgb: string): Promise<string | null> {
  const found = await client.search<Organization>('Organization', { identifier: `${AGB_SYSTEM}|${practiceAgb}` });
  const practice = found.find((organization) =>
    organization.identifier?.some(({ system, value }) => system === AGB_SYSTEM && value === practiceAgb),
  );
  return practice?.id === undefined ? null : `Organization/${practice.id}`;
}

export function hasBsn(card: Patient, bsn: string): boolean {
  return (card.identifier ?? []).some(({ system, value }) => system === BSN_SYSTEM && value === bsn);
}

/** A card of another practice, or an ended one, counts as none. */
export function isActiveAt(card: Patient, practiceAgb: string): boolean {
  const practice = card.managingOrganization?.identifier;
  return card.active !== false && practice?.system === AGB_SYSTEM && practice.value === practiceAgb;
}

function distinct(cards: readonly Patient[]): readonly Patient[] {
  return [...new Map(cards.map((card) => [card.id, card])).values()];
}

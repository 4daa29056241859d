/** What is in a sandbox server before the first report: the practices, and the patients they follow. */

import type { Extension, Organization, Patient } from '@medplum/fhirtypes';
import {
  AGB_SYSTEM,
  BSN_SYSTEM,
  OWN_NAME_EXTENSION,
  OWN_PREFIX_EXTENSION,
  PARTNER_NAME_EXTENSION,
  PARTNER_PREFIX_EXTENSION,
} from '../../delivery/patient-card/patient-card.ts';
import type { SandboxPatient, SandboxPractice } from '../people.ts';
import type { SandboxRepository } from './repository.ts';

/** Organization and Patient resources; patients of practices that are not given, or followed nowhere, get no card. */
export async function populate(
  repository: SandboxRepository,
  practices: readonly SandboxPractice[],
  people: readonly SandboxPatient[],
): Promise<void> {
  for (const practice of practices) {
    const organization = await repository.createResource<Organization>(organizationOf(practice));
    for (const person of people.filter(({ followedBy }) => followedBy === practice.key)) {
      await repository.createResource<Patient>(patientOf(person, practice, organization.id));
    }
  }
}

function organizationOf(practice: SandboxPractice): Organization {
  return {
    resourceType: 'Organization',
    identifier: [{ system: AGB_SYSTEM, value: practice.agb }],
    active: true,
    name: practice.name,
  };
}

/** A card: active, of one practice (AGB as a logical reference), with a Dutch name in its parts. */
export function patientOf(person: SandboxPatient, practice: SandboxPractice, organizationId: string): Patient {
  return {
    resourceType: 'Patient',
    active: true,
    identifier: [{ system: BSN_SYSTEM, value: person.bsn }],
    name: [
      {
        use: 'official',
        family: familyName(person),
        ...{ _family: { extension: nameParts(person) } },
        given: [person.given],
      },
    ],
    gender: person.sex,
    birthDate: person.birthDate,
    managingOrganization: {
      reference: `Organization/${organizationId}`,
      identifier: { system: AGB_SYSTEM, value: practice.agb },
      display: practice.name,
    },
  };
}

// Partner's name first, as Dutch married names are written.
function familyName(person: SandboxPatient): string {
  const own = [person.prefix, person.family].filter((part) => part !== null).join(' ');
  const partner = [person.partnerPrefix, person.partnerFamily].filter((part) => part !== null).join(' ');
  return partner === '' ? own : `${partner}-${own}`;
}

function nameParts(person: SandboxPatient): Extension[] {
  const parts: readonly (readonly [string, string | null])[] = [
    [OWN_PREFIX_EXTENSION, person.prefix],
    [OWN_NAME_EXTENSION, person.family],
    [PARTNER_PREFIX_EXTENSION, person.partnerPrefix],
    [PARTNER_NAME_EXTENSION, person.partnerFamily],
  ];
  return parts.flatMap(([url, valueString]) => (valueString === null ? [] : [{ url, valueString }]));
}

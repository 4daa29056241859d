/** The material of a lab number as a Specimen; created once, never changed (ifNoneExist). */

import type { Specimen as FhirSpecimen } from '@medplum/fhirtypes';
import type { Specimen } from '../../lab/lab.ts';
import { prune } from './prune.ts';
import { SPECIMEN_SYSTEM } from './systems.ts';

export function toSpecimen(specimen: Specimen, identifier: string, subject: string): FhirSpecimen {
  return prune<FhirSpecimen>({
    resourceType: 'Specimen',
    identifier: [{ system: SPECIMEN_SYSTEM, value: identifier }],
    accessionIdentifier: prune({ value: specimen.labNumber }),
    type: prune({ text: specimen.material }),
    subject: { reference: subject },
    collection: prune({ collectedDateTime: specimen.collectedAt }),
    note: specimen.volume === null ? null : [{ text: `Volume: ${specimen.volume}` }],
  });
}

/**
 * What makes it the same Specimen. The patient is part of it: a lab number that is used again for somebody else must
 * never lead to the first one's material.
 */
export function specimenKey(specimen: Specimen, reportKey: string, patientId: string): string {
  return JSON.stringify(['specimen', reportKey, patientId, specimen.material, specimen.collectedAt]);
}

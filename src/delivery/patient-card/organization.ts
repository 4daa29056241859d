/** The laboratory as an Organization, found by its AGB or by its id in our registry; created once (ifNoneExist). */

import type { Identifier, Organization } from '@medplum/fhirtypes';
import type { LabReport } from '../../lab/lab.ts';
import { prune } from './prune.ts';
import { AGB_SYSTEM, LABORATORY_SYSTEM } from './systems.ts';

/** null when the report does not say from whom it came in a way that can be found again. */
export function toOrganization(report: LabReport): Organization | null {
  const identifier = laboratoryIdentifier(report);
  if (identifier === null) return null;
  return prune<Organization>({
    resourceType: 'Organization',
    identifier: [identifier],
    name: report.sender.name ?? report.laboratory ?? report.sender.zorgmail,
  });
}

function laboratoryIdentifier({ laboratory, sender }: LabReport): Identifier | null {
  if (sender.agb !== null && sender.agb !== '') return { system: AGB_SYSTEM, value: sender.agb };
  const value = laboratory ?? sender.zorgmail;
  return value === null || value === '' ? null : { system: LABORATORY_SYSTEM, value };
}

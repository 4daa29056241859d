/** GET /metadata. `url` is what makes a target a sandbox in the eyes of delivery/patient-card. */

import type { CapabilityStatement } from '@medplum/fhirtypes';
import { SANDBOX_STATEMENT_URL } from '../../delivery/patient-card/patient-card.ts';

const TYPES = ['Patient', 'Organization', 'Observation', 'DiagnosticReport', 'Specimen', 'Provenance'] as const;

export function capabilityStatement(name: string, url: string): CapabilityStatement {
  return {
    resourceType: 'CapabilityStatement',
    url: SANDBOX_STATEMENT_URL,
    status: 'active',
    date: '2026-01-01',
    kind: 'instance',
    software: { name: 'zorgkoerier sandbox' },
    implementation: { description: `${name} of the zorgkoerier sandbox: invented patients only`, url },
    fhirVersion: '4.0.1',
    format: ['json'],
    rest: [
      {
        mode: 'server',
        interaction: [{ code: 'transaction' }],
        resource: TYPES.map((type) => ({
          type,
          interaction: [{ code: 'create' }, { code: 'read' }, { code: 'update' }, { code: 'search-type' }],
          versioning: 'versioned-update',
          conditionalCreate: true,
        })),
      },
    ],
  };
}

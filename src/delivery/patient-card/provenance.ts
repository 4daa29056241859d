/** Where the resources of one write came from: the mail and the report in our ledger, and the sender's references. */

import type { Provenance, ProvenanceEntity } from '@medplum/fhirtypes';
import type { LabReport } from '../../lab/lab.ts';
import type { ReportTrace } from './patient-card.ts';
import { prune } from './prune.ts';
import { LEDGER_REPORT_SYSTEM, MAIL_SYSTEM, SENDER_REFERENCE_SYSTEM } from './systems.ts';

export function toProvenance(
  targets: readonly string[],
  report: LabReport,
  trace: ReportTrace,
  recorded: Date,
): Provenance {
  const { interchange, message } = report.references;
  return prune<Provenance>({
    resourceType: 'Provenance',
    target: targets.map((reference) => ({ reference })),
    recorded: recorded.toISOString(),
    agent: [
      { type: { text: 'assembler' }, who: { display: 'zorgkoerier' } },
      ...(report.sender.name === null ? [] : [{ type: { text: 'author' }, who: { display: report.sender.name } }]),
    ],
    entity: [
      source(MAIL_SYSTEM, trace.mailId),
      source(LEDGER_REPORT_SYSTEM, trace.reportId),
      ...[...new Set([interchange, message])].flatMap((reference) =>
        reference === null || reference === '' ? [] : [source(SENDER_REFERENCE_SYSTEM, reference)],
      ),
    ],
  });
}

function source(system: string, value: string): ProvenanceEntity {
  return { role: 'source', what: { identifier: { system, value } } };
}

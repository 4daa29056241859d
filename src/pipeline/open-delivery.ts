/** A claimed delivery, opened: its practice, its content under the practice's key, reduced to what the practice chose. */

import type { ReportContent, ReportTrace } from '../delivery/patient-card/patient-card.ts';
import type { LabReport, PayloadFormat } from '../lab/lab.ts';
import { findPractices, type Integration, integrationsOf, type Practice } from '../practice/practice.ts';
import type { ClaimedDelivery } from '../records/records.ts';
import { Failure } from '../shared/failure.ts';
import { openReport } from './content.ts';
import { withChosenDeterminations } from './determinations.ts';
import type { Courier } from './pipeline.ts';
import { perLedger, TOGETHER_MOST, together } from './together.ts';

/** A delivery with all it needs: opened, and reduced to what the practice chose. */
export interface OpenDelivery {
  readonly claim: ClaimedDelivery;
  readonly leaseToken: string;
  readonly practice: Practice;
  readonly integration: Integration;
  readonly content: ReportContent;
  /** The report as it came, before the practice's choice. */
  readonly whole: LabReport;
  /** What the practice's choice left: nothing at all, or something. */
  readonly isAnythingLeft: boolean;
  readonly trace: ReportTrace;
}

interface AskedPractice {
  readonly practice: Practice | undefined;
  readonly integration: Integration | undefined;
}

// Asked anew for every delivery, after it was claimed: a practice that was paused a moment ago is found paused.
const practices = perLedger(({ ledger }) =>
  together(
    async (ids: readonly string[]): Promise<readonly AskedPractice[]> => {
      const different = [...new Set(ids)];
      const found = await findPractices(ledger, different);
      const integrations = await integrationsOf(ledger, different, 'forwarding');
      const byId = new Map<string, Practice>(found.map((practice) => [practice.id, practice]));
      return ids.map((id) => ({ practice: byId.get(id), integration: integrations.get(id) }));
    },
    { most: TOGETHER_MOST },
  ),
);

export async function openDelivery(
  courier: Courier,
  claim: ClaimedDelivery,
  leaseToken: string,
): Promise<OpenDelivery> {
  const { practice, integration } = await practices(courier)(claim.practiceId);
  if (practice === undefined || integration === undefined) throw defect('pipeline.practice-unknown', claim);
  if (claim.content === null) throw defect('pipeline.content-erased', claim);
  const stored = await openReport(courier.keys, claim.reportId, claim.practiceId, claim.content);
  const chosen = withChosenDeterminations(stored, integration.determinations ?? 'all');
  const trace = { reportId: claim.reportId, mailId: claim.mailId, version: claim.version, practiceAgb: practice.agb };
  return {
    claim,
    leaseToken,
    practice,
    integration,
    whole: stored.report,
    content: {
      ...chosen.content,
      format: claim.format as PayloadFormat,
      ...(claim.identifiers === null ? {} : { identifiers: claim.identifiers }),
    },
    isAnythingLeft: chosen.isAnythingLeft,
    trace,
  };
}

function defect(code: string, claim: ClaimedDelivery): Failure {
  return new Failure(code, { kind: 'defect', fields: { report: claim.reportId } });
}

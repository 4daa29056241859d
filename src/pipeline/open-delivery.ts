/** A claimed delivery, opened: its practice, its content under the practice's key, reduced to what the practice chose. */

import type { ReportContent, ReportTrace } from '../delivery/patient-card/patient-card.ts';
import type { LabReport, PayloadFormat } from '../lab/lab.ts';
import { type Integration, type Practice, type PracticeWithIntegration, practicesWith } from '../practice/practice.ts';
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

// Asked anew for every delivery, after it was claimed: a practice that was paused a moment ago is found paused.
const practices = perLedger(({ ledger }) =>
  together(
    async (ids: readonly string[]): Promise<readonly (PracticeWithIntegration | undefined)[]> => {
      const found = await practicesWith(ledger, [...new Set(ids)], 'forwarding');
      return ids.map((id) => found.get(id));
    },
    { most: TOGETHER_MOST },
  ),
);

export async function openDelivery(
  courier: Courier,
  claim: ClaimedDelivery,
  leaseToken: string,
): Promise<OpenDelivery> {
  const found = await practices(courier)(claim.practiceId);
  if (found === undefined) throw defect('pipeline.practice-unknown', claim);
  const { practice, integration } = found;
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

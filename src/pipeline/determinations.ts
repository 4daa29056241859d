/**
 * The practice's choice of determinations. With an allow-list everything else stays behind: results by their NHG number
 * or raw code, and what may speak of withheld results (comments, remarks on a specimen of which something stays behind,
 * pending determinations, documents). What is withheld is counted on the report, so that a reader of the card knows that
 * there is more in the HIS; its content never goes along.
 */

import type { ReportContent } from '../delivery/patient-card/patient-card.ts';
import type { LabReport, LabResult, Specimen } from '../lab/lab.ts';
import type { Determinations } from '../practice/practice.ts';
import type { StoredReport } from './content.ts';

export interface ChosenReport {
  readonly content: ReportContent;
  /** False: the choice left no result at all. */
  readonly isAnythingLeft: boolean;
}

export function withChosenDeterminations(stored: StoredReport, choice: Determinations): ChosenReport {
  if (choice === 'all') return { content: { ...stored, withheldCount: 0 }, isAnythingLeft: true };
  const { report } = stored;
  const specimens = report.specimens
    .map((specimen) => chosenSpecimen(specimen, new Set(choice)))
    .filter((specimen) => specimen.results.length > 0);
  const withheldCount =
    count(report) - specimens.reduce((sum, specimen) => sum + resultCount(specimen) + specimen.remarks.length, 0);
  const reduced: LabReport = { ...report, specimens, comments: [], attachments: [] };
  return { content: { report: reduced, attachments: new Map(), withheldCount }, isAnythingLeft: specimens.length > 0 };
}

function chosenSpecimen(specimen: Specimen, choice: ReadonlySet<string>): Specimen {
  const results = specimen.results.filter((result) => result.kind === 'result' && isChosen(result, choice));
  const isWhole = results.length === resultCount(specimen);
  return { ...specimen, results, pending: [], remarks: isWhole ? specimen.remarks : [] };
}

function isChosen({ code }: LabResult, choice: ReadonlySet<string>): boolean {
  return (code.nhg !== null && choice.has(code.nhg)) || (code.raw !== null && choice.has(code.raw));
}

function count(report: LabReport): number {
  const inSpecimens = report.specimens.reduce(
    (sum, specimen) => sum + resultCount(specimen) + specimen.pending.length + specimen.remarks.length,
    0,
  );
  return inSpecimens + report.comments.length + report.attachments.length;
}

function resultCount(specimen: Specimen): number {
  return specimen.results.filter((result) => result.kind === 'result').length;
}

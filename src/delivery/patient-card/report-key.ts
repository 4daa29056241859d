/**
 * What makes two specimens part of one DiagnosticReport: laboratory · lab number · year · order code, the first four
 * parts of every result key (lab/key.ts), so that both are always cut from the same cloth.
 */

import { type LabReport, partsOfKey, type Specimen } from '../../lab/lab.ts';

/** Specimens of one report key: under one lab number a laboratory may send several materials. */
export interface ReportGroup {
  readonly key: string;
  readonly specimens: readonly Specimen[];
}

const PARTS = 4;

/** The specimens of a report, grouped by their DiagnosticReport, in the order of the report. */
export function reportGroups(report: LabReport): readonly ReportGroup[] {
  const groups = new Map<string, Specimen[]>();
  for (const specimen of report.specimens) {
    const key = reportKey(report, specimen);
    groups.set(key, [...(groups.get(key) ?? []), specimen]);
  }
  return [...groups].map(([key, specimens]) => ({ key, specimens }));
}

function reportKey(report: LabReport, specimen: Specimen): string {
  const key = specimen.results[0]?.key;
  if (key !== undefined && key !== '') return partsOfKey(key).slice(0, PARTS).join('|');
  const parts = [laboratoryOf(report), specimen.labNumber, specimen.collectedAt?.slice(0, 4), specimen.orderCode];
  return parts.map((part) => (part ?? '').replace(/[\\|]/g, '\\$&')).join('|');
}

// A specimen with nothing but pending determinations has no result key to take the laboratory from.
function laboratoryOf(report: LabReport): string {
  const keys = report.specimens.flatMap((specimen) => specimen.results.map((result) => result.key));
  const fromKey = keys[0] === undefined ? undefined : partsOfKey(keys[0])[0];
  return report.laboratory ?? fromKey ?? report.sender.zorgmail ?? '';
}

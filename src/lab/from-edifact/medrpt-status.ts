/**
 * What a MEDRPT report says of its own standing. The code lists are not public; one combination is known, that of a new,
 * plain report (edifact.md §4: `BGM+…+9`, `S02+1+N`, `STS++G`, `S18+n+G`). Any other may announce a correction, a
 * cancellation or a preliminary result, so that no status is given and the report waits for a person.
 */

import { elementText, type Segment } from '../../edifact/edifact.ts';
import type { ResultStatus } from '../lab.ts';
import type { MedrptHead } from './medrpt-head.ts';
import type { Notes } from './notes.ts';

interface StatusElement {
  readonly tag: string;
  readonly element: number;
  readonly known: string;
}

interface Doubt {
  readonly segment: Segment;
  readonly element: number | undefined;
}

const OF_REPORT: readonly StatusElement[] = [
  { tag: 'BGM', element: 3, known: '9' },
  { tag: 'S02', element: 2, known: 'N' },
  { tag: 'S04', element: 2, known: 'N' },
  { tag: 'STS', element: 2, known: 'G' },
];
// Without these a report has said nothing of its status at all; the groups may be left out.
const MANDATORY: ReadonlySet<string> = new Set(['BGM', 'STS']);

/** The status of the report's results as far as its head goes: final, or null with a hold. */
export function readReportStatus(head: MedrptHead, header: Segment, notes: Notes): ResultStatus | null {
  const doubts = OF_REPORT.flatMap(({ tag, element, known }): readonly Doubt[] => {
    const segments = head.all(tag);
    if (segments.length === 0) return MANDATORY.has(tag) ? [{ segment: header, element: undefined }] : [];
    return segments.filter((one) => !says(one, element, known)).map((segment) => ({ segment, element }));
  });
  for (const { segment, element } of doubts) notes.hold('hl7.status-missing', segment, element);
  return doubts.length === 0 ? 'final' : null;
}

/** The status of one result: that of its report, unless its own S18 is missing or says something else. */
export function readResultStatus(
  s18: Segment | null,
  inv: Segment,
  ofReport: ResultStatus | null,
  notes: Notes,
): ResultStatus | null {
  if (s18 !== null && says(s18, 2, 'G')) return ofReport;
  notes.hold('hl7.status-missing', s18 ?? inv, s18 === null ? undefined : 2);
  return null;
}

function says(segment: Segment, element: number, known: string): boolean {
  return elementText(segment, element)?.trim().toUpperCase() === known;
}

/** The head of a MEDRPT message: parties, references, dates and the patient, found again by tag and qualifier. */

import type { Segment } from '../../edifact/edifact.ts';
import { qualifiedText } from './medrpt-qualifier.ts';
import { checkFtx } from './medrpt-remark.ts';
import type { Notes } from './notes.ts';
import { Refusal } from './refusal.ts';

// Per tag the qualifiers that are known (edifact.md §4); `null`: the segment has none.
const KNOWN: ReadonlyMap<string, readonly string[] | null> = new Map<string, readonly string[] | null>([
  ['BGM', null],
  ['DTM', ['137', '329', 'ISR', 'ISO']],
  ['NAD', ['SLA', 'PO', 'CCR']],
  ['RFF', ['SRI', 'LZB', 'ROI']],
  ['PNA', ['PAT']],
  ['PDI', null],
  ['STS', null],
  ['S02', null],
  ['S04', null],
]);

// Group heads without a meaning of their own; addresses, telephones, the department and the insurer.
const READ_PAST: ReadonlySet<string> = new Set(['S01', 'S06', 'S07', 'ADR', 'COM', 'CTA', 'FCA']);

// The writer sends DTM+ISO twice, and any number of doctors may get a copy; for the lab number and the BSN all are compared.
const REPEATED: ReadonlySet<string> = new Set([
  'DTM ISO',
  'DTM 329',
  'NAD CCR',
  'RFF SRI',
  'RFF LZB',
  'STS',
  'S02',
  'S04',
]);

export class MedrptHead {
  /** FTX before the first material. */
  readonly comments: Segment[] = [];
  private readonly segments = new Map<string, Segment[]>();
  private readonly notes: Notes;

  constructor(notes: Notes) {
    this.notes = notes;
  }

  /** Takes a segment; `isLate` when a material group has begun already. */
  take(segment: Segment, isLate: boolean): void {
    const { tag } = segment;
    if (READ_PAST.has(tag)) return;
    if (tag === 'FTX') {
      checkFtx(segment, this.notes);
      this.comments.push(segment);
      return;
    }
    const qualifiers = KNOWN.get(tag);
    if (qualifiers === undefined) {
      this.notes.leaveOut('edifact.unknown-segment', segment);
      return;
    }
    const { qualifier } = qualifiedText(segment);
    if (qualifiers === null) this.add(tag, segment, isLate);
    else if (qualifiers.includes(qualifier)) this.add(`${tag} ${qualifier}`, segment, isLate);
    else this.notes.leaveOut('edifact.qualifier-unknown', segment, 1);
  }

  /** The segment with this tag and qualifier; the first where there are several. */
  one(tag: string, qualifier?: string): Segment | null {
    return this.all(tag, qualifier)[0] ?? null;
  }

  all(tag: string, qualifier?: string): readonly Segment[] {
    return this.segments.get(qualifier === undefined ? tag : `${tag} ${qualifier}`) ?? [];
  }

  private add(name: string, segment: Segment, isLate: boolean): void {
    const known = this.segments.get(name) ?? [];
    // With a second patient the results could be either's.
    if (name === 'PNA PAT' && known.length > 0) throw new Refusal('edifact.patient-repeated', segment);
    // A patient named after the results is no safer than none: the head may belong to another message.
    if (name === 'PNA PAT' && isLate) throw new Refusal('edifact.no-patient', segment);
    if (isLate) this.notes.warn('edifact.segment-order', segment);
    if (known.length > 0 && !REPEATED.has(name)) this.notes.leaveOut('edifact.segment-repeated', segment);
    known.push(segment);
    this.segments.set(name, known);
  }
}

/**
 * A material group: DET, IDE and what follows until the next DET. Everything is grouped by the order it stands in; the
 * counters behind the tags only check that order (edifact.md §11.3).
 */

import { elementText, type Segment } from '../../edifact/edifact.ts';
import type { CodeList } from '../codes/codes.ts';
import type { LabResult, Specimen } from '../lab.ts';
import { readCollectedAt } from './moment.ts';
import type { Notes } from './notes.ts';
import { Refusal } from './refusal.ts';
import { readResult } from './result.ts';

interface Remarked<Item> {
  readonly segment: Segment;
  readonly item: Item;
  readonly remarks: string[];
}

/** The tags that stand in a material group, after its DET. */
export const GROUP_TAGS: ReadonlySet<string> = new Set(['IDE', 'OPM', 'SEC', 'BEP', 'OPB', 'NUB', 'OPU']);

export class SpecimenReader {
  private readonly remarks: string[] = [];
  private readonly results: Remarked<LabResult>[] = [];
  private readonly pending: Remarked<string>[] = [];
  private section: Segment | null = null;
  private ide: Segment | null = null;
  private readonly det: Segment;
  private readonly codes: CodeList;
  private readonly notes: Notes;

  constructor(det: Segment, codes: CodeList, notes: Notes) {
    this.det = det;
    this.codes = codes;
    this.notes = notes;
  }

  /** Takes a segment of the group: one of GROUP_TAGS. */
  take(segment: Segment): void {
    this.checkCounters(segment, this.det, 1);
    if (segment.tag === 'IDE') this.takeIdentification(segment);
    else if (this.ide === null) throw new Refusal('edifact.no-specimen', segment);
    else this.takeContent(segment);
  }

  finish(): Specimen {
    const { det, ide, notes } = this;
    if (ide === null) throw new Refusal('edifact.no-specimen', det);
    const labNumber = elementText(ide, 2)?.trim() ?? null;
    // The lab number tells this request's results from every other request's: without it they would replace each other.
    if (labNumber === null) notes.hold('lab.no-lab-number', ide, 2);
    return {
      collectedAt: readCollectedAt(det, notes),
      labNumber,
      material: elementText(ide, 3)?.trim() ?? null,
      volume: elementText(ide, 4)?.trim() ?? null,
      isComplete: readIsComplete(ide, notes),
      orderCode: null,
      issuedAt: null,
      remarks: this.remarks,
      results: this.results.map(({ item, remarks }) => ({ ...item, remarks })),
      pending: this.pending.map(({ item, remarks }) => ({ name: item, remarks })),
    };
  }

  private takeIdentification(segment: Segment): void {
    // Two requests under one DET: nobody says when the second was taken.
    if (this.ide !== null) throw new Refusal('edifact.no-specimen', segment);
    this.ide = segment;
  }

  private takeContent(segment: Segment): void {
    if (segment.tag === 'OPM') this.remarks.push(lineText(segment));
    else if (segment.tag === 'SEC') this.section = segment;
    else if (segment.tag === 'BEP') this.takeResult(segment);
    else if (segment.tag === 'OPB') this.takeRemark(segment, this.results, 3);
    else if (segment.tag === 'NUB') this.pending.push({ segment, item: lineText(segment).trim(), remarks: [] });
    else if (segment.tag === 'OPU') this.takeRemark(segment, this.pending, 2);
  }

  private takeResult(segment: Segment): void {
    if (this.section !== null) this.checkCounters(segment, this.section, 2);
    const section = this.section === null ? null : (elementText(this.section, 1)?.trim() ?? null);
    const item = readResult(segment, { section, codes: this.codes, notes: this.notes });
    this.results.push({ segment, item, remarks: [] });
  }

  // OPB follows its BEP, OPU its NUB, in every sample; one that follows nothing still says something of the material.
  private takeRemark(segment: Segment, items: readonly Remarked<unknown>[], depth: number): void {
    const owner = items.at(-1);
    if (owner === undefined) {
      this.notes.warn('edifact.remark-without-result', segment);
      this.remarks.push(lineText(segment));
      return;
    }
    this.checkCounters(segment, owner.segment, depth);
    owner.remarks.push(lineText(segment));
  }

  // Counters are optional, so only those that both segments have are compared.
  private checkCounters(segment: Segment, owner: Segment, depth: number): void {
    const pairs = segment.counters.slice(0, depth).map((counter, index) => [counter, owner.counters[index]]);
    const isMismatch = pairs.some(([mine, theirs]) => theirs !== undefined && mine?.trim() !== theirs.trim());
    if (isMismatch) this.notes.warn('edifact.counter-mismatch', segment, 0);
  }
}

/**
 * A line of free text, exactly as sent: a separator that was not released is put back, leading blanks are layout. The
 * literal `""` is an empty line (edifact.md §2, "empty marker").
 */
export function lineText(segment: Segment): string {
  const text = segment.elements.map((components) => components.join(':')).join('+');
  return text.trim() === '""' ? '' : text;
}

function readIsComplete(ide: Segment, notes: Notes): boolean | null {
  const word = elementText(ide, 1)?.trim().toUpperCase();
  if (word === 'J') return true;
  if (word === 'N') return false;
  notes.warn('edifact.completeness-unknown', ide, 1);
  return null;
}

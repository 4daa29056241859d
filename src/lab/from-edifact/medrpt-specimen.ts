/**
 * The material groups of MEDRPT: S16 with SPC and DTM+SCO, under it S18 with INV, RSL, FTX and S20 with RND
 * (edifact.md §4). Everything is grouped by the order it stands in.
 */

import { componentText, elementText, type Segment } from '../../edifact/edifact.ts';
import type { CodeList } from '../codes/codes.ts';
import type { ResultStatus, Specimen } from '../lab.ts';
import { readMedrptCollectedAt } from './medrpt-moment.ts';
import { qualifiedText } from './medrpt-qualifier.ts';
import { checkFtx, ftxLines } from './medrpt-remark.ts';
import { readMedrptResult } from './medrpt-result.ts';
import { readResultStatus } from './medrpt-status.ts';
import type { Notes } from './notes.ts';
import { Refusal } from './refusal.ts';

/** The tags that begin or make up a material group: with the first of them the head has ended. */
export const MATERIAL_TAGS: ReadonlySet<string> = new Set(['S16', 'SPC', 'S18', 'INV', 'RSL', 'S20', 'RND']);

/** What the head says of every specimen. */
export interface SpecimenContext {
  readonly codes: CodeList;
  readonly labNumber: string | null;
  readonly issuedAt: string | null;
  readonly status: ResultStatus | null;
}

interface Group {
  readonly start: Segment;
  spc: Segment | null;
  collected: Segment | null;
  readonly remarks: string[];
  readonly results: Determination[];
}

interface Determination {
  readonly s18: Segment | null;
  readonly inv: Segment;
  rsl: Segment | null;
  rnd: Segment | null;
  readonly remarks: string[];
}

export class MedrptSpecimens {
  private readonly groups: Group[] = [];
  private s18: Segment | null = null;
  private determination: Determination | null = null;
  private readonly notes: Notes;

  constructor(notes: Notes) {
    this.notes = notes;
  }

  /** Takes a segment after the head; false where it is none of a material's. */
  take(segment: Segment): boolean {
    const { tag } = segment;
    if (tag === 'S16') this.begin(segment);
    else if (tag === 'SPC') this.takeMaterial(segment);
    else if (tag === 'DTM' && qualifiedText(segment).qualifier === 'SCO') this.takeCollected(segment);
    else if (tag === 'S18') this.takeGroupHead(segment);
    else if (tag === 'INV') this.takeInvestigation(segment);
    else if (tag === 'RSL') this.takeValue(segment);
    else if (tag === 'RND') this.takeRange(segment);
    else if (tag === 'FTX') this.takeText(segment);
    else return tag === 'S20';
    return true;
  }

  /** The specimens, in their order. */
  finish(context: SpecimenContext): readonly Specimen[] {
    return this.groups.map((group) => this.specimenOf(group, context));
  }

  private begin(start: Segment): Group {
    const group: Group = { start, spc: null, collected: null, remarks: [], results: [] };
    this.groups.push(group);
    this.s18 = null;
    this.determination = null;
    return group;
  }

  // A second SPC in one group, or one after its results: nobody says which results are whose.
  private takeMaterial(spc: Segment): void {
    const group = this.groups.at(-1) ?? this.begin(spc);
    if (group.spc !== null || group.results.length > 0) throw new Refusal('edifact.no-specimen', spc);
    group.spc = spc;
  }

  private takeCollected(dtm: Segment): void {
    const group = this.groupOf(dtm);
    if (group.collected !== null) throw new Refusal('edifact.no-specimen', dtm);
    if (group.results.length > 0) this.notes.warn('edifact.segment-order', dtm);
    group.collected = dtm;
  }

  private takeGroupHead(s18: Segment): void {
    this.groupOf(s18);
    this.s18 = s18;
    this.determination = null;
  }

  private takeInvestigation(inv: Segment): void {
    const group = this.groupOf(inv);
    this.determination = { s18: this.s18, inv, rsl: null, rnd: null, remarks: [] };
    group.results.push(this.determination);
  }

  // A value without its INV, or a second one behind it: the INV between them was lost, and its value would stand under
  // another determination's name.
  private takeValue(rsl: Segment): void {
    const { determination } = this;
    if (determination === null || determination.rsl !== null) throw new Refusal('edifact.syntax', rsl);
    determination.rsl = rsl;
  }

  private takeRange(rnd: Segment): void {
    const { determination } = this;
    if (determination === null || determination.rnd !== null) throw new Refusal('edifact.syntax', rnd);
    if (elementText(rnd, 1)?.trim().toUpperCase() === 'RU') determination.rnd = rnd;
    else this.notes.leaveOut('edifact.qualifier-unknown', rnd, 1);
  }

  private takeText(ftx: Segment): void {
    checkFtx(ftx, this.notes);
    const { determination } = this;
    if (determination === null && this.s18 !== null) this.notes.warn('edifact.remark-without-result', ftx);
    const { remarks } = determination ?? this.groupOf(ftx);
    for (const line of ftxLines(ftx)) remarks.push(line);
  }

  private groupOf(segment: Segment): Group {
    const group = this.groups.at(-1);
    if (group === undefined) throw new Refusal('edifact.no-specimen', segment);
    return group;
  }

  private specimenOf({ start, spc, collected, remarks, results }: Group, context: SpecimenContext): Specimen {
    const { notes } = this;
    if (spc === null) notes.warn('edifact.spc-missing', start);
    return {
      collectedAt: readMedrptCollectedAt(collected, spc ?? start, notes),
      labNumber: context.labNumber,
      material: spc === null ? null : readMaterial(spc, notes),
      volume: null,
      // No segment is known to say whether other determinations are still open.
      isComplete: null,
      orderCode: null,
      issuedAt: context.issuedAt,
      remarks,
      results: results.map(({ s18, ...result }) => {
        const status = readResultStatus(s18, result.inv, context.status, notes);
        return readMedrptResult({ ...result, status }, context.codes, notes);
      }),
      pending: [],
    };
  }
}

// SPC+TSP; what material it is may follow, as a name in the fourth component (NHS003) or as one code.
function readMaterial(spc: Segment, notes: Notes): string | null {
  if (elementText(spc, 1)?.trim().toUpperCase() !== 'TSP') notes.warn('edifact.qualifier-unknown', spc, 1);
  return (componentText(spc, 2, 4) ?? elementText(spc, 2))?.trim() ?? null;
}

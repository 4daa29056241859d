/** What a reader has to say beside the report: warnings, holds, and what it found and could not carry. */

import { positionOf, type Segment } from '../../edifact/edifact.ts';
import type { ReasonCode } from '../../shared/reasons.ts';
import type { Hold, Warning } from '../lab.ts';

export class Notes {
  readonly warnings: Warning[] = [];
  readonly holds: Hold[] = [];
  private readonly counts = new Map<string, number>();

  warn(code: string, segment: Segment, element?: number): void {
    this.warnings.push({ code, position: positionOf(segment, element) });
  }

  hold(code: ReasonCode, segment: Segment, element?: number): void {
    this.holds.push({ code, position: positionOf(segment, element) });
  }

  /** Content that has no place in a LabReport: counted, and warned about where it stands. */
  leaveOut(code: string, segment: Segment, element?: number): void {
    this.counts.set(code, (this.counts.get(code) ?? 0) + 1);
    this.warn(code, segment, element);
  }

  get notCarried(): readonly { code: string; count: number }[] {
    return [...this.counts].map(([code, count]) => ({ code, count }));
  }
}

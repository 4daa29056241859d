/** A message that cannot be read: thrown by its readers with the place, and made a quarantined reading at the door. */

import { positionOf, type Segment } from '../../edifact/edifact.ts';
import { Failure } from '../../shared/failure.ts';
import type { ReasonCode } from '../../shared/reasons.ts';
import type { Position } from '../lab.ts';

export class Refusal extends Failure {
  readonly reason: ReasonCode;
  readonly position: Position;

  constructor(reason: ReasonCode, segment: Segment, element?: number) {
    const position = positionOf(segment, element);
    super(reason, { kind: 'permanent', fields: { ...position } });
    this.name = 'Refusal';
    this.reason = reason;
    this.position = position;
  }
}

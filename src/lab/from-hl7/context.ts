/** What every step of the ORU reader needs: the message, and the list on which it notes what was odd. */

import { componentsOf, fieldOf, type Hl7Message, type Hl7Segment, repetitionsOf, unescapeText } from '../../hl7/hl7.ts';
import type { Position, Warning } from '../lab.ts';

export interface Context {
  readonly hl7Message: Hl7Message;
  /** Grows while reading. */
  readonly warnings: Warning[];
}

/** Where something stands, for a warning, hold or quarantine: numbers and names of segments, never content. */
export function positionOf(segment: Hl7Segment, field?: number, repetition?: number): Position {
  return {
    segment: segment.index,
    tag: segment.name,
    ...(field === undefined ? {} : { field }),
    ...(repetition === undefined ? {} : { repetition }),
  };
}

/** Notes a deviation that does not stop the reading. */
export function warn(context: Context, code: string, position: Position | null): void {
  context.warnings.push({ code, position });
}

/** The raw repetitions that say something: neither empty nor `""`. */
export function repetitionsAt(context: Context, segment: Hl7Segment, field: number): readonly string[] {
  return repetitionsOf(fieldOf(segment, field), context.hl7Message.separators).filter((raw) => said(raw) !== null);
}

/** A component of a raw repetition as text, blanks around it gone; null when the sender made no statement. */
export function componentOf(context: Context, repetition: string, component: number): string | null {
  return said(wholeText(context, componentsOf(repetition, context.hl7Message.separators)[component - 1] ?? ''));
}

/** A component of a field's first repetition that says something, as text. */
export function textAt(context: Context, segment: Hl7Segment, field: number, component = 1): string | null {
  return componentOf(context, repetitionsAt(context, segment, field)[0] ?? '', component);
}

/** Raw text unescaped, separators inside it kept as the characters they are. */
export function wholeText(context: Context, raw: string): string {
  return unescapeText(raw, context.hl7Message);
}

/**
 * Text with its outer blanks gone, or null for "no statement": empty, blank, or `""`. The null of HL7 ("delete what you
 * hold") is read as silence too: nothing that is on a card is ever deleted because of it (hl7v2.md, "Null vs empty").
 */
export function said(text: string): string | null {
  const bare = text.trim();
  return bare === '' || bare === '""' ? null : bare;
}

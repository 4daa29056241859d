/** A segment and its parts. Everything here is raw text: unescaping comes last, after every split. */

import type { Separators } from './separators.ts';

export interface Hl7Segment {
  /** 1-based place in the message. */
  readonly index: number;
  readonly name: string;
  /**
   * Raw text by field number: fields[3] is PID-3. fields[0] is the name; of MSH, fields[1] is the separator and fields[2]
   * the encoding characters. `""` (delete) and empty (no statement) are both still there to see.
   */
  readonly fields: readonly string[];
}

/** A segment from its line. Only the first one is numbered as a header: a later MSH would have begun another message. */
export function segmentOf(line: string, index: number, separators: Separators): Hl7Segment {
  const [name = '', ...fields] = line.split(separators.field);
  const isHeader = index === 1;
  return { index, name, fields: isHeader ? [name, separators.field, ...fields] : [name, ...fields] };
}

/** The raw text of a field; '' past the end, as a sender may leave out what is empty at the end. */
export function fieldOf(segment: Hl7Segment, field: number): string {
  return segment.fields[field] ?? '';
}

/** The raw repetitions of a field; an empty field has one, which is empty. */
export function repetitionsOf(field: string, separators: Separators): readonly string[] {
  return parts(field, separators.repetition);
}

/** The raw components of one repetition. */
export function componentsOf(repetition: string, separators: Separators): readonly string[] {
  return parts(repetition, separators.component);
}

/** The raw subcomponents of a component: in a Dutch name they are the prefix and both family names. */
export function subcomponentsOf(component: string, separators: Separators): readonly string[] {
  return parts(component, separators.subcomponent);
}

function parts(text: string, separator: string): readonly string[] {
  return separator === '' ? [text] : text.split(separator);
}

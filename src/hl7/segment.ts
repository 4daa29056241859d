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
  const fields = parts(line, separators.field);
  if (index === 1) fields.splice(1, 0, separators.field);
  return { index, name: fields[0] ?? '', fields };
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

// As split(), which is slower on texts as short as these, most of which have no such separator in them.
function parts(text: string, separator: string): string[] {
  let at = separator === '' ? -1 : text.indexOf(separator);
  if (at === -1) return [text];
  const found = [text.slice(0, at)];
  let from = at + separator.length;
  for (at = text.indexOf(separator, from); at !== -1; at = text.indexOf(separator, from)) {
    found.push(text.slice(from, at));
    from = at + separator.length;
  }
  found.push(text.slice(from));
  return found;
}

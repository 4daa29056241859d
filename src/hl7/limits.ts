/** How much of HL7 is read, each with its unit. What is over a limit is refused whole: never half read, never cut. */

import type { RawMessage } from './frame.ts';
import type { Separators } from './separators.ts';

/** Bytes of a payload. A mail has its own, lower limit; this one holds wherever else a payload may come from. */
export const HL7_BYTES_MAX = 48 * 1024 * 1024;
/** Messages (MSH) of a payload. Far above what any laboratory sends at once; beyond it the sender is broken, not generous. */
export const HL7_MESSAGES_MAX = 1_000;
/** Segments of a message. */
export const HL7_SEGMENTS_MAX = 20_000;
/** Fields of a segment. The longest that the standard has is of some fifty. */
export const HL7_FIELDS_MAX = 1_000;
/** Repetitions in a segment, those of all its fields together: lines of a text, mostly. */
export const HL7_REPETITIONS_MAX = 10_000;
/** Components and subcomponents in a segment, all together: in a text each `^` and `&` that was not escaped. */
export const HL7_COMPONENTS_MAX = 20_000;

/** The 1-based segment that is over a limit, 0 when the message as a whole is; null when none is. */
export function segmentOverLimit({ lines }: RawMessage, separators: Separators): number | null {
  if (lines.length > HL7_SEGMENTS_MAX) return 0;
  const index = lines.findIndex((line) => isOverLimit(line, separators));
  return index === -1 ? null : index + 1;
}

function isOverLimit(line: string, { field, repetition, component, subcomponent }: Separators): boolean {
  // Of so few characters not one limit can be exceeded: nearly every line of nearly every message.
  if (line.length <= HL7_FIELDS_MAX) return false;
  const [fields, repetitions] = [countOf(line, field), countOf(line, repetition)];
  return (
    fields > HL7_FIELDS_MAX ||
    fields + repetitions > HL7_REPETITIONS_MAX ||
    fields + repetitions + countOf(line, component) + countOf(line, subcomponent) > HL7_COMPONENTS_MAX
  );
}

function countOf(line: string, separator: string): number {
  if (separator === '') return 0;
  let count = 0;
  for (let at = line.indexOf(separator); at !== -1; at = line.indexOf(separator, at + 1)) count += 1;
  return count;
}

/**
 * A correction of something that was never received is stored as corrected, and says so on the card until the original, or
 * any other uncorrected value, comes: then a reader has both in the history. It is the last line of the note, behind what
 * the laboratory said, and no part of the content that two versions are compared by.
 */

import type { Observation } from '@medplum/fhirtypes';

export const ORIGINAL_MISSING_TEXT = 'Correctie: de oorspronkelijke uitslag is hier niet ontvangen.';

export function isOriginalMissing({ note = [] }: Observation): boolean {
  return linesOf(note).at(-1) === ORIGINAL_MISSING_TEXT;
}

export function withOriginalMissing(observation: Observation): Observation {
  const lines = [...linesOf(observation.note ?? []), ORIGINAL_MISSING_TEXT];
  return { ...observation, note: [{ ...observation.note?.[0], text: lines.join('\n') }] };
}

export function withoutOriginalMissing(observation: Observation): Observation {
  if (!isOriginalMissing(observation)) return observation;
  const { note = [], ...others } = observation;
  const lines = linesOf(note).slice(0, -1);
  return lines.length === 0 ? others : { ...others, note: [{ ...note[0], text: lines.join('\n') }] };
}

// There is one note at most (observation.ts).
function linesOf([note]: NonNullable<Observation['note']>): readonly string[] {
  return note?.text === undefined ? [] : note.text.split('\n');
}

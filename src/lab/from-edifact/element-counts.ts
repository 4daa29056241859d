/** How many elements a segment may have: what stands beyond them is no part of the message as it is known. */

import { type EdifactMessage, elementText } from '../../edifact/edifact.ts';
import type { Notes } from './notes.ts';

// Where a value, its unit or its limits stand: MEDLAB's determination, and those that MEDRPT spreads it over.
const RESULT_TAGS: ReadonlySet<string> = new Set(['BEP', 'INV', 'RSL', 'RND']);

/**
 * A filled element past the last one: an element separator was not released, or a terminator was lost, so that what
 * follows stands one column to the right. In a determination that may be a cut value under a wrong unit: held.
 */
export function checkElementCounts({ body }: EdifactMessage, counts: ReadonlyMap<string, number>, notes: Notes): void {
  for (const segment of body) {
    const count = counts.get(segment.tag) ?? Number.POSITIVE_INFINITY;
    const surplus = segment.elements.findIndex(
      (_, index) => index >= count && elementText(segment, index + 1) !== null,
    );
    if (surplus === -1) continue;
    notes.leaveOut('edifact.extra-element', segment, surplus + 1);
    if (RESULT_TAGS.has(segment.tag)) notes.hold('edifact.columns-slipped', segment, surplus + 1);
  }
}

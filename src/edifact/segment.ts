/** How a segment is read. Absent, empty and the literal `""` (explicitly empty, edifact.md §2) are all null. */

import type { Segment, SegmentPosition } from './edifact.ts';

/**
 * An element as one text, 1-based. A component separator that the sender forgot to release (`22:15` as a result) is put
 * back: cutting there would change what was said.
 */
export function elementText(segment: Segment, element: number): string | null {
  const components = segment.elements[element - 1];
  return filled(components?.length === 1 ? components[0] : components?.join(':'));
}

/** A component of an element, both 1-based. */
export function componentText(segment: Segment, element: number, component: number): string | null {
  return filled(segment.elements[element - 1]?.[component - 1]);
}

export function positionOf(segment: Segment, element?: number): SegmentPosition {
  const place = { segment: segment.number, tag: safeTag(segment) };
  return element === undefined ? place : { ...place, element };
}

// A tag is a code; whatever else stands where a tag should be may be content, and positions end up in logs.
function safeTag(segment: Segment): string {
  return /^[A-Z][A-Z0-9]{2}$/.test(segment.tag) ? segment.tag : '?';
}

function filled(text: string | undefined): string | null {
  return text === undefined || text.trim() === '' || text === '""' ? null : text;
}

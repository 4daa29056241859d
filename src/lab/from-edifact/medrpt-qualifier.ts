/** MEDRPT's segments say by a qualifier what they are about: `RFF+SRI:654321`, `NAD+SLA+…`, `DTM+329:20011122:102`. */

import { componentText, type Segment } from '../../edifact/edifact.ts';

export interface QualifiedText {
  readonly qualifier: string;
  /** What follows the qualifier in its element; a separator that was not released is put back. */
  readonly text: string | null;
}

/** Reads `qualifier:text` in an element, the first by default. */
export function qualifiedText(segment: Segment, element = 1): QualifiedText {
  const text = segment.elements[element - 1]?.slice(1).join(':').trim() ?? '';
  return {
    qualifier: componentText(segment, element, 1)?.trim().toUpperCase() ?? '',
    text: text === '' || text === '""' ? null : text,
  };
}

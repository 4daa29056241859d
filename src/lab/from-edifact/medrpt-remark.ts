/** FTX of MEDRPT: up to five lines of text, one per component of the fourth element (edifact.md §4). */

import type { Segment } from '../../edifact/edifact.ts';
import { qualifiedText } from './medrpt-qualifier.ts';
import type { Notes } from './notes.ts';

const TEXT_ELEMENT = 4;

/** The lines, leading blanks kept; an element separator that was not released is put back. */
export function ftxLines(ftx: Segment): readonly string[] {
  const [first = [], ...surplus] = ftx.elements.slice(TEXT_ELEMENT - 1);
  const lines = [...first];
  for (const [continued = '', ...more] of surplus) {
    lines.push(`${lines.pop() ?? ''}+${continued}`);
    for (const line of more) lines.push(line);
  }
  return lines;
}

/** What an FTX has beside its lines: a kind other than UIT, or a coded text. The lines are kept whatever the kind. */
export function checkFtx(ftx: Segment, notes: Notes): void {
  if (qualifiedText(ftx).qualifier !== 'UIT') notes.warn('edifact.qualifier-unknown', ftx, 1);
  for (const element of [2, 3]) {
    const isFilled = ftx.elements[element - 1]?.some((component) => component.trim() !== '') ?? false;
    if (isFilled) notes.leaveOut('edifact.extra-element', ftx, element);
  }
}

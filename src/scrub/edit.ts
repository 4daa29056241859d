/** A place in a text (one character per byte) and what comes there; what no edit names stays byte for byte. */

export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** In order and apart from each other. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  let made = '';
  let from = 0;
  for (const edit of edits) {
    made += text.slice(from, edit.start) + edit.text;
    from = edit.end;
  }
  return made + text.slice(from);
}

/** An edit for a span, if what comes there differs. */
export function editOf(text: string, start: number, end: number, replace: (sent: string) => string): readonly Edit[] {
  const sent = text.slice(start, end);
  const made = replace(sent);
  return made === sent ? [] : [{ start, end, text: made }];
}

export function movedBy(edits: readonly Edit[], offset: number): readonly Edit[] {
  return edits.map(({ start, end, text }) => ({ start: start + offset, end: end + offset, text }));
}

/** Writes a message back: what was parsed and is written again is equal, character for character. */

import type { Hl7Message } from './hl7.ts';

/** The message as text, every segment ended by a carriage return. Encoding it is the caller's. */
export function writeHl7Message({ segments, separators }: Pick<Hl7Message, 'segments' | 'separators'>): string {
  return segments
    .map(({ name, fields }) =>
      name === 'MSH'
        ? `${name}${separators.field}${fields.slice(2).join(separators.field)}`
        : fields.join(separators.field),
    )
    .map((line) => `${line}\r`)
    .join('');
}

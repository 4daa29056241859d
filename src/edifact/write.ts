/** Segments to text, and tokens back to the very bytes they were read from. */

import type { Delimiters, EdifactTokens } from './edifact.ts';
import { DEFAULT_DELIMITERS } from './service-string.ts';

export interface WrittenSegment {
  readonly tag: string;
  /** Repeat counters, glued to the tag. */
  readonly counters?: readonly (string | number)[];
  /** A plain text is an element of one component; null and '' are empty. */
  readonly elements: readonly (string | null | readonly (string | null)[])[];
  /** The element separator behind a tag without elements is written: `TXT:3+'` instead of `TXT:3'`. */
  readonly isOpen?: boolean;
}

/** One segment with its terminator. Trailing empty elements and components are left out, as every writer does. */
export function writeSegment(segment: WrittenSegment, delimiters: Delimiters = DEFAULT_DELIMITERS): string {
  const head = [segment.tag, ...(segment.counters ?? []).map(String)].join(delimiters.component);
  const elements = segment.elements.map((element) => {
    const components = typeof element === 'string' || element === null ? [element] : element;
    return withoutTrailingEmpty(components.map((component) => escaped(component ?? '', delimiters))).join(
      delimiters.component,
    );
  });
  const filled = withoutTrailingEmpty(elements);
  const written = filled.length === 0 && segment.isOpen === true ? [''] : filled;
  return [head, ...written].join(delimiters.element) + delimiters.terminator;
}

/** Segments one after another, each followed by `lineEnd` (nothing, or CRLF: edifact.md §5). */
export function writeSegments(segments: readonly WrittenSegment[], lineEnd = ''): string {
  return segments.map((segment) => writeSegment(segment) + lineEnd).join('');
}

/** The bytes that these tokens were read from, segment by segment: what the segments do not cover lies between them. */
export function rewrite(tokens: EdifactTokens): Buffer {
  const { bytes, segments } = tokens;
  const pieces = segments.flatMap((segment, index) => {
    const before = index === 0 ? 0 : (segments[index - 1]?.end ?? 0);
    return [bytes.subarray(before, segment.start), bytes.subarray(segment.start, segment.end)];
  });
  return Buffer.concat([...pieces, bytes.subarray(segments.at(-1)?.end ?? 0)]);
}

function escaped(text: string, { component, element, release, terminator }: Delimiters): string {
  const special = new Set([component, element, release, terminator]);
  return [...text].map((char) => (special.has(char) ? `${release ?? ''}${char}` : char)).join('');
}

function withoutTrailingEmpty(texts: readonly string[]): readonly string[] {
  const last = texts.findLastIndex((text) => text !== '');
  return texts.slice(0, last + 1);
}

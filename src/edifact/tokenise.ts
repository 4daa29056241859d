/**
 * Bytes to segments. Works on one character per byte, so that an index is a byte offset; only what stands inside a
 * component is decoded, since no charset that we accept has a delimiter inside a letter.
 */

import { type Decoding, decodingOf } from './charset.ts';
import type { Delimiters, EdifactRefusal, EdifactTokens, Segment, SyntaxWarning } from './edifact.ts';
import { positionOf } from './segment.ts';
import { DEFAULT_DELIMITERS, readServiceString } from './service-string.ts';

/** A MEDLAB is a few kB; more than this is no laboratory message (edifact.md §7, "size limits"). */
export const BYTES_MAX = 5 * 1024 * 1024;
export const SEGMENTS_MAX = 50_000;
export const MESSAGES_MAX = 1_000;
/** Elements of one segment. The longest that is known has some ten; a text in which no separator was released, dozens. */
export const ELEMENTS_MAX = 1_000;
/** Components of one segment, those of all its elements together. */
export const COMPONENTS_MAX = 2_000;

/** Splits the bytes into segments. `charset` is the MIME charset as declared, or null. */
export function tokenise(bytes: Buffer, charset: string | null): EdifactTokens | EdifactRefusal {
  if (bytes.length > BYTES_MAX) return { kind: 'refused', code: 'edifact.too-large', position: null };
  const text = bytes.toString('latin1');
  const decoding = decodingOf(bytes, charset);
  const segments: Segment[] = [];
  let delimiters = DEFAULT_DELIMITERS;
  let messageCount = 0;
  for (let at = skipBlanks(text, 0); at < text.length; ) {
    const advice = readServiceString(text, at, segments.length === 0);
    if (advice?.delimiters === null) return { kind: 'refused', code: 'edifact.syntax', position: null };
    if (advice !== null) {
      delimiters = advice.delimiters;
      at = skipBlanks(text, advice.end);
      continue;
    }
    const segment = readSegment(text, at, delimiters, decoding, segments.length + 1);
    segments.push(segment);
    if (segment.tag === 'UNH') messageCount += 1;
    if (segments.length > SEGMENTS_MAX || messageCount > MESSAGES_MAX || isTooLong(segment)) {
      return { kind: 'refused', code: 'edifact.too-large', position: positionOf(segment) };
    }
    // The next interchange may come without a UNA of its own: it is back to the defaults.
    if (segment.tag === 'UNZ') delimiters = DEFAULT_DELIMITERS;
    at = skipBlanks(text, segment.end);
  }
  return {
    kind: 'tokens',
    bytes,
    segments,
    warnings: [...charsetWarnings(decoding), ...breakWarnings(text, segments)],
  };
}

function readSegment(text: string, start: number, delimiters: Delimiters, decoding: Decoding, number: number): Segment {
  const { component, element, release, terminator } = delimiters;
  const elements: string[][] = [];
  let components: string[] = [];
  let current = '';
  let at = start;
  const closeComponent = () => {
    components.push(decoded(current, decoding));
    current = '';
  };
  for (; at < text.length && text[at] !== terminator; at += 1) {
    const char = text[at] ?? '';
    if (char === release && at + 1 < text.length) {
      // A needless release (`?Amsterdam`) is dropped too: the next character is data, whatever it is.
      at += 1;
      current += text[at] ?? '';
    } else if (char === component) {
      closeComponent();
    } else if (char === element) {
      closeComponent();
      elements.push(components);
      components = [];
    } else {
      current += char;
    }
  }
  closeComponent();
  elements.push(components);
  const [[tag = '', ...counters] = [], ...rest] = elements;
  const isTerminated = at < text.length;
  return { number, tag, counters, elements: rest, start, end: isTerminated ? at + 1 : at, isTerminated };
}

function isTooLong({ counters, elements }: Segment): boolean {
  if (elements.length > ELEMENTS_MAX) return true;
  return elements.reduce((sum, components) => sum + components.length, counters.length) > COMPONENTS_MAX;
}

function decoded(latin1: string, decoding: Decoding): string {
  return /[\x80-\xff]/.test(latin1) ? decoding.decode(Buffer.from(latin1, 'latin1')) : latin1;
}

// Between segments stand CR, LF, tabs, blanks or nothing; before the first a byte order mark or a VT as well.
function skipBlanks(text: string, from: number): number {
  let at = from === 0 && text.startsWith('\xef\xbb\xbf') ? 3 : from;
  while (at < text.length && text.charCodeAt(at) <= 0x20) at += 1;
  return at;
}

function charsetWarnings({ warning }: Decoding): readonly SyntaxWarning[] {
  return warning === null ? [] : [{ code: warning, position: null }];
}

// A wrapped line changes the text that it breaks, and nobody can know where a blank stood.
function breakWarnings(text: string, segments: readonly Segment[]): readonly SyntaxWarning[] {
  const broken = segments.filter(({ start, end, isTerminated }) =>
    /[\r\n]/.test(text.slice(start, isTerminated ? end - 1 : end).trimEnd()),
  );
  return broken.map((segment) => ({ code: 'edifact.line-break-in-segment', position: positionOf(segment) }));
}

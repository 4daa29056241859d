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
  const reader = new SegmentReader(text, decoding);
  const segments: Segment[] = [];
  let messageCount = 0;
  for (let at = skipBlanks(text, 0); at < text.length; ) {
    const advice = readServiceString(text, at, segments.length === 0);
    if (advice?.delimiters === null) return { kind: 'refused', code: 'edifact.syntax', position: null };
    if (advice !== null) {
      reader.codes = codesOf(advice.delimiters);
      at = skipBlanks(text, advice.end);
      continue;
    }
    const segment = reader.read(at, segments.length + 1);
    segments.push(segment);
    if (segment.tag === 'UNH') messageCount += 1;
    if (segments.length > SEGMENTS_MAX || messageCount > MESSAGES_MAX || isTooLong(segment)) {
      return { kind: 'refused', code: 'edifact.too-large', position: positionOf(segment) };
    }
    // The next interchange may come without a UNA of its own: it is back to the defaults.
    if (segment.tag === 'UNZ') reader.codes = DEFAULT_CODES;
    at = skipBlanks(text, segment.end);
  }
  return { kind: 'tokens', bytes, segments, warnings: [...charsetWarnings(decoding), ...reader.breakWarnings] };
}

/** Delimiters as character codes: the text is gone through once, and nothing is copied but what stands between two. */
interface DelimiterCodes {
  readonly component: number;
  readonly element: number;
  /** -1 where there is none. */
  readonly release: number;
  readonly terminator: number;
  /** No character above it is a delimiter: with the usual ones that is every letter. */
  readonly highest: number;
  /** A line end may be a delimiter, so that seeing none as text says nothing about the segment. */
  readonly haveControls: boolean;
}

function codesOf({ component, element, release, terminator }: Delimiters): DelimiterCodes {
  const codes = {
    component: component.charCodeAt(0),
    element: element.charCodeAt(0),
    release: release === null ? -1 : release.charCodeAt(0),
    terminator: terminator.charCodeAt(0),
  };
  const all = Object.values(codes);
  return { ...codes, highest: Math.max(...all), haveControls: all.some((code) => code >= 0 && code < 0x20) };
}

const DEFAULT_CODES = codesOf(DEFAULT_DELIMITERS);
const NO_COUNTERS: readonly string[] = [];
const EMPTY_ELEMENT: readonly string[] = [''];

class SegmentReader {
  codes = DEFAULT_CODES;
  readonly breakWarnings: SyntaxWarning[] = [];
  private readonly text: string;
  private readonly decoding: Decoding;

  constructor(text: string, decoding: Decoding) {
    this.text = text;
    this.decoding = decoding;
  }

  read(start: number, number: number): Segment {
    const { text, codes } = this;
    const { component, element, release, terminator, highest } = codes;
    const elements: (readonly string[])[] = [];
    let components: string[] | null = null;
    // What is known of the component under way stands in `kept`; the rest of it begins at `from`.
    let kept = '';
    let from = start;
    let at = start;
    let mayBeBroken = codes.haveControls;
    for (; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code > highest) continue;
      if (code === element) {
        elements.push(closedElement(components, kept + text.slice(from, at)));
        components = null;
        kept = '';
        from = at + 1;
      } else if (code === component) {
        components ??= [];
        components.push(kept + text.slice(from, at));
        kept = '';
        from = at + 1;
      } else if (code === terminator) {
        break;
      } else if (code === release && at + 1 < text.length) {
        // A needless release (`?Amsterdam`) is dropped too: the next character is data, whatever it is.
        kept += text.slice(from, at);
        at += 1;
        from = at;
        mayBeBroken = true;
      } else if (code < 0x20) {
        mayBeBroken = true;
      }
    }
    elements.push(closedElement(components, kept + text.slice(from, at)));
    const segment = this.segmentOf(number, elements, start, at);
    if (mayBeBroken) this.noteBreak(segment, text.slice(start, at));
    return segment;
  }

  private segmentOf(number: number, latin1: (readonly string[])[], start: number, at: number): Segment {
    const elements = this.decoding.isAscii ? latin1 : latin1.map((element) => this.decoded(element));
    const head = elements.shift() ?? [];
    const isTerminated = at < this.text.length;
    return {
      number,
      tag: head[0] ?? '',
      counters: head.length === 1 ? NO_COUNTERS : head.slice(1),
      elements,
      start,
      end: isTerminated ? at + 1 : at,
      isTerminated,
    };
  }

  private decoded(element: readonly string[]): readonly string[] {
    return element.map((latin1) =>
      /[\x80-\xff]/.test(latin1) ? this.decoding.decode(Buffer.from(latin1, 'latin1')) : latin1,
    );
  }

  // A wrapped line changes the text that it breaks, and nobody can know where a blank stood.
  private noteBreak(segment: Segment, text: string): void {
    if (!/[\r\n]/.test(text.trimEnd())) return;
    this.breakWarnings.push({ code: 'edifact.line-break-in-segment', position: positionOf(segment) });
  }
}

function isTooLong({ counters, elements }: Segment): boolean {
  if (elements.length > ELEMENTS_MAX) return true;
  return elements.reduce((sum, components) => sum + components.length, counters.length) > COMPONENTS_MAX;
}

// Most elements have one component, and many are empty: those share one array.
function closedElement(components: string[] | null, last: string): readonly string[] {
  if (components === null) return last === '' ? EMPTY_ELEMENT : [last];
  components.push(last);
  return components;
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

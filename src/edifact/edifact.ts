/**
 * The door of edifact/: bytes go in, segments and the messages they form come out; and the other way round.
 *
 * It promises: every byte is accounted for (rewriting what was tokenised gives the same bytes), every segment knows where
 * it stood, and what deviates from the syntax is a warning or a refusal with a position. Dutch dialect included: repeat
 * counters glued to the tag, no UNA or a short one, needless release characters (edifact.md §2).
 * It knows no message type's meaning: PID means different things in different messages.
 */

/** Where something stands: 1-based, UNB is segment 1 when present, UNA is not counted. */
export interface SegmentPosition {
  readonly segment: number;
  readonly tag: string;
  readonly element?: number;
}

/** A deviation that did not stop the reading: a code and a place, never content. */
export interface SyntaxWarning {
  readonly code: string;
  readonly position: SegmentPosition | null;
}

/** The service characters, as UNA names them or by default (`:+.? '`). */
export interface Delimiters {
  readonly component: string;
  readonly element: string;
  /** null where the sender gave up releasing (a blank in UNA). */
  readonly release: string | null;
  readonly terminator: string;
}

export interface Segment {
  /** 1-based in the payload. */
  readonly number: number;
  readonly tag: string;
  /** "Element 0": the repeat counters glued to the tag (`BEP:1:1:3`), as sent. */
  readonly counters: readonly string[];
  /** Elements after the tag, each a list of components, released and decoded. Read them with segment.ts. */
  readonly elements: readonly (readonly string[])[];
  /** Byte offsets in the payload: from the first letter of the tag up to and including the terminator. */
  readonly start: number;
  readonly end: number;
  /** False only for a last segment that the payload ends in. */
  readonly isTerminated: boolean;
}

export interface EdifactTokens {
  readonly kind: 'tokens';
  readonly bytes: Buffer;
  readonly segments: readonly Segment[];
  readonly warnings: readonly SyntaxWarning[];
}

/** Refused as a whole: over a limit, or a UNA that cannot be meant. */
export interface EdifactRefusal {
  readonly kind: 'refused';
  readonly code: 'edifact.too-large' | 'edifact.syntax';
  readonly position: SegmentPosition | null;
}

/** One UNH..UNT, with the UNB it stands under, if any. */
export interface EdifactMessage {
  readonly interchange: Segment | null;
  readonly header: Segment;
  /** What stands between UNH and UNT. */
  readonly body: readonly Segment[];
  /** null: the payload, or the interchange, ends before the message does. */
  readonly trailer: Segment | null;
  readonly warnings: readonly SyntaxWarning[];
}

export interface Envelope {
  readonly messages: readonly EdifactMessage[];
  /** The first of each run of segments that stand outside any message. */
  readonly strays: readonly Segment[];
  /** Deviations that belong to no message. */
  readonly warnings: readonly SyntaxWarning[];
}

export { readEnvelope } from './envelope.ts';
export { componentText, elementText, positionOf } from './segment.ts';
export { DEFAULT_DELIMITERS, readServiceString } from './service-string.ts';
export { BYTES_MAX, COMPONENTS_MAX, ELEMENTS_MAX, MESSAGES_MAX, SEGMENTS_MAX, tokenise } from './tokenise.ts';
export { rewrite, type WrittenSegment, writeSegment, writeSegments } from './write.ts';

/**
 * The door of hl7/: the syntax of HL7 v2 (chapter 2), and nothing about what a message means.
 *
 * Bytes go in, messages with their segments in order come out. It promises: the separators and the charset are the
 * message's own (MSH-1, MSH-2, MSH-18); two MSH never become one message; every field keeps its raw text; a line that is
 * no segment stays, as part of the field that it was wrapped out of; what is no HL7 is refused, never half read. It never
 * throws on content.
 */

import { isAscii } from 'node:buffer';
import { decoderFor } from './charset.ts';
import { type RawMessage, splitMessages } from './frame.ts';
import { HL7_BYTES_MAX, HL7_MESSAGES_MAX, segmentOverLimit } from './limits.ts';
import type { Hl7Segment } from './segment.ts';
import { segmentOf } from './segment.ts';
import { readSeparators, type Separators } from './separators.ts';

/** 1-based: MSH is segment 1, and MSH-1 is the field separator itself. */
export interface Hl7Position {
  readonly segment: number;
  readonly tag: string;
  readonly field?: number;
  readonly repetition?: number;
  readonly component?: number;
}

/** A deviation that did not stop the reading. Never content. */
export interface Hl7Warning {
  readonly code: string;
  readonly position: Hl7Position | null;
}

export interface Hl7Message {
  readonly kind: 'message';
  readonly separators: Separators;
  /** MSH-18 as sent, and what the bytes were decoded with. */
  readonly charset: { readonly declared: string | null; readonly used: string };
  readonly segments: readonly Hl7Segment[];
  readonly warnings: readonly Hl7Warning[];
  /** Decodes bytes of this message that a `\X..\` escape carries. */
  readonly decodeBytes: (bytes: Uint8Array) => string;
}

export interface RefusedMessage {
  readonly kind: 'refused';
  readonly code: 'hl7.syntax' | 'hl7.charset' | 'hl7.too-large';
  readonly position: Hl7Position | null;
}

/** A file or mail part: its messages, and what was odd about the envelope around them (FHS, BHS, loose text). */
export interface Hl7Interchange {
  readonly messages: readonly (Hl7Message | RefusedMessage)[];
  readonly warnings: readonly Hl7Warning[];
}

/** Reads a file or mail part. `mimeCharset` is only compared with what the message says itself: MSH-18 decides. */
export function readHl7(bytes: Buffer, mimeCharset: string | null = null): Hl7Interchange {
  if (bytes.length > HL7_BYTES_MAX) return wholeRefused('hl7.too-large', []);
  const split = splitMessages(bytes);
  if (split.messages.length === 0) return wholeRefused('hl7.syntax', split.warnings);
  if (split.messages.length > HL7_MESSAGES_MAX) return wholeRefused('hl7.too-large', split.warnings);
  const hasOnlyAscii = isAscii(bytes);
  const messages = split.messages.map((raw) => readMessage(raw, mimeCharset, hasOnlyAscii));
  return { messages, warnings: split.warnings };
}

function readMessage(raw: RawMessage, mimeCharset: string | null, hasOnlyAscii: boolean): Hl7Message | RefusedMessage {
  const separators = readSeparators(raw.lines[0] ?? '');
  if (separators === null) return refused('hl7.syntax', 2);
  const tooLong = segmentOverLimit(raw, separators);
  if (tooLong !== null) return overLimit(raw, tooLong);
  // MSH-18 names the charset of the line it stands in: its place is found in bytes, every charset read here is ASCII there.
  const header = segmentOf(raw.lines[0] ?? '', 1, separators);
  const declared = header.fields[18] ?? '';
  // Of ASCII the latin1 text is what any of these charsets would make of it.
  const bytes = hasOnlyAscii ? null : Buffer.from(raw.lines.join('\r'), 'latin1');
  const decoder = decoderFor(declared.split(separators.repetition || '~')[0] ?? '', bytes, mimeCharset);
  const lines = bytes === null ? raw.lines : decoder?.decode(bytes)?.split('\r');
  if (decoder === null || lines === undefined) return refused('hl7.charset', 18);
  const segments = lines.map((line, index) =>
    index === 0 && bytes === null ? header : segmentOf(line, index + 1, separators),
  );
  return {
    kind: 'message',
    separators,
    charset: { declared: declared === '' ? null : declared, used: decoder.used },
    segments,
    warnings: [
      ...decoder.warnings.map((code) => ({ code, position: { segment: 1, tag: 'MSH', field: 18 } })),
      ...raw.continued.map((index) => ({
        code: 'hl7.line-continued',
        position: { segment: index + 1, tag: segments[index]?.name ?? '' },
      })),
    ],
    decodeBytes: decoder.decodeEscaped,
  };
}

function wholeRefused(code: RefusedMessage['code'], warnings: readonly Hl7Warning[]): Hl7Interchange {
  return { messages: [{ kind: 'refused', code, position: null }], warnings };
}

// Only the lines that begin a segment have a name; 0 is the message as a whole.
function overLimit({ lines }: RawMessage, segment: number): RefusedMessage {
  if (segment === 0) return refused('hl7.too-large', null);
  const position = { segment, tag: (lines[segment - 1] ?? '').slice(0, 3) };
  return { kind: 'refused', code: 'hl7.too-large', position };
}

function refused(code: RefusedMessage['code'], field: number | null): RefusedMessage {
  return { kind: 'refused', code, position: { segment: 1, tag: 'MSH', ...(field === null ? {} : { field }) } };
}

export { escapeText, unescapeText } from './escape.ts';
export { componentsOf, fieldOf, type Hl7Segment, repetitionsOf, subcomponentsOf } from './segment.ts';
export type { Separators } from './separators.ts';
export { writeHl7Message } from './write.ts';

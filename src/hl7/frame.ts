/**
 * From bytes to messages, before any charset is known: the bytes are handled as latin1, one character per byte, so that
 * nothing is lost and each message can then be decoded by its own MSH-18.
 *
 * MLLP framing and byte order marks are stripped, FHS/BHS batches opened, several bare MSH in one file kept apart, and
 * lines that are no segment joined to the segment that they were wrapped out of.
 */

import type { Hl7Warning } from './hl7.ts';
import { isPunctuation } from './separators.ts';

export interface RawMessage {
  /** One entry per segment; a continuation line is joined to it by a line feed. */
  readonly lines: readonly string[];
  /** Indexes in `lines` of the segments that had continuation lines. */
  readonly continued: readonly number[];
}

const BOM = '\xef\xbb\xbf';
const MLLP_START = '\x0b';
const MLLP_END = '\x1c';

/** Splits bytes into messages. No message at all means that this is no HL7. */
export function splitMessages(bytes: Buffer): { messages: readonly RawMessage[]; warnings: readonly Hl7Warning[] } {
  const text = bytes.toString('latin1').replaceAll(`${MLLP_END}${MLLP_START}`, '\r');
  const state = new Splitting();
  // The standard's own line end is a carriage return alone: looking for the others costs time.
  for (const line of text.split(text.includes('\n') ? /\r\n|\r|\n/ : '\r')) {
    if (!state.take(unframed(line))) return { messages: [], warnings: [] };
  }
  return { messages: state.finished(), warnings: state.warnings };
}

// MLLP belongs on a socket, but dumps of one are mailed (hl7v2.md, "Charset and framing"); a BOM may stand before every
// file that was pasted into one.
function unframed(line: string): string {
  let bare = line;
  while (bare.startsWith(MLLP_START) || bare.startsWith(BOM)) bare = bare.slice(bare.startsWith(BOM) ? BOM.length : 1);
  while (bare.endsWith(MLLP_END)) bare = bare.slice(0, -1);
  return bare;
}

class Splitting {
  readonly warnings: Hl7Warning[] = [];
  readonly #messages: { lines: string[][] }[] = [];
  #isInMessage = false;
  #separator = '';
  #blankLines = 0;
  #isBatchOpen = false;
  #batches = 0;
  #messagesInBatch = 0;

  /** Takes the next line; false when text stands where a message must begin: then this is no HL7 file. */
  take(line: string): boolean {
    if (line.trim() === '') {
      this.#blankLines++;
      return true;
    }
    if (isHeader(line, this.#separator)) this.#startMessage(line);
    else if (this.#isEnvelope(line)) this.#takeEnvelope(line);
    else if (this.#isInMessage) this.#takeLine(line);
    else if (this.#separator === '') return false;
    // Text after a batch is a mail's footer, not a result: reported, and not glued to the message before it.
    else this.#warn('hl7.text-outside-message');
    this.#blankLines = 0;
    return true;
  }

  finished(): readonly RawMessage[] {
    if (this.#isBatchOpen) this.#warn('hl7.batch-not-closed');
    return this.#messages.map(({ lines }) => ({
      lines: lines.map((parts) => (parts.length === 1 ? (parts[0] ?? '') : parts.join('\n'))),
      continued: lines.flatMap((parts, index) => (parts.length > 1 ? [index] : [])),
    }));
  }

  #startMessage(line: string): void {
    this.#separator = line[3] ?? '';
    this.#isInMessage = true;
    this.#messagesInBatch++;
    this.#messages.push({ lines: [[line]] });
  }

  // `[A-Z][A-Z0-9]{2}` and the field separator begin a segment. Any other line was wrapped inside a text: it is kept as
  // part of it, blank lines between included, since a dropped line is a dropped result (hl7v2.md, "Charset and framing").
  #takeLine(line: string): void {
    const segments = this.#messages.at(-1)?.lines ?? [];
    const isSegment = /^[A-Z][A-Z0-9]{2}/.test(line) && line[3] === this.#separator;
    if (isSegment) segments.push([line]);
    else segments.at(-1)?.push('\n'.repeat(this.#blankLines) + line);
  }

  // A trailer needs no field, so `FTS` alone is one; outside a batch those three letters are a text.
  #isEnvelope(line: string): boolean {
    const name = line.slice(0, 3);
    if (name === 'FHS' || name === 'BHS') return isPunctuation(line[3] ?? '');
    const isTrailer = name === 'BTS' || name === 'FTS';
    return isTrailer && (line[3] === this.#separator || (line.length === 3 && this.#isBatchOpen));
  }

  #takeEnvelope(line: string): void {
    const name = line.slice(0, 3);
    if (name === 'FHS' || name === 'BHS') this.#separator = line[3] ?? '';
    if (name === 'BHS') {
      this.#batches++;
      this.#messagesInBatch = 0;
    }
    const stated = line.split(this.#separator)[1]?.trim() ?? '';
    if (name === 'BTS') this.#compareCount(stated, this.#messagesInBatch);
    if (name === 'FTS' && this.#batches > 0) this.#compareCount(stated, this.#batches);
    this.#isBatchOpen = name === 'FHS' || name === 'BHS';
    this.#isInMessage = false;
  }

  // BTS-1 and FTS-1 are optional; where they are filled and differ, a message may have been lost on the way.
  #compareCount(stated: string, counted: number): void {
    if (stated !== '' && Number(stated) !== counted) this.#warn('hl7.batch-count-mismatch');
  }

  #warn(code: string): void {
    if (!this.warnings.some((warning) => warning.code === code)) this.warnings.push({ code, position: null });
  }
}

// A second MSH may have other separators than the first; a text line that begins with "MSH" is none.
function isHeader(line: string, separator: string): boolean {
  if (!line.startsWith('MSH') || !isPunctuation(line[3] ?? '')) return false;
  return separator === '' || line[3] === separator || /^MSH(.)[!-/:-@[-`{-~]{2,5}?\1/.test(line);
}

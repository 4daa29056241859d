/**
 * Segments to messages: UNB..UNZ around UNH..UNT, or a bare UNH..UNT as it comes through ZorgMail mailboxes. Several
 * messages and several interchanges are accepted. Counts and references are checked, and only warned about: public
 * fixtures break both (edifact.md §2).
 */

import type { EdifactMessage, Envelope, Segment, SyntaxWarning } from './edifact.ts';
import { componentText, elementText, positionOf } from './segment.ts';

interface OpenMessage {
  readonly header: Segment;
  readonly body: Segment[];
}

/** Groups the segments of one payload. A message that never ends has `trailer: null`. */
export function readEnvelope(segments: readonly Segment[]): Envelope {
  const reader = new EnvelopeReader();
  for (const segment of segments) reader.take(segment);
  return reader.finish();
}

class EnvelopeReader {
  private readonly messages: EdifactMessage[] = [];
  private readonly strays: Segment[] = [];
  private readonly warnings: SyntaxWarning[] = [];
  private interchange: { readonly header: Segment | null; readonly messages: EdifactMessage[] } | null = null;
  private open: OpenMessage | null = null;
  private isInStrays = false;

  take(segment: Segment): void {
    const wasInStrays = this.isInStrays;
    this.isInStrays = false;
    if (segment.tag === 'UNH') {
      this.closeMessage(null);
      this.open = { header: segment, body: [] };
    } else if (segment.tag === 'UNB') {
      this.closeInterchange(null);
      this.interchange = { header: segment, messages: [] };
    } else if (segment.tag === 'UNZ' && this.interchange !== null) {
      this.closeInterchange(segment);
    } else if (segment.tag === 'UNG' || segment.tag === 'UNE') {
      // Functional groups are allowed by the syntax and say nothing that we need.
      this.closeMessage(null);
    } else if (this.open !== null && segment.tag === 'UNT') {
      this.closeMessage(segment);
    } else if (this.open !== null && segment.tag !== 'UNZ') {
      this.open.body.push(segment);
    } else {
      this.takeStray(segment, wasInStrays);
    }
  }

  finish(): Envelope {
    this.closeInterchange(null);
    return { messages: this.messages, strays: this.strays, warnings: this.warnings };
  }

  // Segments without a UNH are a message that we cannot name; other text (a mail footer) is only mentioned.
  private takeStray(segment: Segment, wasInStrays: boolean): void {
    if (/^[A-Z]{3}$/.test(segment.tag)) {
      this.isInStrays = true;
      if (!wasInStrays) this.strays.push(segment);
    } else {
      this.warnings.push({ code: 'edifact.text-outside-message', position: positionOf(segment) });
    }
  }

  private closeMessage(trailer: Segment | null): void {
    if (this.open === null) return;
    const { header, body } = this.open;
    const warnings = trailer === null ? [] : trailerWarnings(header, body, trailer);
    this.interchange ??= { header: null, messages: [] };
    this.interchange.messages.push({ interchange: this.interchange.header, header, body, trailer, warnings });
    this.open = null;
  }

  private closeInterchange(trailer: Segment | null): void {
    this.closeMessage(null);
    if (this.interchange === null) return;
    const { header, messages } = this.interchange;
    const warnings = interchangeWarnings(header, messages.length, trailer);
    // Messages are read apart from each other, so each of them carries what is wrong with their envelope.
    this.messages.push(...messages.map((one) => ({ ...one, warnings: [...one.warnings, ...warnings] })));
    if (messages.length === 0) this.warnings.push(...warnings);
    this.interchange = null;
  }
}

function trailerWarnings(header: Segment, body: readonly Segment[], trailer: Segment): SyntaxWarning[] {
  // UNT.1 counts UNH and UNT too.
  const count = body.length + 2;
  return [
    ...unless(isCount(trailer, count), 'edifact.segment-count-mismatch', trailer, 1),
    ...unless(isSameReference(header, 1, trailer), 'edifact.reference-mismatch', trailer, 2),
    ...unless(trailer.isTerminated, 'edifact.terminator-missing', trailer),
  ];
}

function interchangeWarnings(header: Segment | null, messageCount: number, trailer: Segment | null): SyntaxWarning[] {
  // A bare UNH..UNT has neither, and is as good.
  if (header === null) return trailer === null ? [] : unless(false, 'edifact.interchange-not-opened', trailer);
  if (trailer === null) return [{ code: 'edifact.interchange-not-closed', position: positionOf(header) }];
  return [
    ...unless(isCount(trailer, messageCount), 'edifact.message-count-mismatch', trailer, 1),
    ...unless(isSameReference(header, 5, trailer), 'edifact.reference-mismatch', trailer, 2),
    ...unless(trailer.isTerminated, 'edifact.terminator-missing', trailer),
  ];
}

function isCount(trailer: Segment, expected: number): boolean {
  const text = elementText(trailer, 1)?.trim() ?? '';
  return /^\d{1,9}$/.test(text) && Number(text) === expected;
}

function isSameReference(header: Segment, element: number, trailer: Segment): boolean {
  return componentText(header, element, 1)?.trim() === componentText(trailer, 2, 1)?.trim();
}

function unless(isFine: boolean, code: string, segment: Segment, element?: number): SyntaxWarning[] {
  return isFine ? [] : [{ code, position: positionOf(segment, element) }];
}

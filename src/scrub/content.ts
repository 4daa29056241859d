/** The content of a file or of one part of a mail, by what it is. Throws Unscrubbable for what it cannot replace. */

import { documentInstead } from './documents.ts';
import { scrubEdifact } from './edifact.ts';
import { type Edit, editOf, movedBy } from './edit.ts';
import { scrubHl7 } from './hl7.ts';
import type { Policies } from './policies.ts';
import type { NotScrubbed } from './scrub.ts';

export class Unscrubbable extends Error {
  readonly code: NotScrubbed['code'];

  constructor(code: NotScrubbed['code']) {
    super(code);
    this.code = code;
  }
}

const EDIFACT_START = /(?:UNA[^A-Za-z0-9\s].{4,5}\s*(?=UN[BH])|UNB\+UNO|UNH\+)/;
const HL7_START = /(?<![^\s])(?:MSH|FHS|BHS)[!-/:-@[-`{-~]/;

/** The edits for a content; `contentType` in lower case. */
export function scrubContent(text: string, contentType: string, policies: Policies): readonly Edit[] {
  const instead = documentInstead(contentType, Buffer.from(text, 'latin1'));
  if (instead !== null) return [{ start: 0, end: text.length, text: instead.toString('latin1') }];
  refuseBinary(text, contentType);
  if (/^\s*</.test(text) || /html|xml/.test(contentType)) return scrubMarkup(text, policies);
  return scrubText(text, policies);
}

function refuseBinary(text: string, contentType: string): void {
  if (text.includes('\0')) throw new Unscrubbable(isWide(text) ? 'wide-charset' : 'binary-part');
  const controls = [...text].filter((char) => char < '\t' || (char > '\r' && char < '\x1b')).length;
  // MLLP frames a message with two or three of them; a file that is no text has more.
  if (/^(?:audio|video|font)\//.test(contentType) || controls > 16) throw new Unscrubbable('binary-part');
}

// Letters and zero bytes in turn: UTF-16.
function isWide(text: string): boolean {
  return [...text].filter((char, at) => char === '\0' && /[ -~]/.test(text[at + 1] ?? '')).length * 3 > text.length;
}

/** Text, and from where a message begins in it the message: a greeting may stand before it. */
export function scrubText(text: string, policies: Policies): readonly Edit[] {
  const starts = [EDIFACT_START, HL7_START].map((pattern) => text.search(pattern));
  const [edifact = -1, hl7 = -1] = starts;
  const isEdifact = edifact !== -1 && (hl7 === -1 || edifact < hl7);
  const from = isEdifact ? edifact : hl7;
  if (from === -1) return looseLines(text, policies);
  // A byte order mark is no text: changed, the message would no longer be recognised.
  const mark = /^(?:\xef\xbb\xbf)*/.exec(text)?.[0].length ?? 0;
  const head = editOf(text, mark, from, (sent) => policies.text(sent));
  const message = isEdifact ? scrubEdifact(text.slice(from), policies) : scrubHl7(text.slice(from), policies);
  if (message === null) throw new Unscrubbable('too-large');
  return [...head, ...movedBy(message, from)];
}

// A message that lost its head still has its segments.
function looseLines(text: string, policies: Policies): readonly Edit[] {
  const isEdifact = /^(?:PID|ZKH|DET|IDE|BEP)(?::\d+)*\+/m.test(text);
  const message = isEdifact ? scrubEdifact(text, policies) : null;
  return message ?? editOf(text, 0, text.length, (sent) => policies.text(sent));
}

// Names of elements and attributes stay; what stands between and in them is text.
function scrubMarkup(text: string, policies: Policies): readonly Edit[] {
  const edits: Edit[] = [];
  for (const match of text.matchAll(/<[^<>]*>|[^<>]+/g)) {
    const [piece] = match;
    const { index } = match;
    if (!piece.startsWith('<')) edits.push(...movedBy(scrubText(piece, policies), index));
    else if (piece.startsWith('<!--'))
      edits.push(...editOf(text, index, index + piece.length, (sent) => policies.text(sent)));
    else if (!piece.startsWith('<?') && !piece.startsWith('<!'))
      for (const value of piece.matchAll(/=\s*("[^"]*"|'[^']*')/g)) {
        const start = index + value.index + value[0].length - (value[1]?.length ?? 0) + 1;
        edits.push(...editOf(text, start, index + value.index + value[0].length - 1, (sent) => policies.text(sent)));
      }
  }
  return edits;
}

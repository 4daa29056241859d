/**
 * A mail, walked without taking it apart: every header, every part inside its transfer encoding, nested mails too;
 * delimiters, preambles' places and line ends stay. What is no MIME as it should be is text.
 */

import type { Edit } from './edit.ts';
import { openTransfer } from './transfer.ts';

export interface MailVisitor {
  /** What comes in the place of a field's value. */
  header(name: string, value: string): string;
  /** A boundary, in its header and in every delimiter. */
  boundary(text: string): string;
  /** The edits of a decoded part. */
  part(text: string, contentType: string): readonly Edit[];
}

const DEPTH_MAX = 20;

/** The mail as text, one character per byte, with what the visitor says in the place of its contents. */
export function mapMail(raw: string, visitor: MailVisitor, depth = 0): string {
  const { head, body } = halves(raw);
  const fields = fieldsOf(head);
  const madeHead = fields
    .map(
      ({ name, before, value }) => before + (name === null ? visitor.header('', value) : visitor.header(name, value)),
    )
    .join('');
  return madeHead + mapBody(body, fields, visitor, depth);
}

interface Field {
  /** Lower case; null for a line that is no field. */
  readonly name: string | null;
  /** `Name:`, as it stands. */
  readonly before: string;
  readonly value: string;
}

function halves(raw: string): { readonly head: string; readonly body: string } {
  if (/^\r?\n/.test(raw)) return { head: '', body: raw };
  const end = /\r?\n(?=\r?\n)/.exec(raw);
  if (end === null) return { head: raw, body: '' };
  const at = end.index + end[0].length;
  return { head: raw.slice(0, at), body: raw.slice(at) };
}

function fieldsOf(head: string): readonly Field[] {
  const lines = head.match(/[^\n]*(?:\n[ \t][^\n]*)*(?:\n|$)/g) ?? [];
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const match = /^([!-9;-~]+)([ \t]*:)/.exec(line);
      if (match === null) return { name: null, before: '', value: line };
      return { name: (match[1] ?? '').toLowerCase(), before: match[0], value: line.slice(match[0].length) };
    });
}

function mapBody(body: string, fields: readonly Field[], visitor: MailVisitor, depth: number): string {
  const fieldText = (name: string) =>
    fields
      .find((field) => field.name === name)
      ?.value.replace(/\r?\n/g, '')
      .trim() ?? '';
  const declared = fieldText('content-type');
  const contentType = /^[^;\s]*/.exec(declared)?.[0].toLowerCase() ?? '';
  const boundary = /boundary\s*=\s*(?:"([^"]*)"|([^;\s]+))/i.exec(declared);
  const delimiter = boundary === null ? '' : `--${boundary[1] ?? boundary[2] ?? ''}`;
  if (contentType.startsWith('multipart/') && delimiter.length > 2 && depth < DEPTH_MAX)
    return mapParts(body, delimiter, visitor, depth);
  const encoding = fieldText('content-transfer-encoding').toLowerCase();
  // The blank line between head and body is nobody's content.
  const [, blank = '', content = ''] = /^(\r?\n)?([\s\S]*)$/.exec(body) ?? [];
  const { decoded, reencode } = openTransfer(content, encoding);
  if (/^message\/(?:rfc822|global)$/.test(contentType) && depth < DEPTH_MAX) {
    return (
      blank +
      reencode(
        [{ start: 0, end: decoded.length, text: mapMail(decoded, visitor, depth + 1) }].filter(() => decoded !== ''),
      )
    );
  }
  return blank + (decoded === '' ? content : reencode(visitor.part(decoded, contentType || 'text/plain')));
}

function mapParts(body: string, delimiter: string, visitor: MailVisitor, depth: number): string {
  let made = '';
  let piece = '';
  let isInPart = false;
  const close = () => {
    if (isInPart) made += mapMail(piece, visitor, depth + 1);
    else made += piece.trim() === '' ? piece : mapLoose(piece, visitor);
    piece = '';
  };
  for (const line of body.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    const rest = line.startsWith(delimiter) ? line.slice(delimiter.length) : null;
    if (rest === null || !/^(?:--)?[ \t]*\r?\n?$/.test(rest)) {
      piece += line;
      continue;
    }
    // The line end before a delimiter belongs to it (RFC 2046 §5.1.1).
    const [lineEnd = ''] = isInPart ? (/\r?\n$/.exec(piece) ?? []) : [];
    piece = piece.slice(0, piece.length - lineEnd.length);
    close();
    made += `${lineEnd}--${visitor.boundary(delimiter.slice(2))}${rest}`;
    isInPart = !rest.startsWith('--');
  }
  close();
  return made;
}

function mapLoose(text: string, visitor: MailVisitor): string {
  return openTransfer(text, '').reencode(visitor.part(text, 'text/plain'));
}

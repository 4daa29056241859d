/** OBX-5 of type ED: `source^type^subtype^encoding^data`, a document inside the message. */

import { createHash } from 'node:crypto';
import { componentsOf, fieldOf, type Hl7Segment, repetitionsOf } from '../../hl7/hl7.ts';
import { type Context, componentOf, textAt, wholeText } from './context.ts';

export interface Encapsulated {
  readonly contentType: string;
  readonly bytes: Buffer;
  readonly sha256: string;
}

/** A document, a text that was encapsulated without need, or data that cannot be decoded. */
export type EncapsulatedReading =
  | { readonly kind: 'document'; readonly document: Encapsulated }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'unreadable' };

/** Characters of one OBX-5 of type ED: some 27 MiB in base64. A mail's own limit is far below it. */
export const ENCODED_CHARACTERS_MAX = 36 * 1024 * 1024;

const MIME_TYPES = new Set(['application', 'audio', 'image', 'text', 'video']);

/** The documents of an OBX, one per repetition of OBX-5. */
export function readEncapsulated(context: Context, obx: Hl7Segment): readonly EncapsulatedReading[] {
  return repetitionsOf(fieldOf(obx, 5), context.hl7Message.separators)
    .filter((repetition) => repetition !== '')
    .map((repetition) => readRepetition(context, repetition));
}

/** The first OBX whose document is over the limit, or null. */
export function oversizedDocument(context: Context): Hl7Segment | null {
  const { segments } = context.hl7Message;
  return segments.find((segment) => segment.name === 'OBX' && isOversized(context, segment)) ?? null;
}

function isOversized(context: Context, obx: Hl7Segment): boolean {
  return fieldOf(obx, 5).length > ENCODED_CHARACTERS_MAX && textAt(context, obx, 2) === 'ED';
}

function readRepetition(context: Context, repetition: string): EncapsulatedReading {
  const [, type, subtype, encoding] = [1, 2, 3, 4].map((component) => componentOf(context, repetition, component));
  const { component } = context.hl7Message.separators;
  // Text may hold an unescaped separator: everything from the fifth component on is data.
  const data = componentsOf(repetition, context.hl7Message.separators).slice(4).join(component);
  const text = wholeText(context, data);
  const contentType = contentTypeOf(type ?? '', subtype ?? '');
  switch (encoding?.toLowerCase()) {
    case 'base64':
      return documentOf(contentType, 'base64', text);
    case 'hex':
      return documentOf(contentType, 'hex', text);
    case 'a':
    case undefined:
      return text.trim() === '' ? { kind: 'unreadable' } : { kind: 'text', text };
    default:
      return { kind: 'unreadable' };
  }
}

// Base64 in a message is wrapped, by raw or escaped line ends, and may hold blanks (seen): they are no part of it.
function documentOf(contentType: string, encoding: 'base64' | 'hex', text: string): EncapsulatedReading {
  const bare = text.replace(/\s+/g, '');
  if (!(encoding === 'hex' ? isHex(bare) : isBase64(bare))) return { kind: 'unreadable' };
  const bytes = Buffer.from(bare, encoding);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { kind: 'document', document: { contentType, bytes, sha256 } };
}

// Many megabytes long: looked through for what does not belong, since a pattern of the whole would exhaust its stack.
function isBase64(text: string): boolean {
  const bare = text.replace(/={1,2}$/, '');
  return bare.length > 1 && bare.length % 4 !== 1 && !/[^A-Za-z0-9+/]/.test(bare);
}

function isHex(text: string): boolean {
  return text.length > 0 && text.length % 2 === 0 && !/[^0-9A-Fa-f]/.test(text);
}

function contentTypeOf(type: string, subtype: string): string {
  const [top, sub] = [type.toLowerCase(), subtype.toLowerCase()];
  if (top === 'pdf' || sub === 'pdf' || top === 'application/pdf') return 'application/pdf';
  if (/^[a-z]+\/[a-z0-9.+-]+$/.test(top)) return top;
  if (MIME_TYPES.has(top) && /^[a-z0-9.+-]+$/.test(sub)) return `${top}/${sub}`;
  return 'application/octet-stream';
}

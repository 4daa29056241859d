/**
 * What bytes are, by how they begin (formats/edifact.md §7: the MIME shape that ZorgMail uses is unknown, so content
 * decides and never a content type or a file name), and what only resembles a payload.
 */

import type { PayloadKind } from './mail.ts';

/** The kind of bytes that begin as a payload, or null. */
export function sniffStart(bytes: Buffer): Exclude<PayloadKind, 'resembles'> | null {
  for (const view of viewsOf(bytes.subarray(0, START_BYTES))) {
    const start = withoutBlanks(view);
    if (/^(UNA[^A-Za-z0-9\s]|UNB\+|UNH\+)/.test(start)) return 'edifact';
    if (/^(MSH|FHS|BHS)[^A-Za-z0-9\s]/.test(start)) return 'hl7';
    if (isXml(start)) return 'xml';
  }
  return null;
}

/** Whether a payload, or what is left of one, stands in bytes that do not begin as one. */
export function resemblesPayload(bytes: Buffer): boolean {
  return viewsOf(bytes).some((text) => RESEMBLING.some((pattern) => pattern.test(text)));
}

/** How many lines begin like an interchange or a message: to see that none of them stayed outside the parts. */
export function countStarts(raw: Buffer): number {
  return raw.toString('latin1').match(/^(?:UNA[^A-Za-z0-9\s].{5}|UNB\+|UNH\+|(?:MSH|FHS|BHS)\|)/gm)?.length ?? 0;
}

// Bytes as text for looking at, never for reading: always byte for byte, and as UTF-16 where they may be that. Both are
// looked at, since a stray zero byte before a plain payload looks like UTF-16 too.
function viewsOf(bytes: Buffer): readonly string[] {
  const plain = bytes.toString('latin1');
  const [first, second] = bytes;
  if ((first === 0xfe && second === 0xff) || (first === 0 && second !== 0)) return [plain, fromBigEndian(bytes)];
  if ((first === 0xff && second === 0xfe) || (first !== 0 && second === 0)) return [plain, fromLittleEndian(bytes)];
  return [plain];
}

// Blanks and framing before a payload may be of any length that a person would send; more is doubt (`resembles`).
const START_BYTES = 4096;

const RESEMBLING: readonly RegExp[] = [
  // A payload that starts further down, after a greeting, a quotation mark or in other letter case.
  /^[ \t\v>|*]*(?:UNA[:.,;]|UNB[+:]|UNH\+|MSH[|^])/im,
  // In the middle of a line or of another file (TNEF, an archive without compression, an Outlook item).
  /UNB\+UNO[A-Z][:+]/i,
  /UNH\+[^+']{1,17}\+MED(?:LAB|RPT|VRI|VRY|SPE|RAD|EUR)/i,
  /MSH.\^[~_]\\/i,
  // ZorgMail's XML under a type that hides it, such as text/html.
  /<(?:\w{1,20}:)?(?:MEDLAB|MEDVRI|MEDVRY|MEDSPE|MEDRAD|MEDRPT|ZorgMail)[\s>/:]/i,
  // The same in a document that is UTF-16 from somewhere in the middle.
  /U\0N\0B\0\+\0U\0N\0O\0|M\0S\0H\0\|\0\^\0/,
  // A message that lost its head.
  /^[ \t>]*(?:BEP|IDE|DET|ZKH|UNT|UNZ)\+.*'/m,
  /^[ \t>]*(?:PID|OBR|OBX)\|.*\|/m,
  // A payload that is still wrapped: base64 of UNA, UNB, UNH or MSH| under a plain encoding, or uuencode.
  /^(?:VU5[BCI]|TVNIf)[A-Za-z0-9+/]{16}/m,
  /^begin [0-7]{3,4} \S/m,
];

const BYTE_ORDER_MARK = /^(?:\u00ef\u00bb\u00bf|\ufeff)/;

function withoutBlanks(text: string): string {
  return text
    .replace(BYTE_ORDER_MARK, '')
    .replace(/^[\s\0]+/, '')
    .replace(BYTE_ORDER_MARK, '');
}

// HTML and pictures are XML-like too, and are in most newsletters and signatures: they are never a payload.
const HTML_NAMES =
  /^(?:!doctype|html|head|body|meta|title|style|table|div|span|p|br|b|i|a|h[1-6]|ul|ol|font|center|img|svg|pre)$/i;

function isXml(start: string): boolean {
  const prologue = start.replace(/^<\?xml[^>]{0,200}\?>/, '').replace(/^(?:\s|<!--[^>]{0,1000}-->)+/, '');
  const name = /^<(!?[A-Za-z_](?:[\w.:-]{0,100}\w)?)(?=\s|>|\/>)/.exec(prologue)?.[1];
  if (name === undefined) return prologue !== start && prologue.startsWith('<');
  return !HTML_NAMES.test(name);
}

function fromBigEndian(bytes: Buffer): string {
  return fromLittleEndian(Buffer.from(wholeUnits(bytes)).swap16());
}

// The only door to Node's UTF-16: of an odd number of bytes at an odd address it writes one byte past its own memory
// (nodejs/node#64697), and what a mail holds decides both.
function fromLittleEndian(bytes: Buffer): string {
  return wholeUnits(bytes).toString('utf16le');
}

function wholeUnits(bytes: Buffer): Buffer {
  return bytes.subarray(0, bytes.length - (bytes.length % 2));
}

/** A file as a person reads it: one line per segment or line, parts of a mail decoded, bytes that are no text counted. */

import { mapMail } from './mail.ts';
import type { Scrubbed } from './scrub.ts';

const SEGMENT_BREAK = /(?<=[^?]')(?=[A-Z]{3}[+:])/;

export function shownLines(bytes: Buffer, extension: Scrubbed['extension']): readonly string[] {
  const text = bytes.toString('latin1');
  if (extension !== 'eml') return linesOf(text);
  const lines: string[] = [];
  mapMail(text, {
    header: (name, value) => {
      lines.push(...linesOf(`${name}:${value}`));
      return value;
    },
    boundary: (text) => text,
    part: (part, contentType) => {
      lines.push('', `--- ${contentType}`, ...linesOf(part));
      return [];
    },
  });
  return lines;
}

function linesOf(text: string): readonly string[] {
  if (text.includes('\0') || /%PDF-|^\x89PNG|^PK/.test(text.slice(0, 1024))) return [`[${text.length} bytes]`];
  const utf8 = Buffer.from(text, 'latin1').toString('utf8');
  const readable = utf8.includes('\ufffd') ? text : utf8;
  const lines = readable.split(/\r\n|\r|\n/).flatMap((line) => line.split(SEGMENT_BREAK));
  // What would steer a terminal is not shown as it is.
  const shown = lines.map((line) => line.replace(/\p{Cc}/gu, '·'));
  return shown.at(-1) === '' ? shown.slice(0, -1) : shown;
}

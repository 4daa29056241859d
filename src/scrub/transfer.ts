/**
 * Content inside its transfer encoding (RFC 2045 §6), decoded for scrubbing and put back: what was not edited keeps its
 * very characters, soft line breaks and line lengths included, and damage stays where it was.
 */

import { applyEdits, type Edit } from './edit.ts';

export interface Encoded {
  /** One character per byte. */
  readonly decoded: string;
  /** The part's raw text with these edits in its decoded content. */
  reencode(edits: readonly Edit[]): string;
}

export function openTransfer(raw: string, encoding: string): Encoded {
  if (encoding === 'base64') return openBase64(raw);
  if (encoding === 'quoted-printable') return openQuotedPrintable(raw);
  return { decoded: raw, reencode: (edits) => applyEdits(raw, edits) };
}

function openBase64(raw: string): Encoded {
  const decoded = Buffer.from(raw.replace(/[^A-Za-z0-9+/]/g, ''), 'base64').toString('latin1');
  return {
    decoded,
    reencode: (edits) => {
      if (edits.length === 0) return raw;
      const made = applyEdits(decoded, edits);
      const text = Buffer.from(made, 'latin1').toString('base64');
      if (made.length !== decoded.length) return wrapped(text, raw);
      // Into the places of the old characters: line ends, blanks and what does not belong there stay.
      const letters = text.replace(/=+$/, '');
      let at = 0;
      return raw.replace(/[A-Za-z0-9+/]/g, (old) => letters[at++] ?? old);
    },
  };
}

function wrapped(text: string, like: string): string {
  const width = /^\s*(\S+)/.exec(like)?.[1]?.length ?? 76;
  const lineEnd = like.includes('\r\n') ? '\r\n' : '\n';
  const lines = text.match(new RegExp(`.{1,${Math.max(4, width)}}`, 'g')) ?? [];
  const [, before = '', after = ''] = /^(\s*)[\s\S]*?(\s*)$/.exec(like) ?? [];
  return before + lines.join(lineEnd) + after;
}

interface Token {
  readonly raw: string;
  /** Null: no byte of the content (a soft break, a blank at the end of a line). */
  readonly byte: string | null;
}

const QUOTED = /(?<none>=[ \t]*(?:\r?\n|$)|[ \t]+(?=\r?\n|$))|(?<hex>=[0-9A-Fa-f]{2})|[\s\S]/g;

function openQuotedPrintable(raw: string): Encoded {
  const tokens = [...raw.matchAll(QUOTED)].map(({ 0: token, groups }): Token => {
    if (groups?.['none'] !== undefined) return { raw: token, byte: null };
    const isHex = groups?.['hex'] !== undefined;
    return { raw: token, byte: isHex ? String.fromCharCode(Number.parseInt(token.slice(1), 16)) : token };
  });
  const decoded = tokens.map(({ byte }) => byte ?? '').join('');
  return { decoded, reencode: (edits) => rewritten(tokens, edits) };
}

// Each new byte in the place of an old one and written as that was; what is left over comes after the last.
function rewritten(tokens: readonly Token[], edits: readonly Edit[]): string {
  let made = '';
  let at = 0;
  let next = 0;
  for (const { raw, byte } of tokens) {
    const edit = edits[next];
    if (byte === null || edit === undefined || at < edit.start) made += raw;
    else {
      const isLast = at === edit.end - 1;
      const bytes = isLast ? edit.text.slice(at - edit.start) : (edit.text[at - edit.start] ?? '');
      made += [...bytes].map((one) => quoted(one, raw.length === 3)).join('');
      if (isLast) next += 1;
    }
    if (byte !== null) at += 1;
  }
  return made;
}

function quoted(byte: string, isQuoted: boolean): string {
  const isPlain = /^[\t\r\n !-<>-~]$/.test(byte);
  if (isPlain && !isQuoted) return byte;
  return `=${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

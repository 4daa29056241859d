/**
 * A mail as a person reads it: the headers that say who, when and about what, and its parts as text. For a mail that no
 * reader understands; nothing is concluded from it, so characters that cannot be decoded are shown as such.
 */

import type { ReadableMail, ReadablePart } from './mail.ts';
import { type LeafPart, splitMail } from './parts.ts';
import { MAIL_DEPTH_MAX, MAIL_PARTS_MAX } from './unwrap.ts';

const HEADERS = ['From', 'Reply-To', 'To', 'Cc', 'Date', 'Subject', 'Message-ID', 'In-Reply-To', 'Auto-Submitted'];

/** Never throws for what the bytes hold: what cannot be split is one part, as it stands. */
export async function readableMail(raw: Buffer): Promise<ReadableMail> {
  return opened(raw, '', 0);
}

async function opened(raw: Buffer, prefix: string, depth: number): Promise<ReadableMail> {
  const mail = depth > MAIL_DEPTH_MAX ? null : await splitMail(raw, prefix, MAIL_PARTS_MAX + 1);
  if (mail === null || typeof mail === 'string') {
    const path = `${prefix}?`;
    return {
      headers: [],
      parts: [{ path, contentType: 'message/rfc822', bytes: raw.length, text: textOf(raw, null) }],
    };
  }
  const parts: ReadablePart[] = [];
  for (const leaf of mail.leaves) parts.push(...(await partsOf(leaf, depth)));
  const headers = HEADERS.flatMap((name) =>
    mail.header(name.toLowerCase()).map((value) => ({ name, value: decodedHeader(value) })),
  );
  return { headers, parts };
}

async function partsOf(leaf: LeafPart, depth: number): Promise<readonly ReadablePart[]> {
  const { path, contentType, charset, bytes } = leaf;
  if (contentType === 'message/rfc822' && leaf.isDecoded) {
    const inside = await opened(bytes, `${path}.`, depth + 1);
    const header = inside.headers.map(({ name, value }) => `${name}: ${value}`).join('\n');
    return [{ path, contentType, bytes: bytes.length, text: header }, ...inside.parts];
  }
  const text = isText(leaf) ? textOf(bytes, charset) : null;
  const shown = text !== null && contentType === 'text/html' ? withoutTags(text) : text;
  return [{ path, contentType, bytes: bytes.length, text: shown }];
}

// By its bytes too: EDIFACT comes as application/octet-stream.
function isText({ contentType, bytes }: LeafPart): boolean {
  return /^(?:text|message)\//.test(contentType) || !bytes.includes(0);
}

function textOf(bytes: Buffer, charset: string | null): string {
  for (const label of [charset, 'utf-8']) {
    try {
      if (label !== null) return new TextDecoder(label, { fatal: true }).decode(bytes);
    } catch {
      // Not what it says it is.
    }
  }
  return new TextDecoder('windows-1252').decode(bytes);
}

const ENCODED_WORD =
  /=\?([A-Za-z0-9._-]{1,40})(?:\*[A-Za-z0-9-]{0,40})?\?([BbQq])\?([^? ]{0,4000})\?=(?:[ \t\r\n]+(?==\?))?/g;

/** RFC 2047, and headers in UTF-8 as they stand. */
function decodedHeader(value: string): string {
  const unfolded = textOf(Buffer.from(value.replace(/\r?\n[ \t]+/g, ' '), 'latin1'), null);
  return unfolded.replace(ENCODED_WORD, (_, charset: string, form: string, text: string) => {
    const bytes = /b/i.test(form) ? Buffer.from(text, 'base64') : Buffer.from(quotedPrintable(text), 'latin1');
    return textOf(bytes, charset);
  });
}

function quotedPrintable(text: string): string {
  return text
    .replaceAll('_', ' ')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', nbsp: ' ', euml: 'ë', eacute: 'é' };

function withoutTags(html: string): string {
  return html
    .replace(/<(?:style|script)\b[^<>]*>[^<]*<\/(?:style|script)>/gi, '')
    .replace(/<(?:br|\/p|\/div|\/tr|\/li)\b[^<>]*>/gi, '\n')
    .replace(/<[^<>]*>/g, '')
    .replace(/&#(\d{1,6});/g, (_, code: string) => String.fromCodePoint(Math.min(Number(code), 0x10ffff)))
    .replace(/&([a-z]{2,6});/g, (whole, name: string) => ENTITIES[name] ?? whole)
    .replaceAll('&amp;', '&');
}

/**
 * The charset of a message: MSH-18, else strict UTF-8, else windows-1252, and which of them is recorded. Where the bytes
 * contradict a name that would show them wrongly, nothing is guessed: the message is refused (`hl7.charset`).
 */

import { isAscii, isUtf8 } from 'node:buffer';

export interface Decoder {
  readonly used: string;
  readonly warnings: readonly string[];
  /** Null when the bytes do not fit. */
  readonly decode: (bytes: Uint8Array) => string | null;
  /** For the few bytes in a `\X..\` escape, "by agreement" in the standard: the charset, else windows-1252. */
  readonly decodeEscaped: (bytes: Uint8Array) => string;
}

const LATIN = 'windows-1252';
// 8859/1 is decoded as its superset windows-1252: what senders mean by 0x80-0x9F is never a control character.
const ISO_PARTS = new Set([2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16]);

/**
 * The decoder for a message of these bytes, or null when MSH-18 names no known charset and the bytes do not say either.
 * `bytes` is null where the whole file is known to be ASCII.
 */
export function decoderFor(declared: string, bytes: Buffer | null, mimeCharset: string | null): Decoder | null {
  const named = charsetNamed(declared);
  if (bytes === null || isAscii(bytes)) {
    return decoder(named ?? 'utf-8', named === 'unknown' ? ['hl7.charset-unknown'] : [], 'us-ascii');
  }
  const isValidUtf8 = isUtf8(bytes);
  if (named === 'utf-8') return isValidUtf8 ? decoder(named, differing(named, mimeCharset)) : null;
  // Random text is practically never valid UTF-8, so valid UTF-8 may be believed under an unknown name.
  if (named === 'unknown') return isValidUtf8 ? decoder('utf-8', ['hl7.charset-unknown']) : null;
  if (named === null) return decoder(isValidUtf8 ? 'utf-8' : LATIN, ['hl7.charset-assumed']);
  return decoder(named, [...(isValidUtf8 ? ['hl7.charset-doubtful'] : []), ...differing(named, mimeCharset)]);
}

// Null: nothing said. ASCII is "nothing said" too once there are other bytes.
function charsetNamed(declared: string): string | null {
  const name = declared.toUpperCase().replace(/[\s_-]/g, '');
  if (name === '' || name === '""' || name === 'ASCII' || name === 'USASCII') return null;
  if (name === 'UNICODEUTF8' || name === 'UTF8') return 'utf-8';
  if (/^(?:(?:ISO)?8859\/?1|WINDOWS1252|CP1252)$/.test(name)) return LATIN;
  const part = Number(/^(?:ISO)?8859\/?(\d{1,2})$/.exec(name)?.[1]);
  return ISO_PARTS.has(part) ? `iso-8859-${part}` : 'unknown';
}

// `used` says what the text was taken for, also where plain ASCII left nothing to choose.
function decoder(charset: string, warnings: readonly string[], used = charset): Decoder {
  const decoding = charset === 'unknown' ? 'utf-8' : charset;
  return {
    used,
    warnings,
    decode: (bytes) => decodeStrictly(decoding, bytes),
    decodeEscaped: (bytes) => decodeStrictly(decoding, bytes) ?? decodeStrictly(LATIN, bytes) ?? '',
  };
}

function decodeStrictly(charset: string, bytes: Uint8Array): string | null {
  try {
    return new TextDecoder(charset, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

// The part's own charset is about the mail, not about the message: it never decides, but a contradiction is worth a note.
function differing(used: string, mimeCharset: string | null): string[] {
  const mime = mimeCharset === null ? null : charsetNamed(mimeCharset);
  return mime === null || mime === 'unknown' || mime === used ? [] : ['hl7.charset-differs-from-mime'];
}

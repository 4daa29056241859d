/**
 * Which letters the bytes are: the MIME charset, else strict UTF-8, else windows-1252. What UNB declares is a label, not a
 * promise: UNOA is declared over every charset there is (edifact.md §2).
 */

import { isAscii } from 'node:buffer';

export interface Decoding {
  /** Every byte is ASCII: there is nothing to decode. */
  readonly isAscii: boolean;
  decode(bytes: Buffer): string;
  /** `edifact.charset-…` where the declared charset could not be used, or none was known and the last resort was taken. */
  readonly warning: string | null;
}

/** `declared` is the MIME charset or null. */
export function decodingOf(bytes: Buffer, declared: string | null): Decoding {
  if (isAscii(bytes)) return { isAscii: true, decode: (part) => part.toString('latin1'), warning: null };
  // us-ascii is what mail software writes when it knows nothing, and these bytes are not ASCII.
  const isDeclared = declared !== null && !/^(?:us-)?ascii$/i.test(declared.trim());
  const named = isDeclared ? asciiCompatible(declared) : null;
  if (named !== null && canDecode(bytes, named)) return decoding(named, null);
  const refused = isDeclared ? 'edifact.charset-not-usable' : null;
  if (canDecode(bytes, 'utf-8')) return decoding('utf-8', refused);
  return decoding('windows-1252', refused ?? 'edifact.charset-assumed');
}

function decoding(encoding: string, warning: string | null): Decoding {
  const decoder = new TextDecoder(encoding, { ignoreBOM: true });
  return { isAscii: false, decode: (part) => decoder.decode(part), warning };
}

// Delimiters are found in bytes, so only charsets in which ASCII bytes always are ASCII letters will do.
function asciiCompatible(declared: string): string | null {
  try {
    const { encoding } = new TextDecoder(declared.trim());
    return /^(?:utf-8|windows-\d+|iso-8859-\d+(?:-i)?|ibm866|koi8-[ru]|macintosh)$/.test(encoding) ? encoding : null;
  } catch {
    return null;
  }
}

function canDecode(bytes: Buffer, encoding: string): boolean {
  try {
    new TextDecoder(encoding, { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Content-Transfer-Encoding (RFC 2045 §6): to bytes, never to characters, and never with a silent repair. */

export interface TransferDecoded {
  readonly bytes: Buffer;
  /** The encoding is not one we know, or the content breaks its rules: the bytes are a best effort. */
  readonly isDamaged: boolean;
  /** False: the bytes are still encoded in a way that we cannot undo. */
  readonly isDecoded: boolean;
}

const IDENTITY: ReadonlySet<string> = new Set(['', '7bit', '8bit', 'binary', '7-bit', '8-bit']);

/** The bytes of a part under its declared encoding. */
export function decodeTransfer(raw: Buffer, encoding: string): TransferDecoded {
  if (IDENTITY.has(encoding)) return { bytes: raw, isDamaged: false, isDecoded: true };
  if (encoding === 'base64') return decodeBase64(raw);
  if (encoding === 'quoted-printable') return decodeQuotedPrintable(raw);
  // RFC 2045 §6.4: a part with an unknown encoding is not to be interpreted.
  return { bytes: raw, isDamaged: true, isDecoded: false };
}

// Node's decoder skips what is not of the alphabet and stops at padding. Both are signs of damage: a cut-off or patched
// body still decodes to something, and a laboratory value that lost its last digit looks like any other.
function decodeBase64(raw: Buffer): TransferDecoded {
  const text = raw.toString('latin1').replace(/[\s\0]+/g, '');
  const isDamaged = text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text);
  return { bytes: Buffer.from(text, 'base64'), isDamaged, isDecoded: true };
}

// RFC 2045 §6.7: blanks at the end of a line were added on the way (rule 3), `=` at its end is a soft break (rule 5).
function decodeQuotedPrintable(raw: Buffer): TransferDecoded {
  const text = raw
    .toString('latin1')
    .replace(/(^|[^ \t])[ \t]+(?=\r?\n|$)/g, '$1')
    .replace(/=(?:\r?\n|$)/g, '');
  const decoded = text.replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return { bytes: Buffer.from(decoded, 'latin1'), isDamaged: /=(?![0-9A-Fa-f]{2})/.test(text), isDecoded: true };
}

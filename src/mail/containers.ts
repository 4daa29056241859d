/** Parts that are no payload themselves: sealed ones, ones that hold other files, nested mails, and documents. */

import type { LeafPart } from './parts.ts';

/**
 * Whether a part can only be read with a key. An S/MIME part that is merely signed (opaque, RFC 8551 §3.5.2) is counted
 * too: its content stands inside a signature envelope that we do not open.
 */
export function isEncrypted(part: LeafPart): boolean {
  if (/^application\/(?:x-)?pkcs7-mime$|^application\/pgp-encrypted$/.test(part.contentType)) return true;
  if (/\.p7m$/i.test(part.fileName ?? '')) return true;
  return /^-----BEGIN (?:PGP MESSAGE|PKCS7|CMS)-----/m.test(part.bytes.toString('latin1'));
}

/** Whether a part is a mail of its own, to be walked with the same rules. */
export function isNestedMail(part: LeafPart): boolean {
  return /^message\/(?:rfc822|global)$/.test(part.contentType) || /\.eml$/i.test(part.fileName ?? '');
}

/**
 * Whether a part holds content that we do not take out: an archive, one piece of a divided mail (RFC 2046 §5.2.2), an
 * encoding that we do not know. Laboratories send none of these, so they are a doubt and not a letter.
 */
export function isUnopened(part: LeafPart): boolean {
  if (part.contentType === 'message/partial' || !part.isDecoded) return true;
  return ARCHIVES.some((magic) => part.bytes.subarray(0, magic.length).equals(magic)) && !isOfficeDocument(part.bytes);
}

/** The content type under which a part is offered to the reports beside it, or null where it is no document. */
export function documentTypeOf(part: LeafPart): string | null {
  if (part.bytes.subarray(0, 1024).includes('%PDF-')) return 'application/pdf';
  if (part.bytes.subarray(0, 5).equals(Buffer.from('{\\rtf'))) return 'application/rtf';
  if (DOCUMENT_TYPE.test(part.contentType) || isOfficeDocument(part.bytes)) return part.contentType;
  // A picture that is attached may be a finding; one that stands inline is a logo.
  return part.contentType.startsWith('image/') && part.disposition === 'attachment' ? part.contentType : null;
}

const ARCHIVES: readonly Buffer[] = [
  Buffer.from('PK\x03\x04', 'latin1'),
  Buffer.from('PK\x05\x06', 'latin1'),
  Buffer.from('\x1f\x8b', 'latin1'),
  Buffer.from('7z\xbc\xaf\x27\x1c', 'latin1'),
  Buffer.from('Rar!\x1a\x07', 'latin1'),
  Buffer.from('BZh91AY', 'latin1'),
  Buffer.from('\xfd7zXZ\x00', 'latin1'),
];

const DOCUMENT_TYPE =
  /^application\/(?:msword|vnd\.ms-(?:excel|powerpoint)|vnd\.openxmlformats-officedocument\..+|vnd\.oasis\.opendocument\..+)$/;

// A .docx, .xlsx or .odt is a zip that begins with one of these entries; an archive that only holds one does not.
const OFFICE_ENTRY =
  /^(?:\[Content_Types\]\.xml|_rels\/|docProps\/|customXml\/|word\/|xl\/|ppt\/|mimetypeapplication\/vnd\.)/;

function isOfficeDocument(bytes: Buffer): boolean {
  // A local file header is 30 bytes; the name of the entry follows it.
  const isZip = bytes.subarray(0, 4).equals(Buffer.from('PK\x03\x04', 'latin1'));
  return isZip && OFFICE_ENTRY.test(bytes.toString('latin1', 30, 90));
}

/** How a text may stand somewhere without being seen at once: in another charset, encoded, or as a digest anybody can make. */

import { createHash } from 'node:crypto';

/** Shorter ones would be found by chance. */
const LENGTH_MIN = 7;

/** Every spelling of a text, as bytes. */
export function spellings(text: string): readonly Buffer[] {
  const utf8 = Buffer.from(text, 'utf8');
  const latin1 = Buffer.from(text, 'latin1');
  const utf16 = Buffer.from(text, 'utf16le');
  const utf16be = Buffer.from(utf16).swap16();
  const texts = [utf8, latin1, utf16].flatMap((bytes) => [bytes.toString('hex'), ...inBase64(bytes)]);
  const escaped = [encodeURIComponent(text), JSON.stringify(text).slice(1, -1), utf8.toString('hex').toUpperCase()];
  const digests = ['md5', 'sha1', 'sha256'].map((name) => createHash(name).update(text).digest());
  const all = [
    utf8,
    latin1,
    utf16,
    utf16be,
    ...[...texts, ...escaped].map((each) => Buffer.from(each, 'latin1')),
    ...digests.flatMap((digest) => [
      digest,
      Buffer.from(digest.toString('hex')),
      Buffer.from(digest.toString('base64')),
    ]),
  ];
  const distinct = new Map(all.map((bytes) => [bytes.toString('latin1'), bytes]));
  return [...distinct.values()].filter((bytes) => bytes.length >= LENGTH_MIN && !bytes.includes(0x0a));
}

// Inside base64 a text looks one of three ways, by what stands before it; only the characters that it alone decides count.
function inBase64(bytes: Buffer): readonly string[] {
  return [0, 1, 2].flatMap((shift) => {
    const whole = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const own = whole.slice(shift === 0 ? 0 : shift + 1, (bytes.length + shift) % 3 === 0 ? undefined : -1);
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

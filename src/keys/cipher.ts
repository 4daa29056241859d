/** AES-256-GCM with a random 96-bit IV (NIST SP 800-38D §8.2.2); the place is additional authenticated data. */

import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';

export const VERSION = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const KEY_ID_BYTES = 16;
const HEADER_BYTES = 1 + KEY_ID_BYTES + IV_BYTES;

export interface DataKey {
  readonly id: string;
  readonly bytes: Buffer;
}

const secrets = new WeakMap<Buffer, KeyObject>();

/**
 * A key's bytes as node:crypto wants them. Made once for as long as the bytes are in memory: from bytes it makes one at every
 * call, which costs several times what a digest of a short text does.
 */
export function secretOf(bytes: Buffer): KeyObject {
  const known = secrets.get(bytes);
  if (known !== undefined) return known;
  const secret = createSecretKey(bytes);
  secrets.set(bytes, secret);
  return secret;
}

export function encrypt(key: DataKey, aad: string, plain: Buffer): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', secretOf(key.bytes), iv).setAAD(Buffer.from(aad));
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([Buffer.of(VERSION), uuidBytes(key.id), iv, ciphertext, cipher.getAuthTag()]);
}

/** The id of the key that sealed these bytes, or null where they are no ciphertext of ours. */
export function keyIdOf(sealed: Buffer): string | null {
  if (sealed.length < HEADER_BYTES + TAG_BYTES || sealed[0] !== VERSION) return null;
  const hex = sealed.subarray(1, 1 + KEY_ID_BYTES).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Throws where a byte, the key or the place differs from what was sealed. */
export function decrypt(key: DataKey, aad: string, sealed: Buffer): Buffer {
  const iv = sealed.subarray(1 + KEY_ID_BYTES, HEADER_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', secretOf(key.bytes), iv, { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(aad))
    .setAuthTag(sealed.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(HEADER_BYTES, -TAG_BYTES)), decipher.final()]);
}

function uuidBytes(id: string): Buffer {
  return Buffer.from(id.replaceAll('-', ''), 'hex');
}

/** A public key as somebody hands it over (PEM or JWK), to the form that is kept; everything else is refused by name. */

import { createHash, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { Failure } from '../shared/failure.ts';
import type { PublicJwk, PublicKey } from './source.ts';

const RSA_BITS_MIN = 2_048;
/** An exponent of one signs nothing, and small ones have known weaknesses; every tool makes 65537. */
const RSA_EXPONENT_MIN = 65_537n;
const CURVES: readonly string[] = ['P-256', 'P-384'];

/** RFC 7638 §3.2: the members that a key's name is made from, in the order of the alphabet. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'kty', 'x', 'y'],
  RSA: ['e', 'kty', 'n'],
  OKP: ['crv', 'kty', 'x'],
};

/** Any of them in a JWK is a part of a secret. */
const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/**
 * Throws `source.key-private`, `source.key-symmetric`, `source.key-not-allowed` or `source.key-unreadable`. Never with anything of
 * what was read: it may be a private key.
 */
export function readPublicKey(text: string): PublicKey {
  const trimmed = text.trim();
  const key = trimmed.startsWith('{') ? fromJwk(trimmed) : fromPem(trimmed);
  requireStrength(key);
  const exported = key.export({ format: 'jwk' }) as Record<string, string | undefined>;
  const members = MEMBERS[exported['kty'] ?? ''];
  if (members === undefined) throw refused('source.key-not-allowed');
  const jwk: PublicJwk = Object.fromEntries(members.map((name) => [name, exported[name] ?? '']));
  return { kid: createHash('sha256').update(JSON.stringify(jwk)).digest('base64url'), jwk };
}

/** `EC P-256`, `RSA 3072` or `Ed25519`, of a key that is kept. */
export function formOf(jwk: PublicJwk): string {
  if (jwk['kty'] === 'RSA') return `RSA ${bitsOf(asKey(jwk))}`;
  return jwk['kty'] === 'OKP' ? (jwk['crv'] ?? '') : `EC ${jwk['crv']}`;
}

function fromPem(text: string): KeyObject {
  if (/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(text)) throw refused('source.key-private');
  // A certificate holds a public key too, and a time that nobody here would look at.
  if (!/^-----BEGIN (RSA )?PUBLIC KEY-----/.test(text)) throw refused('source.key-unreadable');
  return parsed(() => createPublicKey(text));
}

function fromJwk(text: string): KeyObject {
  const jwk = parsed(() => JSON.parse(text) as Record<string, unknown>);
  if (jwk['kty'] === 'oct') throw refused('source.key-symmetric');
  if (SECRET_MEMBERS.some((name) => Object.hasOwn(jwk, name))) throw refused('source.key-private');
  const isForAnother = typeof jwk['use'] === 'string' && jwk['use'] !== 'sig';
  if (isForAnother) throw refused('source.key-not-allowed');
  return parsed(() => asKey(jwk as PublicJwk));
}

function asKey(jwk: PublicJwk): KeyObject {
  return createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
}

function requireStrength(key: KeyObject): void {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  const isRight =
    (type === 'rsa' && bitsOf(key) >= RSA_BITS_MIN && (details?.publicExponent ?? 0n) >= RSA_EXPONENT_MIN) ||
    (type === 'ec' && CURVES.includes(String((key.export({ format: 'jwk' }) as { crv?: string }).crv))) ||
    type === 'ed25519';
  if (!isRight) throw refused('source.key-not-allowed');
}

function bitsOf(key: KeyObject): number {
  return key.asymmetricKeyDetails?.modulusLength ?? 0;
}

function parsed<Value>(read: () => Value): Value {
  try {
    return read();
  } catch {
    // Without the cause: a parser's error may quote what it read.
    throw refused('source.key-unreadable');
  }
}

function refused(code: string): Failure {
  return new Failure(code, { kind: 'permanent' });
}

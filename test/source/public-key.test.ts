import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { describe, expect, it } from 'vitest';
import { asFailure } from '../../src/shared/failure.ts';
import { readPublicKey } from '../../src/source/source.ts';

const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
const rsa = (modulusLength: number, publicExponent = 65_537) =>
  generateKeyPairSync('rsa', { modulusLength, publicExponent });
const pem = (key: KeyObject) =>
  key.export({ type: key.type === 'public' ? 'spki' : 'pkcs8', format: 'pem' }).toString();
const jwk = (key: KeyObject) => JSON.stringify(key.export({ format: 'jwk' }));
const codeOf = (text: string) => {
  try {
    return readPublicKey(text).kid;
  } catch (thrown) {
    return asFailure(thrown).code;
  }
};

const p256 = ec('P-256');
const rsa2048 = rsa(2_048);

describe('a public key', () => {
  it.each([
    ['EC P-256', p256.publicKey],
    ['EC P-384', ec('P-384').publicKey],
    ['RSA 2048', rsa2048.publicKey],
    ['RSA 3072', rsa(3_072).publicKey],
    ['Ed25519', generateKeyPairSync('ed25519').publicKey],
  ])('is taken as PEM and as JWK, under the name of RFC 7638: %s', async (_, key) => {
    const kid = await calculateJwkThumbprint(key.export({ format: 'jwk' }) as Record<string, string>);
    const read = readPublicKey(pem(key));
    expect(read.kid).toBe(kid);
    expect(readPublicKey(` ${jwk(key)}\n`)).toEqual(read);
    expect(createPublicKey({ key: read.jwk, format: 'jwk' }).equals(key)).toBe(true);
  });

  it('keeps nothing that a JWK says beside the key, and the name that it gives itself counts for nothing', () => {
    const more = { ...p256.publicKey.export({ format: 'jwk' }), kid: 'mine', alg: 'none', use: 'sig', x5u: 'http://a' };
    const read = readPublicKey(JSON.stringify(more));
    expect(Object.keys(read.jwk)).toEqual(['crv', 'kty', 'x', 'y']);
    expect(read.kid).toBe(readPublicKey(pem(p256.publicKey)).kid);
  });

  it.each<[string, string, string]>([
    ['a private key as PEM', pem(p256.privateKey), 'source.key-private'],
    ['a private key as PEM beside the public one', pem(p256.publicKey) + pem(p256.privateKey), 'source.key-private'],
    [
      'a private key of RSA',
      rsa2048.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
      'source.key-private',
    ],
    ['a private EC key as JWK', jwk(p256.privateKey), 'source.key-private'],
    ['a private RSA key as JWK', jwk(rsa2048.privateKey), 'source.key-private'],
    ['a shared secret', JSON.stringify({ kty: 'oct', k: 'c2VjcmV0c2VjcmV0c2VjcmV0' }), 'source.key-symmetric'],
    ['a short RSA key', pem(rsa(1_024).publicKey), 'source.key-not-allowed'],
    ['an RSA key with the exponent 3', pem(rsa(2_048, 3).publicKey), 'source.key-not-allowed'],
    ['another curve', pem(ec('secp256k1').publicKey), 'source.key-not-allowed'],
    ['P-521', jwk(ec('P-521').publicKey), 'source.key-not-allowed'],
    ['a key for agreement', pem(generateKeyPairSync('x25519').publicKey), 'source.key-not-allowed'],
    ['Ed448', pem(generateKeyPairSync('ed448').publicKey), 'source.key-not-allowed'],
    [
      'a key for encryption',
      JSON.stringify({ ...p256.publicKey.export({ format: 'jwk' }), use: 'enc' }),
      'source.key-not-allowed',
    ],
    [
      'a point that is not on the curve',
      JSON.stringify({ kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA' }),
      'source.key-unreadable',
    ],
    ['a set of keys', JSON.stringify({ keys: [p256.publicKey.export({ format: 'jwk' })] }), 'source.key-unreadable'],
    ['a certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', 'source.key-unreadable'],
    ['half a PEM', pem(p256.publicKey).slice(0, 60), 'source.key-unreadable'],
    ['anything', 'ssh-ed25519 AAAA', 'source.key-unreadable'],
    ['nothing', '', 'source.key-unreadable'],
    ['half a JWK', '{"kty":"EC"', 'source.key-unreadable'],
  ])('is not: %s', (_, text, code) => {
    expect(codeOf(text)).toBe(code);
  });

  it('that is refused is repeated nowhere', () => {
    for (const text of [jwk(p256.privateKey), pem(p256.privateKey)]) {
      try {
        readPublicKey(text);
        expect.unreachable();
      } catch (thrown) {
        const { message, stack, cause } = asFailure(thrown);
        const secret = String((p256.privateKey.export({ format: 'jwk' }) as { d: string }).d);
        expect(`${message} ${stack} ${String(cause)}`).not.toContain(secret);
        expect(cause).toBeUndefined();
      }
    }
  });
});

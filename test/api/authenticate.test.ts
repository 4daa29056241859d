import { createHmac, createPublicKey, randomUUID, sign as signBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPublicKey, revokeKey, revokeSource, rotateSource } from '../../src/source/source.ts';
import {
  AUDIENCE,
  type Changes,
  type Intake,
  newSigner,
  nowS,
  POSTED,
  type Signer,
  sign,
  startIntake,
} from './intake.ts';

/** Who may ask: the holder of a key that is good now, once per assertion, and nobody who only looks like it. */

let intake: Intake;
beforeAll(async () => {
  intake = await startIntake();
});
afterAll(() => intake.release());

const ask = async (authorization: string | null) => {
  const { status, body, headers } = await intake.get(randomUUID(), { authorization });
  return { status, code: body.code as string, challenge: headers.get('www-authenticate') };
};
const askWith = async (signer: Signer, changes: Changes = {}) => ask(`Bearer ${await sign(signer, changes)}`);
/** Known: there is no such registration, but who asks is in no doubt. */
const KNOWN = { status: 404, code: 'api.not-found', challenge: null };
const refused = (code: string) => ({
  status: 401,
  code,
  challenge: 'Bearer realm="zorgkoerier", error="invalid_token"',
});

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claimsOf = (name: string) => ({
  iss: name,
  sub: name,
  aud: AUDIENCE,
  iat: nowS(),
  exp: nowS() + 60,
  jti: randomUUID(),
});
const rotate = (name: string, to: Signer, days: number) =>
  intake.api.ledger.transaction((tx) => rotateSource(tx, name, readPublicKey(to.publicPem), days, 'test'));

describe('an assertion', () => {
  it.each([
    ['ec', 'ES256'],
    ['p384', 'ES384'],
    ['rsa', 'PS256'],
    ['rsa', 'RS256'],
    ['ed25519', 'EdDSA'],
    ['ed25519', 'Ed25519'],
  ] as const)('is taken of a key of each form: %s with %s', async (kind, alg) => {
    const signer = await intake.register(newSigner(`s-${alg.toLowerCase()}-${kind}`, kind));
    expect(await askWith(signer, { header: { alg } })).toEqual(KNOWN);
  });

  it.each<[string, Changes['claims'], string]>([
    ['expired', { exp: nowS() - 31 - 3_600 }, 'api.assertion-time'],
    ['good for longer than five minutes', { exp: nowS() + 3_600 }, 'api.assertion-time'],
    ['made in the future', { iat: nowS() + 3_600 }, 'api.assertion-time'],
    ['not good yet', { nbf: nowS() + 3_600 }, 'api.assertion-time'],
    ['without an end', { exp: null }, 'api.assertion-claims'],
    ['without a beginning', { iat: null }, 'api.assertion-claims'],
    ['without a name', { jti: null }, 'api.assertion-claims'],
    ['with a name that may come twice', { jti: '1' }, 'api.assertion-claims'],
    ['for another audience', { aud: 'https://elsewhere.example' }, 'api.assertion-claims'],
    ['for another audience too', { aud: [AUDIENCE, 'https://elsewhere.example'] }, 'api.assertion-claims'],
    ['for nobody', { aud: null }, 'api.assertion-claims'],
    ['by another issuer', { iss: 'cboards' }, 'api.assertion-claims'],
    ['about another', { sub: 'cboards' }, 'api.assertion-claims'],
    ['about nobody', { sub: null }, 'api.assertion-claims'],
  ])('is refused: %s', async (_, claims = {}, code) => {
    expect(await askWith(intake.ckis, { claims })).toEqual(refused(code));
  });

  it('is taken within what clocks may differ, and addressed to us alone in a list', async () => {
    expect(await askWith(intake.ckis, { claims: { iat: nowS() + 20, exp: nowS() + 290 } })).toEqual(KNOWN);
    expect(await askWith(intake.ckis, { claims: { aud: [AUDIENCE] } })).toEqual(KNOWN);
  });

  it('is good once, also where it comes again at the same moment or with another request', async () => {
    const authorization = `Bearer ${await sign(intake.ckis)}`;
    const answers = await Promise.all([ask(authorization), ask(authorization), ask(authorization)]);
    expect(answers.filter(({ status }) => status === 404)).toHaveLength(1);
    expect(answers.filter(({ code }) => code === 'api.assertion-used')).toHaveLength(2);
    const { status, body } = await intake.post(POSTED, { authorization });
    expect({ status, code: body.code }).toEqual({ status: 401, code: 'api.assertion-used' });
    const jti = randomUUID();
    expect(await askWith(intake.ckis, { claims: { jti } })).toEqual(KNOWN);
    expect(await askWith(intake.ckis, { claims: { jti } })).toEqual(refused('api.assertion-used'));
  });

  it('that was refused has not used its name', async () => {
    const jti = randomUUID();
    await askWith(intake.ckis, { claims: { jti, aud: 'another' } });
    await askWith(intake.ckis, { claims: { jti }, key: newSigner('ckis').privateKey });
    expect(await askWith(intake.ckis, { claims: { jti } })).toEqual(KNOWN);
  });

  it.each<[string, (signer: Signer) => string | Promise<string>]>([
    ['no signature at all', ({ name, kid }) => `${part({ alg: 'none', kid })}.${part(claimsOf(name))}.`],
    ['alg none with a signature', ({ name, kid }) => `${part({ alg: 'none', kid })}.${part(claimsOf(name))}.AAAA`],
    [
      'the public key taken for a shared secret',
      ({ name, kid, publicPem }) => {
        const signed = `${part({ alg: 'HS256', kid })}.${part(claimsOf(name))}`;
        return `${signed}.${createHmac('sha256', publicPem).update(signed).digest('base64url')}`;
      },
    ],
    [
      'the public JWK taken for a shared secret',
      ({ name, kid, publicPem }) => {
        const jwk = createPublicKey(publicPem).export({ format: 'jwk' });
        const signed = `${part({ alg: 'HS256', kid })}.${part(claimsOf(name))}`;
        return `${signed}.${createHmac('sha256', JSON.stringify(jwk)).update(signed).digest('base64url')}`;
      },
    ],
    [
      'a key that brings itself along',
      (signer) => {
        const own = newSigner(signer.name);
        const jwk = createPublicKey(own.publicPem).export({ format: 'jwk' });
        return sign(signer, { key: own.privateKey, header: { jwk } });
      },
    ],
    ['an unknown key', (signer) => sign({ ...newSigner('x'), name: signer.name })],
    ['no kid', (signer) => sign(signer, { header: { kid: undefined } })],
    ['a kid that is a statement', (signer) => sign(signer, { header: { kid: "' or 1=1 --" } })],
    ['another signature', (signer) => sign(signer, { key: newSigner('x').privateKey })],
    [
      'an algorithm that its key does not sign with',
      async (signer) => {
        const [, claims, signature] = (await sign(signer)).split('.');
        return `${part({ alg: 'ES384', kid: signer.kid })}.${claims}.${signature}`;
      },
    ],
    [
      'claims that were changed afterwards',
      async (signer) => {
        const [header, , signature] = (await sign(signer)).split('.');
        return `${header}.${part(claimsOf(signer.name))}.${signature}`;
      },
    ],
    [
      'a header that must be understood, and is not',
      ({ name, kid, privateKey: key }) => {
        const header = { alg: 'ES256', kid, crit: ['urn:more'], 'urn:more': 1 };
        const signed = `${part(header)}.${part(claimsOf(name))}`;
        return `${signed}.${signBytes('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
      },
    ],
    ['half of one', async (signer) => (await sign(signer)).split('.').slice(0, 2).join('.')],
    ['nothing of the kind', () => 'token'],
    ['one that is too long', (signer) => sign(signer, { claims: { more: 'a'.repeat(4_000) } })],
  ])('is refused, and under one name: %s', async (_, make) => {
    expect(await ask(`Bearer ${await make(intake.ckis)}`)).toEqual(refused('api.assertion-refused'));
  });

  it('that is missing is asked for', async () => {
    expect(await ask(null)).toEqual({ status: 401, code: 'api.no-assertion', challenge: 'Bearer realm="zorgkoerier"' });
    for (const other of ['Bearer', 'Basic Y2tpczpja2lz', `Bearer a b`]) {
      expect(await ask(other)).toEqual(refused('api.assertion-refused'));
    }
  });
});

describe('the key of an assertion', () => {
  it('is its source’s own: another’s name is not to be had with it', async () => {
    const cboards = await intake.register(newSigner('cboards'));
    expect(await askWith(cboards)).toEqual(KNOWN);
    expect(await askWith({ ...cboards, name: 'ckis' })).toEqual(refused('api.assertion-claims'));
    expect(await askWith({ ...intake.ckis, kid: cboards.kid })).toEqual(refused('api.assertion-refused'));
  });

  it('that is rotated is good until the overlap ends, and its successor at once', async () => {
    const former = await intake.register(newSigner('rotating'));
    const next = newSigner('rotating', 'ed25519');
    await rotate('rotating', next, 7);
    expect(await askWith(former)).toEqual(KNOWN);
    expect(await askWith(next, { header: { alg: 'EdDSA' } })).toEqual(KNOWN);
    await intake.sql(`update source_key set valid_until = now() - interval '1 second' where id = $1`, [former.kid]);
    expect(await askWith(former)).toEqual(refused('api.assertion-refused'));
    expect(await askWith(next, { header: { alg: 'EdDSA' } })).toEqual(KNOWN);
  });

  it('that is rotated without an overlap is good no more', async () => {
    const former = await intake.register(newSigner('at-once'));
    await rotate('at-once', newSigner('at-once'), 0);
    expect(await askWith(former)).toEqual(refused('api.assertion-refused'));
  });

  it('that is revoked, or whose source is, is good no more from the next request on', async () => {
    const [lost, gone] = [await intake.register(newSigner('lost')), await intake.register(newSigner('gone'))];
    expect([await askWith(lost), await askWith(gone)]).toEqual([KNOWN, KNOWN]);
    await intake.api.ledger.transaction((tx) => revokeKey(tx, 'lost', lost.kid, 'test'));
    await intake.api.ledger.transaction((tx) => revokeSource(tx, 'gone', 'test'));
    expect(await askWith(lost)).toEqual(refused('api.assertion-refused'));
    expect(await askWith(gone)).toEqual(refused('api.assertion-refused'));
    expect(await askWith(intake.ckis)).toEqual(KNOWN);
  });

  it('is asked for before the body: of whom we do not know nothing is read', async () => {
    const { status, body } = await intake.post('x'.repeat(200_000), { authorization: null });
    expect({ status, code: body.code }).toEqual({ status: 401, code: 'api.no-assertion' });
  });
});

/**
 * Who asks: an assertion (JWT) signed with a key that the source registered, made for this request alone (RFC 7523 §3, as
 * the bearer itself). Before the signature is proved, whatever is wrong with an assertion has one name, so that nobody
 * learns which keys there are.
 */

import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import type { SourceId } from '../shared/ids.ts';
import { findSigningKey, type PublicJwk, type SigningKey, useAssertion } from '../source/source.ts';
import type { Api } from './api.ts';
import type { ProblemName } from './problems.ts';

export type Authenticated =
  | { readonly kind: 'source'; readonly sourceId: SourceId; readonly name: string }
  | { readonly kind: 'refused'; readonly code: ProblemName };

const TOKEN_CHARACTERS_MAX = 4_096;
const BEARER = /^Bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+) *$/i;
const KID = /^[A-Za-z0-9_-]{43}$/;
/** Long enough not to come twice by accident. */
const JTI = /^[\x21-\x7e]{16,128}$/;
const LIFE_MAX_S = 300;
/** Between our clock and the source's. */
const SKEW_S = 30;

const refused = (code: ProblemName): Authenticated => ({ kind: 'refused', code });

export async function authenticate(api: Api, authorization: string | undefined): Promise<Authenticated> {
  if (authorization === undefined) return refused('api.no-assertion');
  const token = authorization.length <= TOKEN_CHARACTERS_MAX ? BEARER.exec(authorization)?.[1] : undefined;
  const kid = token === undefined ? null : kidOf(token);
  const key = kid === null ? null : await findSigningKey(api.ledger, kid);
  if (token === undefined || key === null) return refused('api.assertion-refused');
  const proved = await prove(api, token, key);
  if (proved.kind === 'refused') return proved;
  const { exp = 0, jti = '' } = proved.claims;
  const isFirst = await useAssertion(api.ledger, key.sourceId, jti, new Date(exp * 1_000));
  return isFirst ? { kind: 'source', sourceId: key.sourceId, name: key.name } : refused('api.assertion-used');
}

function kidOf(token: string): string | null {
  try {
    const { kid } = decodeProtectedHeader(token);
    return typeof kid === 'string' && KID.test(kid) ? kid : null;
  } catch {
    return null;
  }
}

/** What a key of this form may sign with: the header's `alg` chooses among these, and can choose nothing else. */
function algorithmsOf({ kty, crv }: PublicJwk): string[] {
  if (kty === 'EC') return [crv === 'P-384' ? 'ES384' : 'ES256'];
  if (kty === 'RSA') return ['PS256', 'PS384', 'RS256', 'RS384'];
  return kty === 'OKP' ? ['EdDSA', 'Ed25519'] : [];
}

type Proved =
  | { readonly kind: 'proved'; readonly claims: JWTPayload }
  | { readonly kind: 'refused'; readonly code: ProblemName };

async function prove(api: Api, token: string, { jwk, name }: SigningKey): Promise<Proved> {
  const now = api.clock.now();
  try {
    const { payload: claims } = await jwtVerify(
      token,
      { ...jwk },
      {
        algorithms: algorithmsOf(jwk),
        issuer: name,
        subject: name,
        audience: api.audience,
        requiredClaims: ['exp', 'iat', 'jti'],
        currentDate: now,
        clockTolerance: SKEW_S,
      },
    );
    const code = wrongIn(claims, now.getTime() / 1_000);
    return code === null ? { kind: 'proved', claims } : { kind: 'refused', code };
  } catch (thrown) {
    return { kind: 'refused', code: nameOf(thrown) };
  }
}

function wrongIn({ exp = 0, iat = 0, jti, aud }: JWTPayload, nowS: number): ProblemName | null {
  // One that is addressed to others too could be passed on by them.
  const isOursAlone = typeof aud === 'string' || aud?.length === 1;
  if (!isOursAlone || typeof jti !== 'string' || !JTI.test(jti)) return 'api.assertion-claims';
  return exp - nowS > LIFE_MAX_S || iat - nowS > SKEW_S ? 'api.assertion-time' : null;
}

// jose looks at claims only once the signature is right. Its messages repeat claims: only the kind of error is looked at.
function nameOf(thrown: unknown): ProblemName {
  if (thrown instanceof errors.JWTExpired) return 'api.assertion-time';
  if (!(thrown instanceof errors.JWTClaimValidationFailed)) return 'api.assertion-refused';
  return ['nbf', 'exp', 'iat'].includes(thrown.claim) && thrown.reason !== 'missing'
    ? 'api.assertion-time'
    : 'api.assertion-claims';
}

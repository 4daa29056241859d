/**
 * A system where somebody writes on cards and boards, as the demo plays it: a key pair that is made here and signs every
 * request, as docs/api.md tells the makers of such a system. It knows of the intake what that page says, and no more.
 */

import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { systemClock } from '../shared/clock.ts';
import { Failure } from '../shared/failure.ts';

export interface SourceSystem {
  /** The public half, PEM: what goes to whoever runs the intake. */
  readonly publicKey: string;
  /** Posts one registration under an idempotency key of its own; the id that was answered. */
  post(registration: object): Promise<string>;
}

export interface Intake {
  readonly url: string;
  readonly audience: string;
  readonly source: string;
  /** As `source add` answered it. */
  readonly kid: string;
}

const ASSERTION_SECONDS = 60;

/** A new key pair; `intake` says where to post, once the key is known there. */
export function newSourceSystem(intake: () => Intake): SourceSystem {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const assertion = (): string => {
    const { source, audience, kid } = intake();
    const now = Math.floor(systemClock.now().getTime() / 1_000);
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
    const claims = {
      iss: source,
      sub: source,
      aud: audience,
      iat: now,
      exp: now + ASSERTION_SECONDS,
      jti: randomUUID(),
    };
    const signed = `${encode({ alg: 'ES256', kid })}.${encode(claims)}`;
    const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  };
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    post: async (registration) => {
      const response = await fetch(`${intake().url}/v1/registrations`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'idempotency-key': randomUUID(),
          authorization: `Bearer ${assertion()}`,
        },
        body: JSON.stringify(registration),
      });
      const { status } = response;
      const answer = (await response.json()) as { readonly id?: string; readonly code?: string };
      if (status === 202 && answer.id !== undefined) return answer.id;
      throw new Failure('sandbox.not-accepted', { kind: 'defect', fields: { status, code: answer.code ?? null } });
    },
  };
}

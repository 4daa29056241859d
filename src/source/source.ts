/**
 * The door of source/: the systems that may post registrations (cKIS, cBoards), and the public halves of the keys that they
 * sign their requests with.
 *
 * It promises: only public keys of a strength that holds are kept, and no private or symmetric one ever is; a key has the
 * name that RFC 7638 gives it, belongs to one source, and never comes back once it was revoked or its time is over; what
 * is revoked is good for nothing from that moment on, since every request asks the ledger. Every change is audited in its
 * transaction. Validity is by the ledger's time. It verifies no signature: api/ does.
 *
 * A folder of its own, since a source is no practice's: it posts for all of them, and only api/ and the commands know it.
 */

import type { SourceId } from '../shared/ids.ts';

/** A public key as RFC 7517 writes it, with only the members that RFC 7638 makes its name from. */
export type PublicJwk = Readonly<Record<string, string>>;

export interface PublicKey {
  /** RFC 7638, SHA-256. */
  readonly kid: string;
  readonly jwk: PublicJwk;
}

export interface SourceKey {
  readonly kid: string;
  /** `EC P-256`, `RSA 3072`, `Ed25519`. */
  readonly form: string;
  readonly state: 'current' | 'retiring' | 'over' | 'revoked';
  readonly createdAt: Date;
  readonly validUntil: Date | null;
  readonly revokedAt: Date | null;
}

export interface Source {
  readonly id: SourceId;
  readonly name: string;
  readonly addedBy: string;
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
  /** Newest first. */
  readonly keys: readonly SourceKey[];
}

/** A key that is good now, and whose it is. */
export interface SigningKey {
  readonly sourceId: SourceId;
  readonly name: string;
  readonly jwk: PublicJwk;
}

export { forgetAssertions, useAssertion } from './assertions.ts';
export { readPublicKey } from './public-key.ts';
export { addSource, findSigningKey, listSources, revokeKey, revokeSource, rotateSource } from './sources.ts';

/**
 * The door of keys/: envelope encryption and keyed digests.
 *
 * A mail is sealed under its mailbox's data key, a report or a registration under its practice's; each data key is wrapped by the master
 * key, so destroying one data key makes everything under it unreadable. Digests are keyed, so that the ledger is no
 * look-up oracle for BSNs or contents. It fails closed: an unknown key, a moved row or a changed byte opens nothing.
 *
 * Keys rotate and are destroyed while workers run: a key in memory is asked of the ledger again after 30 seconds at most
 * (KEY_MAX_AGE_MS), and at once when the change is heard (KEY_CHANGES, `forget`).
 */

import type { Sql } from '../ledger/ledger.ts';
import type { DigestKeys } from './digest-keys.ts';

/** Whose data key. `replay`: files that a developer replays belong to no mailbox. */
export type KeyOwner =
  | { readonly purpose: 'mailbox' | 'practice'; readonly id: string }
  | { readonly purpose: 'replay'; readonly id: null };

/** Where the ciphertext stands: bound into it (AAD), so that a value cannot be moved to another row or table. */
export interface SealedPlace {
  readonly table: 'mail' | 'report' | 'mailbox' | 'registration' | 'outward_mail';
  readonly rowId: string;
  readonly owner: KeyOwner;
}

/** bsn: search by BSN. digest: duplicates. patient: one patient at a time. card: identifiers on the card. Only digest rotates. */
export type MacPurpose = 'bsn' | 'digest' | 'patient' | 'card';

export interface Keys {
  /**
   * Throws `keys.owner-shredded` (permanent) where the owner's keys were destroyed and nobody began anew.
   * Ciphertext = version (1 byte), key id (16), iv (12), ct, tag (16); AES-256-GCM.
   */
  seal(place: SealedPlace, plain: Buffer): Promise<Buffer>;
  /** Throws `keys.cannot-open` (permanent) where the key is unknown or destroyed, or the bytes are not what was sealed here. */
  open(place: SealedPlace, sealed: Buffer): Promise<Buffer>;
  /** HMAC-SHA-256 under the purpose's key: 32 bytes. */
  mac(purpose: MacPurpose, data: string | Buffer): Promise<Buffer>;
  /** The same as a function for many texts, answering hex. */
  digester(purpose: MacPurpose): Promise<(text: string) => string>;
  /** The live keys of purpose `digest`: what was seen before is looked up under all of them. */
  digestKeys(): Promise<DigestKeys>;
  /** Holds off rotation until the transaction ends; throws `keys.rotated-meanwhile` where these are not the live ones. */
  guardDigests(tx: Sql, used: DigestKeys): Promise<void>;
  /**
   * For a statement that only looks up: `newestId` is what it found as NEWEST_DIGEST_KEY. Throws `keys.rotated-meanwhile`
   * where that is not the newest of those that were used.
   */
  checkDigests(newestId: string | null, used: DigestKeys): void;
  /**
   * In the transaction that keeps these bytes: throws `keys.destroyed-meanwhile` (transient) where the key that sealed one of
   * them is destroyed, so that nothing is kept that nobody can open. Whoever asks holds off destroying by what it locked.
   */
  guardSealed(tx: Sql, sealed: readonly Buffer[]): Promise<void>;
  /** Asks the ledger again for everything. */
  forget(): void;
}

export { destroyableKeys, destroyRetiredKeys } from './destroy-retired.ts';
export { type DigestKeys, NEWEST_DIGEST_KEY } from './digest-keys.ts';
export { type KeyFacts, keyInventory } from './inventory.ts';
export { KEY_MAX_AGE_MS, type KeysOptions, openKeys } from './open-keys.ts';
export { KEY_CHANGES, ROTATING, type RotatedKey, type RotatingPurpose, rewrapKeys, rotateKeys } from './rotate.ts';
export { beginAnew, destroyKeys, isShredded, type ShreddableOwner, shreddedAmong } from './shred.ts';
export type { MasterKey } from './wrap.ts';

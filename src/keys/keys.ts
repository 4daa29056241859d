/**
 * The door of keys/: envelope encryption and keyed digests.
 *
 * A mail is sealed under its mailbox's data key, a report under its practice's; each data key is wrapped by the master
 * key, so destroying one data key makes everything under it unreadable. Digests are keyed, so that the ledger is no
 * look-up oracle for BSNs or contents. It fails closed: an unknown key, a moved row or a changed byte opens nothing.
 */

/** Whose data key. `replay`: files that a developer replays belong to no mailbox. */
export type KeyOwner =
  | { readonly purpose: 'mailbox' | 'practice'; readonly id: string }
  | { readonly purpose: 'replay'; readonly id: null };

/** Where the ciphertext stands: bound into it (AAD), so that a value cannot be moved to another row or table. */
export interface SealedPlace {
  readonly table: 'mail' | 'report' | 'mailbox';
  readonly rowId: string;
  readonly owner: KeyOwner;
}

/** bsn: search by BSN. digest: duplicates. patient: one patient at a time. card: identifiers on the card (never retired). */
export type MacPurpose = 'bsn' | 'digest' | 'patient' | 'card';

export interface Keys {
  /** Ciphertext = version (1 byte), key id (16), iv (12), ct, tag (16); AES-256-GCM. */
  seal(place: SealedPlace, plain: Buffer): Promise<Buffer>;
  /** Throws `keys.cannot-open` (permanent) where the key is unknown or destroyed, or the bytes are not what was sealed here. */
  open(place: SealedPlace, sealed: Buffer): Promise<Buffer>;
  /** HMAC-SHA-256 under the purpose's key: 32 bytes. */
  mac(purpose: MacPurpose, data: string | Buffer): Promise<Buffer>;
  /** The same as a function for many texts, answering hex. */
  digester(purpose: MacPurpose): Promise<(text: string) => string>;
}

export { type KeysOptions, type MasterKey, openKeys } from './open-keys.ts';

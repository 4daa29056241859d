/** What the steps count: one call where one thing came to rest, after its commit. Codes and numbers only; it never throws and never waits. */

export interface Meter {
  /** A batch is in the ledger. `arrivedMs`: of each mail that came while we watched, INTERNALDATE until the commit, by the ledger's clock. */
  copied(batch: { readonly count: number; readonly vanished: number; readonly arrivedMs: readonly number[] }): void;
  /** A mail was read: into these reports, or with a verdict. */
  read(mail: { readonly verdict: string | null; readonly reports: readonly ReadReport[] }): void;
  /** A delivery was tried in vain: `outcome` says what becomes of it, `reason` is the failure's code. */
  failed(delivery: { readonly target: string; readonly outcome: string; readonly reason: string }): void;
  /** A delivery is at rest. `arrivedMs`: from INTERNALDATE, by the ledger's clock; null where no clock was running. */
  settled(delivery: SettledDelivery): void;
  /** A registration was rendered (`queued`), was sent, or came to rest. */
  registered(registration: MovedRegistration): void;
}

export interface ReadReport {
  readonly kind: string;
  readonly state: string;
  readonly reason: string | null;
}

export interface SettledDelivery {
  readonly target: string;
  readonly state: string;
  readonly reason: string | null;
  readonly arrivedMs: number | null;
}

/** `acceptedMs`: of what was sent or delivered, from its being accepted, by the ledger's clock; null where that is not timed. */
export interface MovedRegistration {
  readonly state: string;
  readonly reason: string | null;
  readonly acceptedMs: number | null;
}

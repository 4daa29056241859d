/**
 * A circuit breaker: a target that fails is left alone for a while, then asked once, and only when that went well by all.
 *
 * Two kinds of failing open it. One that says it is the peer's (refused, 429, 503, 401, a certificate) does so at once;
 * failures that could be one item's own (a time-out, a 500) when several different items met them in a row. While it is
 * open nothing is tried, so no attempts are spent, and what failed with the others spends none either. An item that fails
 * alone never opens it: it spends its attempts and comes before a person, and the others go on.
 */

import type { Clock } from '../shared/clock.ts';
import { asFailure, Failure } from '../shared/failure.ts';

export interface BreakerOptions {
  /** Named in the failure of what is not tried: `<target>.paused`. */
  readonly target: string;
  readonly clock: Clock;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  readonly onChange?: (isOpen: boolean, failure: Failure | null) => void;
}

export interface Breaker {
  /** How long the target is left alone yet; 0: it may be asked. */
  waitMs(): number;
  /** Whether the failures of now are the target's and no item's. */
  isOpen(): boolean;
  /** Runs `act` for an item, or throws a transient Failure of the peer's without running it. */
  guard<Answer>(item: string, act: () => Promise<Answer>): Promise<Answer>;
}

/** Different items in a row that fail before it is the target's fault. */
const ITEMS_IN_A_ROW = 3;
const OPEN_FIRST_MS = 2_000;
/** Short, so that an outage that ends is noticed within half a minute. */
const OPEN_MAX_MS = 30_000;
/** What heals by hand only (a refused login) is asked ever more rarely, at last every five minutes: an account must not be locked. */
const BY_HAND_MAX_MS = 300_000;
/** A wrong Retry-After must not silence a practice for days. */
const ASKED_MAX_MS = 6 * 3_600_000;
/** For those who come while one is asking. */
const PROBING_MS = 1_000;

export function newBreaker(options: BreakerOptions): Breaker {
  return new TargetBreaker(options);
}

class TargetBreaker implements Breaker {
  readonly #options: BreakerOptions;
  /** Items that failed since the last success, in a row. */
  readonly #failing = new Set<string>();
  #openedAt = 0;
  #openUntil = 0;
  #openings = 0;
  #probe: string | null = null;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  isOpen(): boolean {
    return this.#openings > 0;
  }

  waitMs(): number {
    if (!this.isOpen()) return 0;
    if (this.#probe !== null) return PROBING_MS;
    const now = this.#now();
    // A clock that was set back must not keep the target closed.
    return now < this.#openedAt ? 0 : Math.max(0, this.#openUntil - now);
  }

  async guard<Answer>(item: string, act: () => Promise<Answer>): Promise<Answer> {
    const retryAfterMs = this.waitMs();
    if (retryAfterMs > 0) {
      throw new Failure(`${this.#options.target}.paused`, { kind: 'transient', scope: 'peer', retryAfterMs });
    }
    const isProbe = this.isOpen();
    if (isProbe) this.#probe = item;
    const beganAt = this.#now();
    try {
      const answer = await act();
      this.#close();
      return answer;
    } catch (thrown) {
      this.#failed(item, asFailure(thrown), isProbe || beganAt >= this.#openedAt);
      throw thrown;
    } finally {
      if (isProbe) this.#probe = null;
    }
  }

  #close(): void {
    this.#failing.clear();
    if (!this.isOpen()) return;
    this.#openings = 0;
    this.#options.onChange?.(false, null);
  }

  // What began before the last opening says nothing new. What is nobody's trouble but ours (a defect) or the content's
  // (permanent) was answered, or never asked.
  #failed(item: string, failure: Failure, isNews: boolean): void {
    const isPeers = failure.scope === 'peer';
    if (!isNews || (!isPeers && failure.kind !== 'transient' && failure.kind !== 'ambiguous')) return;
    const isAlone = this.isOpen() && this.#failing.size === 1 && this.#failing.has(item);
    if (this.isOpen()) this.#failing.clear();
    this.#failing.add(item);
    // The one that is asked fails again and nobody else is there to tell: perhaps it is the item after all.
    if (isAlone && !isPeers) this.#close();
    else if (isPeers || this.isOpen() || this.#failing.size >= ITEMS_IN_A_ROW) this.#open(failure);
  }

  #open(failure: Failure): void {
    const wasOpen = this.isOpen();
    this.#openings += 1;
    this.#openedAt = this.#now();
    this.#openUntil = this.#openedAt + this.#openMs(failure);
    if (!wasOpen) this.#options.onChange?.(true, failure);
  }

  #openMs(failure: Failure): number {
    const asked = Math.min(Math.max(failure.retryAfterMs ?? 0, 0), ASKED_MAX_MS);
    if (asked > 0) return asked;
    const isByHand = failure.kind === 'permanent' || failure.kind === 'defect';
    const most = isByHand ? BY_HAND_MAX_MS : OPEN_MAX_MS;
    const ceiling = Math.min(OPEN_FIRST_MS * 2 ** Math.min(this.#openings - 1, 10), most);
    return ceiling - Math.floor(this.#options.random() * (ceiling / 4));
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}

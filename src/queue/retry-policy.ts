/** The one function that decides what becomes of a job whose step failed. Nothing else in this project picks a delay. */

import type { Failure } from '../shared/failure.ts';
import { isReasonCode, type ReasonCode } from '../shared/reasons.ts';

export type Decision =
  /** Tried and failed: one attempt is spent, again after the delay. */
  | { readonly kind: 'retry'; readonly delayMs: number }
  /** A person must decide; the code is the reason. */
  | { readonly kind: 'hold'; readonly code: ReasonCode }
  /** The trouble is the peer's: this item waits, and everything behind the same peer with it. No attempt is spent. */
  | { readonly kind: 'pause'; readonly delayMs: number };

/** With the delays below an item is tried for some 20 hours on average before a person is asked. */
export const ATTEMPTS_MAX = 30;
const RETRY_FIRST_MS = 2_000;
const RETRY_MAX_MS = 3_600_000;
const PAUSE_FIRST_MS = 15_000;
const PAUSE_MAX_MS = 300_000;
/** A peer that asks for more is asked again after this: a wrong header must not silence a practice for days. */
const RETRY_AFTER_MAX_MS = 6 * 3_600_000;

/**
 * `attempt` counts from 1; `random` gives [0, 1), so that a test decides and a thousand jobs do not return together.
 * `exhausted`: the reason under which this kind of item comes before a person when every attempt was used.
 */
export function decide(failure: Failure, attempt: number, random: () => number, exhausted: ReasonCode): Decision {
  if (failure.scope === 'peer') return { kind: 'pause', delayMs: pauseMs(failure, random) };
  if (failure.kind === 'permanent' || failure.kind === 'defect') return { kind: 'hold', code: reasonOf(failure) };
  if (attempt >= ATTEMPTS_MAX) return { kind: 'hold', code: exhausted };
  return { kind: 'retry', delayMs: retryMs(failure, attempt, random) };
}

// Full jitter (a delay anywhere between the floor and the exponential ceiling) spreads a herd best; the floor keeps
// an unlucky zero from spending all attempts in a second.
function retryMs(failure: Failure, attempt: number, random: () => number): number {
  const ceiling = Math.min(RETRY_FIRST_MS * 2 ** Math.min(attempt, 20), RETRY_MAX_MS);
  const delayMs = RETRY_FIRST_MS + Math.floor(random() * (ceiling - RETRY_FIRST_MS));
  return Math.max(delayMs, askedMs(failure));
}

function pauseMs(failure: Failure, random: () => number): number {
  const asked = askedMs(failure);
  if (asked > 0) return asked + Math.floor(random() * PAUSE_FIRST_MS);
  // A refusal (401, a certificate) heals by hand, an outage by itself: the first is asked rarely, or an account is locked.
  if (failure.kind === 'permanent' || failure.kind === 'defect') return PAUSE_MAX_MS;
  return PAUSE_FIRST_MS + Math.floor(random() * PAUSE_FIRST_MS);
}

function askedMs(failure: Failure): number {
  return Math.min(Math.max(failure.retryAfterMs ?? 0, 0), RETRY_AFTER_MAX_MS);
}

// A failure that is a reason of its own says more than the general one. Refusals by a target are values, not Failures,
// so what is left here is a bug or a broken set-up of ours.
function reasonOf(failure: Failure): ReasonCode {
  if (failure.code === 'keys.cannot-open') return 'ledger.cannot-decrypt';
  return isReasonCode(failure.code) ? failure.code : 'queue.unforeseen';
}

/** "Visit soon", from anywhere: heard while waiting, and remembered when rung during a visit. */

export interface Bell {
  ring(): void;
  /** Forgets rings so far: a visit that starts now answers them all. */
  reset(): void;
  /** Since the reset. */
  hasRung(): boolean;
  /** Runs `work` with a signal that aborts with `outer`, and when the bell rings or has rung since the reset. */
  during(outer: AbortSignal, work: (signal: AbortSignal) => Promise<void>): Promise<void>;
}

/** A silent bell. */
export function newBell(): Bell {
  let ringing = new AbortController();
  return {
    ring: () => ringing.abort(null),
    reset: () => {
      ringing = new AbortController();
    },
    hasRung: () => ringing.signal.aborted,
    during: (outer, work) => work(AbortSignal.any([outer, ringing.signal])),
  };
}

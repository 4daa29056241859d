/** What can go wrong between us and a FHIR server, on demand: each fault strikes the next fitting request once. */

export type Fault =
  /** The request waits this long before it is handled. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Refused before anything happened: 401, 403, 429, 500, 503 … */
  | { readonly kind: 'refuse'; readonly status: number; readonly retryAfterSeconds?: number }
  /** Done, and then this status is answered. */
  | { readonly kind: 'fail-after-commit'; readonly status: number }
  /** Done, and then no answer ever comes. */
  | { readonly kind: 'silence-after-commit' }
  /** Done, and then the connection is cut. */
  | { readonly kind: 'reset-after-commit' }
  /** Somebody else changes the same resources just before: the server finds the ifMatch stale (412). */
  | { readonly kind: 'race' };

/** Which requests a fault waits for: writes (transactions) unless said otherwise. */
export type FaultScope = 'writes' | 'searches' | 'all';

export interface Faults {
  /**
   * Strikes the next `times` requests of the scope (1 unless said otherwise). `skip`: so many of them pass first, once it
   * is this one's turn; a trouble now and then, and not an outage.
   */
  next(fault: Fault, options?: { readonly scope?: FaultScope; readonly times?: number; readonly skip?: number }): void;
  /** Answers everything with 503 until it is switched off again. */
  outage(isOn: boolean): void;
  /** How many strikes are still to come. */
  waiting(): number;
  clear(): void;
}

interface Waiting {
  readonly fault: Fault;
  readonly scope: FaultScope;
  left: number;
  skip: number;
}

/** The faults, and the server's side of them. */
export interface FaultPlan extends Faults {
  take(request: { readonly isWrite: boolean; readonly isSearch: boolean }): Fault | null;
}

export function faultPlan(): FaultPlan {
  let waiting: Waiting[] = [];
  let isOut = false;
  return {
    next: (fault, { scope = 'writes', times = 1, skip = 0 } = {}) =>
      void waiting.push({ fault, scope, left: times, skip }),
    outage: (isOn) => {
      isOut = isOn;
    },
    waiting: () => waiting.reduce((sum, { left }) => sum + left, 0),
    clear: () => {
      waiting = [];
      isOut = false;
    },
    take({ isWrite, isSearch }) {
      if (isOut) return { kind: 'refuse', status: 503 };
      const due = waiting.find(
        ({ scope }) => scope === 'all' || (scope === 'writes' && isWrite) || (scope === 'searches' && isSearch),
      );
      if (due === undefined) return null;
      if (due.skip > 0) {
        due.skip -= 1;
        return null;
      }
      due.left -= 1;
      waiting = waiting.filter(({ left }) => left > 0);
      return due.fault;
    },
  };
}

/** OBX-11 (table 0085) and OBR-25 (table 0123), as lab-report.md, "Status" has them. */

import type { ResultStatus } from '../lab.ts';

export type ObservationStatus =
  | { readonly kind: 'result'; readonly status: ResultStatus }
  | { readonly kind: 'pending' }
  /** There is no result to carry: counted, not shown. */
  | { readonly kind: 'not-carried'; readonly code: string }
  /** Empty or unknown: never taken for final. */
  | { readonly kind: 'missing' };

const STATUSES: ReadonlyMap<string, ResultStatus> = new Map([
  ['F', 'final'],
  ['V', 'final'],
  ['C', 'corrected'],
  ['A', 'corrected'],
  ['B', 'corrected'],
  ['P', 'preliminary'],
  ['R', 'preliminary'],
  ['S', 'preliminary'],
  ['X', 'cancelled'],
  ['D', 'retracted'],
  ['W', 'retracted'],
  ['U', 'confirmed'],
]);

/** What OBX-11 says about one observation. */
export function readObservationStatus(sent: string | null): ObservationStatus {
  if (sent === 'I') return { kind: 'pending' };
  if (sent === 'O') return { kind: 'not-carried', code: 'hl7.order-only' };
  if (sent === 'N') return { kind: 'not-carried', code: 'hl7.not-asked' };
  const status = STATUSES.get(sent ?? '');
  return status === undefined ? { kind: 'missing' } : { kind: 'result', status };
}

/** Whether the request is complete (OBR-25 F or C); null when the sender does not say. */
export function isRequestComplete(sent: string | null): boolean | null {
  return sent === null ? null : sent === 'F' || sent === 'C';
}

/** OBR-25 of a request without observations: whether its results are still to come. */
export function isRequestPending(sent: string | null): boolean {
  return sent !== null && ['O', 'I', 'S', 'P', 'A'].includes(sent);
}

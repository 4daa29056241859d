/**
 * What an answer, or the lack of one, means for a retry (formats/fhir.md, "Retry rules"). Failures carry a status and
 * codes of the protocol only; the answer's own text may quote a patient and is never passed on.
 */

import type { OperationOutcome } from '@medplum/fhirtypes';
import { errorName, Failure, type FailureKind } from '../../shared/failure.ts';

/** Which door speaks: the first part of its codes. */
export type TargetName = 'card' | 'board';

/** read: may be repeated without asking. write: after a lost answer the target must be asked first. */
export type Intent = 'read' | 'write';

const NEVER_ARRIVED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

const TOO_LATE = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

/** Whether a failure says that there was too much at once: the target's own word (429, 503), or no answer in time. */
export function strainOf({ code, fields }: Failure): 'refused' | 'late' | null {
  if (code.endsWith('.busy')) return 'refused';
  const { error } = fields as { readonly error?: unknown };
  return typeof error === 'string' && TOO_LATE.has(error) ? 'late' : null;
}

/** A request that got no answer. */
export function connectionFailure(thrown: unknown, target: TargetName, intent: Intent): Failure {
  const code = errorCode(thrown);
  const fields = { error: code || errorName(thrown) };
  if (isCertificate(code)) return new Failure(`${target}.certificate`, { kind: 'transient', scope: 'peer', fields });
  if (NEVER_ARRIVED.has(code)) {
    return new Failure(`${target}.unreachable`, { kind: 'transient', scope: 'peer', fields });
  }
  return new Failure(`${target}.no-answer`, { kind: lostKind(intent), fields });
}

/** An answer with a status that is neither a success nor a decision about this content. */
export function statusFailure(status: number, retryAfter: string | null, target: TargetName, intent: Intent): Failure {
  const fields = { status };
  if (status === 401 || status === 403) {
    // Heals by hand only: permanent, so that the retry policy asks rarely and the account is not locked.
    return new Failure(`${target}.login-refused`, { kind: 'permanent', scope: 'peer', fields });
  }
  if (status === 429 || status === 503) {
    const retryAfterMs = parseRetryAfter(retryAfter);
    const wait = retryAfterMs === null ? {} : { retryAfterMs };
    return new Failure(`${target}.busy`, { kind: 'transient', scope: 'peer', fields, ...wait });
  }
  if (status >= 500) {
    // 502 and 504 are a gateway's word that the server behind it is away: nobody's report is to blame for that.
    const scope = status === 502 || status === 504 ? 'peer' : 'item';
    return new Failure(`${target}.failing`, { kind: lostKind(intent), scope, fields });
  }
  // A redirect, a 404 for the address itself: the address is wrong, and no report can do anything about it.
  return new Failure(`${target}.unexpected-answer`, { kind: 'transient', scope: 'peer', fields });
}

/** The first issue code of an OperationOutcome, if it is one of FHIR's codes and not text. */
export function issueCode(body: unknown): string | null {
  const outcome = body as Partial<OperationOutcome> | null;
  if (outcome?.resourceType !== 'OperationOutcome') return null;
  const code: unknown = outcome.issue?.[0]?.code;
  return typeof code === 'string' && /^[a-z-]{1,40}$/.test(code) ? code : null;
}

function lostKind(intent: Intent): FailureKind {
  return intent === 'write' ? 'ambiguous' : 'transient';
}

/** Retry-After in seconds (RFC 9110 §10.2.3). A date is not honoured: our clock and theirs may differ. */
function parseRetryAfter(header: string | null): number | null {
  return header !== null && /^\d{1,5}$/.test(header.trim()) ? Number(header.trim()) * 1000 : null;
}

function errorCode(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

function isCertificate(code: string): boolean {
  return code.startsWith('ERR_TLS') || code.startsWith('CERT_') || /SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/.test(code);
}

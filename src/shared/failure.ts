/**
 * A broken promise, thrown. Expected answers (a duplicate, a letter) are values, never Failures.
 *
 * `code` is `<folder>.<what>`; `fields` hold codes, positions, ids and numbers only: never content, since
 * whatever is thrown ends in a log. The message is the code plus those fields, so nothing else can leak.
 */

/** What a failure means for a retry. */
export type FailureKind =
  /** The other side provably did not take it (refused, 429, 503): retried with backoff. */
  | 'transient'
  /** The other side may have taken it (timeout, reset after send): retried only after asking the target. */
  | 'ambiguous'
  /** This content will always be refused: held with a reason, never retried. */
  | 'permanent'
  /** Our own bug: never retried automatically. */
  | 'defect';

/** Whose trouble it is: this one item, or everything behind the same mailbox or target. */
export type FailureScope = 'item' | 'peer';

export type FailureFields = Readonly<Record<string, string | number | boolean | null>>;

export interface FailureOptions {
  readonly kind: FailureKind;
  readonly scope?: FailureScope;
  readonly fields?: FailureFields;
  readonly cause?: unknown;
  /** What the peer asked us to wait (Retry-After), in milliseconds. */
  readonly retryAfterMs?: number;
}

export class Failure extends Error {
  readonly code: string;
  readonly kind: FailureKind;
  readonly scope: FailureScope;
  readonly fields: FailureFields;
  readonly retryAfterMs: number | null;

  constructor(code: string, options: FailureOptions) {
    super(describe(code, options.fields ?? {}), { cause: options.cause });
    this.name = 'Failure';
    this.code = code;
    this.kind = options.kind;
    this.scope = options.scope ?? 'item';
    this.fields = options.fields ?? {};
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** Any thrown thing as a Failure: what we did not classify is a defect of ours, and its text stays in `cause`. */
export function asFailure(thrown: unknown, code = 'shared.unexpected'): Failure {
  if (thrown instanceof Failure) return thrown;
  return new Failure(code, { kind: 'defect', cause: thrown, fields: { error: errorName(thrown) } });
}

/** The class name and Node's own code of an error: the two things about it that never hold content. */
export function errorName(thrown: unknown): string {
  if (!(thrown instanceof Error)) return typeof thrown;
  const code = (thrown as NodeJS.ErrnoException).code;
  return typeof code === 'string' ? `${thrown.name} ${code}` : thrown.name;
}

function describe(code: string, fields: FailureFields): string {
  const parts = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
  return parts.length === 0 ? code : `${code} (${parts.join(', ')})`;
}

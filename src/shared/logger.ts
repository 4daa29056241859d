/**
 * The log: typed events with an allow-list of fields, so that content has no way in. A field that is not on the list
 * does not compile, and one that slips through at run time is dropped, not printed. Under it lies a last net (scrub.ts).
 */

import { pino } from 'pino';
import { asFailure } from './failure.ts';
import { scrubbed } from './scrub.ts';

/** Everything a log line may say: ids, codes, counts and times. Never a name, a number of a person, a subject or a value. */
export interface LogFields {
  readonly mailboxId?: string;
  readonly practiceId?: string;
  readonly mailId?: string;
  readonly batchId?: string;
  readonly reportId?: string;
  readonly deliveryId?: string;
  readonly registrationId?: string;
  readonly sourceId?: string;
  readonly workerId?: string;
  readonly jobId?: string;
  readonly target?: string;
  readonly state?: string;
  readonly reason?: string;
  readonly code?: string;
  /** Who can solve it, as the list of reasons says: practice, laboratory or us. */
  readonly owner?: string;
  readonly uid?: number;
  readonly count?: number;
  readonly attempt?: number;
  readonly epoch?: number;
  readonly ms?: number;
  /** Method and template, `GET /v1/registrations/{id}`: never an address as it was asked. */
  readonly route?: string;
  /** Of an HTTP answer. */
  readonly status?: number;
}

export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  /** An alarm or a failure: `thrown` is reduced to its code, kind and scope; its text and stack are not printed. */
  error(event: string, fields?: LogFields, thrown?: unknown): void;
}

const FIELDS: ReadonlySet<string> = new Set<keyof LogFields>([
  'mailboxId',
  'practiceId',
  'mailId',
  'batchId',
  'reportId',
  'deliveryId',
  'registrationId',
  'sourceId',
  'workerId',
  'jobId',
  'target',
  'state',
  'reason',
  'code',
  'owner',
  'uid',
  'count',
  'attempt',
  'epoch',
  'ms',
  'route',
  'status',
]);

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** A logger that writes JSON lines to the given file descriptor (2, standard error: standard output is for answers). */
export function createLogger(level: LogLevel, descriptor = 2): Logger {
  const sink = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, hooks: { streamWrite: scrubbed } },
    pino.destination({ dest: descriptor, sync: true }),
  );
  return {
    debug: (event, fields) => sink.debug(allowed(fields), event),
    info: (event, fields) => sink.info(allowed(fields), event),
    warn: (event, fields) => sink.warn(allowed(fields), event),
    error: (event, fields, thrown) => sink.error({ ...allowed(fields), ...described(thrown) }, event),
  };
}

export const silentLogger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function allowed(fields: LogFields | undefined): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields ?? {}).filter(([name]) => FIELDS.has(name)));
}

function described(thrown: unknown): Record<string, unknown> {
  if (thrown === undefined) return {};
  const failure = asFailure(thrown);
  return {
    code: failure.code,
    kind: failure.kind,
    scope: failure.scope,
    fields: failure.fields,
    at: topFrame(failure),
  };
}

// The first frame in our own source of the innermost error: file and line, never its message.
function topFrame(failure: Error): string | null {
  let innermost: Error = failure;
  while (innermost.cause instanceof Error) innermost = innermost.cause;
  // A stack begins with the message, which may have several lines: only what stands after `at` is a frame.
  const frames = innermost.stack?.split('\n').filter((line) => /^\s+at /.test(line));
  const frame = frames?.find((line) => line.includes('/src/') && line.includes('.ts:'));
  return frame?.match(/src\/[\w./-]+\.ts:\d+/)?.[0] ?? null;
}

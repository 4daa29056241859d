/**
 * What passes between a thread and this process: plain data only, since a copy between threads keeps neither classes nor
 * Buffers (structured clone), and of a Buffer it would copy the whole pool that it is a slice of.
 */

import type { LaboratoryRegistry, PayloadReading } from '../lab/lab.ts';
import { Failure, type FailureFields, type FailureKind } from '../shared/failure.ts';
import type { MailFailed, MailRead, MailShown, ReturnedRead } from './reading.ts';

/** The registry goes along, so that a thread never reads by another edition of the file than its process. */
export interface Question {
  readonly purpose: 'laboratory' | 'return' | 'show';
  readonly raw: Uint8Array;
  readonly fileName: string | null;
  readonly registry: LaboratoryRegistry;
}

interface PlainFailure {
  readonly code: string;
  readonly kind: FailureKind;
  readonly fields: FailureFields;
  /** The lines of the innermost stack that say where, without the line that says what. */
  readonly frames: string;
}

export type Answer =
  | { readonly kind: 'failed'; readonly failure: PlainFailure }
  | ReturnedRead
  | MailShown
  | {
      readonly kind: 'read';
      readonly recipientAccounts: readonly string[];
      readonly readings: readonly PayloadReading[];
      readonly documents: readonly (readonly [sha256: string, contentType: string, bytes: Uint8Array])[];
      readonly defects: readonly PlainFailure[];
    };

/** In the thread: the answer as it can be copied. */
export function asAnswer(result: MailRead | ReturnedRead | MailShown | MailFailed): Answer {
  if (result.kind === 'failed') return { kind: 'failed', failure: plain(result.failure) };
  if (result.kind === 'returned' || result.kind === 'shown') return result;
  const { documents, defects, ...rest } = result;
  return {
    ...rest,
    documents: [...documents].map(([sha256, { contentType, bytes }]) => [sha256, contentType, new Uint8Array(bytes)]),
    defects: defects.map(plain),
  };
}

/** In the process: the answer as if it had been read here. */
export function fromAnswer(answer: Answer): MailRead | ReturnedRead | MailShown | MailFailed {
  if (answer.kind === 'failed') return { kind: 'failed', failure: restored(answer.failure) };
  if (answer.kind === 'returned' || answer.kind === 'shown') return answer;
  const { documents, defects, ...rest } = answer;
  return {
    ...rest,
    documents: new Map(
      documents.map(([sha256, contentType, bytes]) => [
        sha256,
        { contentType, bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) },
      ]),
    ),
    defects: defects.map(restored),
  };
}

function plain(failure: Failure): PlainFailure {
  let innermost: Error = failure;
  while (innermost.cause instanceof Error) innermost = innermost.cause;
  const frames = innermost.stack?.split('\n').filter((line) => /^\s+at /.test(line)) ?? [];
  return { code: failure.code, kind: failure.kind, fields: failure.fields, frames: frames.join('\n') };
}

function restored({ code, kind, fields, frames }: PlainFailure): Failure {
  const cause = new Error('in a reading thread');
  cause.stack = frames;
  return new Failure(code, { kind, fields, cause });
}

/** `replay --dry-run`: what would become of files or mails, with the cards looked up and nothing written anywhere. */

import type { PayloadReading } from '../lab/lab.ts';
import { type Courier, foresee } from '../pipeline/pipeline.ts';
import { type Io, table } from './io.ts';

/** One file, or one mail of a mailbox. */
export interface Candidate {
  /** Its path; a mail: its mailbox and uid, or its id. */
  readonly name: string;
  /** null: a file, which may be a bare interchange. */
  readonly mailboxId: string | null;
  readonly internalDate: Date;
  /** null: too large to be fetched. */
  readonly raw: Buffer | null;
}

/** How the answer is printed, and who asks. */
export interface TryOptions {
  readonly json: boolean;
  readonly by: string;
}

interface Tried {
  readonly file: string;
  readonly source: string;
  readonly would: string;
  readonly reason: string | null;
}

export async function tryAll(
  io: Io,
  courier: Courier,
  candidates: AsyncIterable<Candidate> | Iterable<Candidate>,
  { json, by }: TryOptions,
): Promise<number> {
  const tried: Tried[] = [];
  for await (const candidate of candidates) tried.push(...(await tryOne(courier, candidate, by)));
  if (json) io.out(JSON.stringify({ dryRun: true, reports: tried }));
  else
    io.out(
      table([
        ['mail', 'part', 'would be', 'reason'],
        ...tried.map((row) => [row.file, row.source, row.would, row.reason ?? '']),
      ]),
    );
  return tried.some((row) => ['held', 'quarantined', 'waiting'].includes(row.would)) ? 3 : 0;
}

async function tryOne(courier: Courier, candidate: Candidate, by: string): Promise<Tried[]> {
  const whole = { file: candidate.name, source: '' };
  if (candidate.raw === null) return [{ ...whole, would: 'quarantined', reason: 'mail.too-large' }];
  const fileName = candidate.mailboxId === null ? candidate.name : null;
  const read = await courier.reading.read(candidate.raw, fileName);
  if (read.kind === 'stopped') return [{ ...whole, would: 'quarantined', reason: 'mail.poisonous' }];
  // As in the pipeline: a mail on which the reader fails waits for a person, the others go on.
  if (read.kind === 'failed') return [{ ...whole, would: 'quarantined', reason: 'mail.reader-failed' }];
  if (read.readings.length === 0) return [{ ...whole, would: 'not-lab', reason: null }];
  const tried: Tried[] = [];
  for (const reading of read.readings)
    tried.push(
      ...(await tryReading(courier, { ...candidate, raw: candidate.raw, by }, read.recipientAccounts, reading)),
    );
  return tried;
}

async function tryReading(
  courier: Courier,
  candidate: Candidate & { readonly raw: Buffer; readonly by: string },
  recipientAccounts: readonly string[],
  reading: PayloadReading,
): Promise<Tried[]> {
  const at = { file: candidate.name, source: reading.source };
  if (reading.outcome !== 'reports') return [{ ...at, would: reading.outcome, reason: reading.code }];
  const { mailboxId, internalDate, raw, by } = candidate;
  const tried: Tried[] = [];
  for (const [index, report] of reading.reports.entries()) {
    const read = { mailboxId, internalDate, raw, recipientAccounts, report, reportOrdinal: index + 1, by };
    tried.push({ ...at, ...(await foresee(courier, read)) });
  }
  return tried;
}

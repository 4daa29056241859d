/** `replay --dry-run`: what would become of files or mails, with the cards looked up and nothing written anywhere. */

import { type PayloadReading, readMailContents } from '../lab/lab.ts';
import { type MailContents, openFile, unwrapMail } from '../mail/mail.ts';
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
  isJson: boolean,
): Promise<number> {
  const tried: Tried[] = [];
  for await (const candidate of candidates) tried.push(...(await tryOne(courier, candidate)));
  if (isJson) io.out(JSON.stringify({ dryRun: true, reports: tried }));
  else
    io.out(
      table([
        ['mail', 'part', 'would be', 'reason'],
        ...tried.map((row) => [row.file, row.source, row.would, row.reason ?? '']),
      ]),
    );
  return tried.some((row) => ['held', 'quarantined', 'waiting'].includes(row.would)) ? 3 : 0;
}

async function tryOne(courier: Courier, candidate: Candidate): Promise<Tried[]> {
  const whole = { file: candidate.name, source: '' };
  if (candidate.raw === null) return [{ ...whole, would: 'quarantined', reason: 'mail.too-large' }];
  const read = await contentsOf(courier, candidate, candidate.raw);
  if (read === null) return [{ ...whole, would: 'quarantined', reason: 'mail.reader-failed' }];
  if (read.readings.length === 0) return [{ ...whole, would: 'not-lab', reason: null }];
  const tried: Tried[] = [];
  for (const reading of read.readings)
    tried.push(...(await tryReading(courier, { ...candidate, raw: candidate.raw }, read.contents, reading)));
  return tried;
}

async function contentsOf(
  courier: Courier,
  candidate: Candidate,
  raw: Buffer,
): Promise<{ readonly contents: MailContents; readonly readings: readonly PayloadReading[] } | null> {
  try {
    const contents = candidate.mailboxId === null ? await openFile(raw, candidate.name) : await unwrapMail(raw);
    return { contents, readings: readMailContents(contents, courier.registry) };
  } catch {
    // As in the pipeline: a mail on which the reader fails waits for a person, the others go on.
    return null;
  }
}

async function tryReading(
  courier: Courier,
  candidate: Candidate & { readonly raw: Buffer },
  contents: MailContents,
  reading: PayloadReading,
): Promise<Tried[]> {
  const at = { file: candidate.name, source: reading.source };
  if (reading.outcome !== 'reports') return [{ ...at, would: reading.outcome, reason: reading.code }];
  const { mailboxId, internalDate, raw } = candidate;
  const { recipientAccounts } = contents;
  const tried: Tried[] = [];
  for (const [index, report] of reading.reports.entries()) {
    const read = { mailboxId, internalDate, raw, recipientAccounts, report, reportOrdinal: index + 1 };
    tried.push({ ...at, ...(await foresee(courier, read)) });
  }
  return tried;
}

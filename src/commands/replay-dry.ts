/** `replay --dry-run`: what would become of files, with the cards looked up and nothing written anywhere. */

import { type LabReport, readMailContents } from '../lab/lab.ts';
import { openFile } from '../mail/mail.ts';
import { type Courier, practiceOf } from '../pipeline/pipeline.ts';
import { findPractice } from '../practice/practice.ts';
import { type Io, table } from './io.ts';
import type { ReplayFile } from './replay.ts';

interface Tried {
  readonly file: string;
  readonly source: string;
  readonly would: string;
  readonly reason: string | null;
}

export async function tryFiles(
  io: Io,
  courier: Courier,
  files: readonly ReplayFile[],
  isJson: boolean,
): Promise<number> {
  const tried: Tried[] = [];
  for (const file of files) tried.push(...(await tryFile(courier, file)));
  if (isJson) io.out(JSON.stringify({ dryRun: true, reports: tried }));
  else
    io.out(
      table([
        ['file', 'part', 'would be', 'reason'],
        ...tried.map((row) => [row.file, row.source, row.would, row.reason ?? '']),
      ]),
    );
  return tried.some((row) => row.would === 'held' || row.would === 'quarantined') ? 3 : 0;
}

async function tryFile(courier: Courier, file: ReplayFile): Promise<Tried[]> {
  const contents = await openFile(file.raw, file.path);
  const tried: Tried[] = [];
  for (const reading of readMailContents(contents, courier.registry)) {
    const at = { file: file.path, source: reading.source };
    if (reading.outcome !== 'reports') tried.push({ ...at, would: reading.outcome, reason: reading.code });
    else
      for (const report of reading.reports)
        tried.push({ ...at, ...(await tryReport(courier, report, contents.recipientAccounts)) });
  }
  return tried;
}

async function tryReport(
  courier: Courier,
  report: LabReport,
  recipientAccounts: readonly string[],
): Promise<Pick<Tried, 'would' | 'reason'>> {
  const whose = await practiceOf(courier.ledger, null, report, recipientAccounts);
  if (whose.kind === 'held') return { would: 'held', reason: whose.code };
  const practice = await findPractice(courier.ledger, whose.practiceId);
  const found = await courier.card.find(report.patient, practice?.agb ?? '');
  if (found.kind === 'none') return { would: 'no-card', reason: null };
  if (found.kind === 'held') return { would: 'held', reason: found.code };
  const hold = report.holds[0];
  return hold === undefined ? { would: 'forwarded', reason: null } : { would: 'held', reason: hold.code };
}

/**
 * `zorgkoerier replay PATH… | --mail ID… | --practice P --since DATE [--dry-run]`: the same pipeline, once more.
 * A path is only ever delivered to a target that declares itself a sandbox; elsewhere, and with --dry-run, it is looked
 * at and nothing is written.
 */

import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { compose } from '../compose.ts';
import {
  type Courier,
  mailsStillThere,
  openMail,
  type Replayed,
  replayMails,
  settleReplayed,
} from '../pipeline/pipeline.ts';
import { mailOutcomes, type OutcomeOfMail } from '../records/records.ts';
import { configOf, type Io, momentOf, say, table, UsageError } from './io.ts';
import { requirePractice } from './practice.ts';
import { tryFiles } from './replay-dry.ts';

export interface ReplayOptions {
  readonly paths: readonly string[];
  readonly mailIds: readonly string[];
  readonly practice: string | null;
  readonly since: string | null;
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly by: string;
}

const SETTLE_DEADLINE_MS = 60_000;
const EXTENSIONS = /\.(edi|hl7|eml)$/i;

export interface ReplayFile {
  readonly path: string;
  readonly raw: Buffer;
  readonly internalDate: Date;
}

export async function runReplay(io: Io, options: ReplayOptions): Promise<number> {
  requireOneSource(options);
  const config = configOf(io);
  const { courier, release } = await compose(config);
  try {
    if (options.paths.length === 0) return await report(io, options, courier, await again(courier, options));
    const files = await filesOf(options.paths);
    if (options.dryRun || !(await courier.card.isSandbox())) {
      if (!options.dryRun)
        io.progress(
          say(config, {
            nl: 'Het doel is geen zandbak: er wordt alleen gekeken.',
            en: 'The target is no sandbox: looking only.',
          }),
        );
      return await tryFiles(io, courier, files, options.json);
    }
    return await report(io, options, courier, [
      await replayMails(courier, { mailboxId: null, mails: files.map(asMail) }, options.by),
    ]);
  } finally {
    await release();
  }
}

function requireOneSource(options: ReplayOptions): void {
  const sources = [options.paths.length > 0, options.mailIds.length > 0, options.practice !== null].filter(
    Boolean,
  ).length;
  if (sources !== 1) throw new UsageError('replay: name files, or --mail ID, or --practice P --since DATE');
  if ((options.practice === null) !== (options.since === null))
    throw new UsageError('replay: --practice and --since go together');
  if (options.dryRun && options.paths.length === 0) throw new UsageError('replay: --dry-run is for files');
}

function asMail({ raw, internalDate }: ReplayFile) {
  return { raw, internalDate };
}

/** Mails of the ledger, or of the practice's mailbox where they still are. */
async function again(courier: Courier, options: ReplayOptions): Promise<Replayed[]> {
  const replayed: Replayed[] = [];
  for (const id of options.mailIds) {
    const mail = await openMail(courier, id);
    if (mail === null) throw new UsageError(`no mail ${id}, or its content is erased`);
    replayed.push(await replayMails(courier, mail, options.by));
  }
  if (options.practice === null || options.since === null) return replayed;
  const practice = await requirePractice(courier, options.practice);
  for await (const source of mailsStillThere(courier, practice.id, momentOf(options.since, '--since'))) {
    replayed.push(await replayMails(courier, source, options.by));
  }
  return replayed;
}

async function filesOf(paths: readonly string[]): Promise<ReplayFile[]> {
  const files: ReplayFile[] = [];
  for (const path of paths) {
    const found = await stat(path).catch(() => {
      throw new UsageError(`no such file: ${path}`);
    });
    if (found.isDirectory()) {
      const names = (await readdir(path, { recursive: true })).filter((name) => EXTENSIONS.test(name)).sort();
      files.push(...(await filesOf(names.map((name) => join(path, name)))));
    } else {
      files.push({ path, raw: await readFile(path), internalDate: found.mtime });
    }
  }
  return files;
}

async function report(
  io: Io,
  options: ReplayOptions,
  courier: Courier,
  replayed: readonly Replayed[],
): Promise<number> {
  let isSettled = true;
  for (const batch of replayed) isSettled = (await settleReplayed(courier, batch, SETTLE_DEADLINE_MS)) && isSettled;
  const ids = replayed.flatMap((batch) => batch.mailIds);
  const outcomes = ids.length === 0 ? [] : await mailOutcomes(courier.ledger, ids);
  if (options.json) io.out(JSON.stringify({ mails: outcomes }));
  else io.out(outcomeTable(outcomes));
  return isSettled && outcomes.every((mail) => !['waiting', 'held', 'quarantined'].includes(mail.outcome)) ? 0 : 3;
}

function outcomeTable(outcomes: readonly OutcomeOfMail[]): string {
  const rows = outcomes.map((mail) => [
    mail.id,
    mail.outcome,
    [...new Set(mail.reports.map((each) => each.reason).filter((reason) => reason !== null))].join(' '),
  ]);
  return table([['mail', 'outcome', 'reason'], ...rows]);
}

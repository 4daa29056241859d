/**
 * `zorgkoerier replay PATH… | --mail ID… | --practice P --since DATE [--dry-run]`: the same pipeline, once more.
 * A path is only ever delivered to a target that declares itself a sandbox; elsewhere, and with --dry-run, it is looked
 * at and nothing is written.
 */

import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { appendAudit } from '../audit/audit.ts';
import { compose } from '../compose.ts';
import {
  type Courier,
  mailsStillThere,
  openMail,
  type Replayed,
  type ReplaySource,
  replayMails,
  type StillThere,
  settleReplayed,
} from '../pipeline/pipeline.ts';
import type { Practice } from '../practice/practice.ts';
import { mailOutcomes, type OutcomeOfMail } from '../records/records.ts';
import { deliveryConfigOf, type Io, momentOf, say, table, UsageError } from './io.ts';
import { requirePractice } from './office.ts';
import { type Candidate, tryAll } from './replay-dry.ts';

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
  const config = deliveryConfigOf(io);
  const { courier, release } = await compose(config);
  try {
    if (options.paths.length === 0) return await replayStored(io, options, courier);
    const files = await filesOf(options.paths);
    if (options.dryRun || !(await courier.card.isSandbox())) {
      if (!options.dryRun)
        io.progress(
          say(config, {
            nl: 'Het doel is geen zandbak: er wordt alleen gekeken.',
            en: 'The target is no sandbox: looking only.',
          }),
        );
      return await tryAll(io, courier, files.map(asCandidate), options);
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
}

function asMail({ raw, internalDate }: ReplayFile) {
  return { raw, internalDate };
}

function asCandidate({ path, raw, internalDate }: ReplayFile): Candidate {
  return { name: path, mailboxId: null, raw, internalDate };
}

/** Mails of the ledger, or of the practice's mailboxes where they still are. */
async function replayStored(io: Io, options: ReplayOptions, courier: Courier): Promise<number> {
  const practice = options.practice === null ? null : await requirePractice(courier, options.practice);
  const since = momentOf(options.since ?? '1970-01-01', '--since');
  if (options.dryRun) {
    await auditLook(courier, options, practice);
    return tryAll(io, courier, candidatesOf(courier, options, practice, since), options);
  }
  const replayed: Replayed[] = [];
  let isWhole = true;
  for await (const source of sourcesOf(courier, options, practice, since)) {
    isWhole = isWhole && sayOversized(io, source).length === 0;
    replayed.push(await replayMails(courier, source, options.by));
  }
  const code = await report(io, options, courier, replayed);
  return isWhole ? code : 3;
}

type Source = ReplaySource & Partial<Pick<StillThere, 'mailbox' | 'oversized'>>;

async function* sourcesOf(
  courier: Courier,
  options: ReplayOptions,
  practice: Practice | null,
  since: Date,
): AsyncGenerator<Source> {
  for (const id of options.mailIds) {
    const mail = await openMail(courier, id);
    if (mail.kind === 'unknown') throw new UsageError(`no mail ${id}`);
    if (mail.kind === 'erased') throw new UsageError(erasedText(id, mail.erasedAt));
    yield { ...mail.source, mailbox: id };
  }
  if (practice !== null) yield* mailsStillThere(courier, practice.id, since);
}

function erasedText(id: string, erasedAt: Date | null): string {
  const since = erasedAt === null ? 'was never copied' : `has gone (erased ${erasedAt.toISOString()})`;
  return `mail ${id}: its content ${since}; only digests and the outcome are kept. What is still in the mailbox: replay --practice P --since DATE`;
}

// A mail that is too large to be fetched is not replayed; nobody should think that it was.
function sayOversized(io: Io, { mailbox, oversized = [] }: Source): readonly number[] {
  for (const uid of oversized) io.progress(`${mailbox} uid ${uid}: mail.too-large`);
  return oversized;
}

async function* candidatesOf(...where: Parameters<typeof sourcesOf>): AsyncGenerator<Candidate> {
  for await (const { mailboxId, mailbox = '', mails, oversized = [] } of sourcesOf(...where)) {
    const named = (uid: number | undefined) => (uid === undefined ? mailbox : `${mailbox} uid ${uid}`);
    for (const mail of mails) {
      const uid = 'uid' in mail ? Number(mail.uid) : undefined;
      yield { name: named(uid), mailboxId, internalDate: mail.internalDate, raw: mail.raw };
    }
    for (const uid of oversized) yield { name: named(uid), mailboxId, internalDate: new Date(0), raw: null };
  }
}

// Whoever looks reads along, also where only codes are shown: audited before the first byte is read.
async function auditLook(courier: Courier, options: ReplayOptions, practice: Practice | null): Promise<void> {
  const look = { event: 'mails.looked-at', actor: options.by, fields: { since: options.since } } as const;
  await appendAudit(
    courier.ledger,
    practice === null
      ? options.mailIds.map((objectId) => ({ ...look, objectKind: 'mail', objectId }) as const)
      : [{ ...look, objectKind: 'practice', objectId: practice.id, practiceId: practice.id }],
  );
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

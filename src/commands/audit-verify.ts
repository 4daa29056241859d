/** `zorgkoerier audit verify`: whether the audit is still what was sealed. Itself an access to the log, and audited. */

import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { appendAudit, type Finding, type FindingKind, type Verification, verifyAudit } from '../audit/audit.ts';
import type { Config } from '../config/config.ts';
import { sealKey } from '../pipeline/pipeline.ts';
import { monotonicMs } from '../shared/clock.ts';
import { type Io, say, UsageError, type Words } from './io.ts';
import { withOffice } from './office.ts';

const PROGRESS_MS = 2_000;
const ROWS_SHOWN = 20;
const FINDINGS_SHOWN = 50;

export interface VerifyCommand {
  readonly seals: string | null;
  readonly json: boolean;
  readonly by: string;
}

export async function runAuditVerify(io: Io, options: VerifyCommand): Promise<number> {
  return withOffice(io, async (office, config) => {
    const lines = options.seals === null ? null : await linesOf(options.seals);
    await appendAudit(office.ledger, [
      {
        event: 'audit.verified',
        actor: options.by,
        objectKind: 'audit',
        objectId: 'seals',
        fields: { isFileCompared: lines !== null },
      },
    ]);
    const progress = saying(io, config);
    const verification = await verifyAudit(office.ledger, { key: await sealKey(office.keys), lines, progress });
    const isWhole = verification.findingCount === 0;
    if (options.json) io.out(JSON.stringify({ isWhole, ...verification }));
    else print(io, config, verification);
    return isWhole && !verification.unsealed.isOverdue ? 0 : 3;
  });
}

async function linesOf(path: string): Promise<AsyncIterable<string>> {
  await access(path).catch(() => {
    throw new UsageError(`no such file: ${path}`);
  });
  return readLines(path);
}

// Opened when the first line is asked for: lines that are read before anybody listens are lost.
async function* readLines(path: string): AsyncGenerator<string> {
  yield* createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
}

function saying(io: Io, config: Config): (done: { readonly seals: number; readonly rows: number }) => void {
  let saidAt = monotonicMs();
  return ({ seals, rows }) => {
    if (monotonicMs() - saidAt < PROGRESS_MS) return;
    saidAt = monotonicMs();
    io.progress(say(config, { nl: `${seals} zegels, ${rows} regels …`, en: `${seals} seals, ${rows} rows …` }));
  };
}

const KINDS: Readonly<Record<FindingKind, Words>> = {
  'row-changed': { nl: 'regels zijn veranderd', en: 'rows were changed' },
  'row-deleted': { nl: 'regels zijn verwijderd', en: 'rows were deleted' },
  'row-inserted': { nl: 'regels zijn er later tussen gezet', en: 'rows were put in afterwards' },
  'seal-missing': { nl: 'het zegel ontbreekt', en: 'the seal is missing' },
  'seal-changed': { nl: 'het zegel is veranderd', en: 'the seal was changed' },
  'seal-forged': { nl: 'het zegel is zonder de sleutel gemaakt', en: 'the seal was made without the key' },
  'seal-unlinked': {
    nl: 'het zegel sluit niet aan op het vorige',
    en: 'the seal does not follow on the one before it',
  },
  'file-differs': { nl: 'het zegelbestand zegt iets anders', en: 'the seal file says something else' },
  'chain-truncated': {
    nl: 'het zegel staat in het zegelbestand en niet meer in het grootboek',
    en: 'the seal stands in the seal file, and no longer in the ledger',
  },
};

function print(io: Io, config: Config, found: Verification): void {
  const { seals, rows, findings, findingCount, unsealed, file } = found;
  for (const finding of findings.slice(0, FINDINGS_SHOWN)) io.out(findingText(config, finding));
  const more = findingCount - FINDINGS_SHOWN;
  if (more > 0) io.out(say(config, { nl: `… en nog ${more}`, en: `… and ${more} more` }));
  io.out(
    findingCount === 0
      ? say(config, {
          nl: `${seals} zegels over ${rows} regels: alles is zoals het verzegeld werd.`,
          en: `${seals} seals over ${rows} rows: all is as it was sealed.`,
        })
      : say(config, {
          nl: `${seals} zegels over ${rows} regels: ${findingCount} keer is iets niet zoals het verzegeld werd.`,
          en: `${seals} seals over ${rows} rows: ${findingCount} times something is not as it was sealed.`,
        }),
  );
  if (file !== null)
    io.out(
      say(config, {
        nl: `Zegelbestand: ${file.lines} zegels; ${file.behind} van het grootboek staan er nog niet in.`,
        en: `Seal file: ${file.lines} seals; ${file.behind} of the ledger are not in it yet.`,
      }),
    );
  if (unsealed.count > 0)
    io.out(
      say(config, {
        nl: `Nog niet verzegeld: ${unsealed.count} regels, sinds ${unsealed.since}.${unsealed.isOverdue ? ' Dat is te lang: draait er een worker?' : ''}`,
        en: `Not sealed yet: ${unsealed.count} rows, since ${unsealed.since}.${unsealed.isOverdue ? ' That is too long: does a worker run?' : ''}`,
      }),
    );
}

function findingText(config: Config, { kind, sequence, rows }: Finding): string {
  const more = rows.length > ROWS_SHOWN ? ` … (${rows.length})` : '';
  const ids = rows.length === 0 ? '' : `: ${rows.slice(0, ROWS_SHOWN).join(' ')}${more}`;
  return `${say(config, { nl: 'zegel', en: 'seal' })} ${sequence}: ${say(config, KINDS[kind])}${ids}`;
}

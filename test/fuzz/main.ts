/**
 * `npm run fuzz -- [--runs N] [--seed S] [--threads T] [--json]`, or `--input FILE` to read one input again. Exit code 0
 * when nothing was found, 1 when something was: it then lies in a folder of its own, with its seed and index.
 */

import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadCorpus } from './corpus.ts';
import { fuzzInput } from './input.ts';
import { judge } from './judge.ts';
import { type FuzzSummary, fuzz, RSS_GROWTH_MAX } from './run.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    threads: { type: 'string' },
    input: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

process.exitCode = values.input === undefined ? await fuzzAll() : await readAgain(values.input);

async function fuzzAll(): Promise<number> {
  const options = { runs: wholeNumber(values.runs), seed: wholeNumber(values.seed) };
  const threads = values.threads === undefined ? {} : { threads: wholeNumber(values.threads) };
  const summary = await fuzz({ ...options, ...threads, onProgress: progress });
  if (process.stderr.isTTY) process.stderr.write('\n');
  const files = written(summary);
  const growth = summary.rss.highest - summary.rss.start;
  const isGrown = growth > RSS_GROWTH_MAX;
  out(values.json ? JSON.stringify({ ...summary, rssGrowthMax: RSS_GROWTH_MAX, files }) : shown(summary, files));
  return summary.findings.length > 0 || isGrown || summary.inputs !== options.runs ? 1 : 0;
}

function shown(
  { seed, inputs, seconds, inputsPerSecond, outcomes, slowest, rss, findings }: FuzzSummary,
  files: readonly string[],
): string {
  const mebibytes = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MiB`;
  return [
    `seed               ${seed}`,
    `inputs             ${inputs} in ${seconds} s`,
    `inputs/s           ${inputsPerSecond}`,
    `reports            ${outcomes.reports}`,
    `not-lab            ${outcomes['not-lab']}`,
    `quarantined        ${outcomes.quarantined}`,
    `slowest            ${slowest.ms.toFixed(1)} ms (index ${slowest.index})`,
    `memory             ${mebibytes(rss.start)}, at most ${mebibytes(rss.highest)}; may grow by ${mebibytes(RSS_GROWTH_MAX)}`,
    `unhandled errors   ${findings.length}`,
    ...findings.map(
      ({ index, complaints }, place) =>
        `  seed ${seed} index ${index}: ${complaints.join('; ')} → ${files[place] ?? ''}`,
    ),
  ].join('\n');
}

// Everything that was found, as files that --input reads in the way they were read.
function written({ seed, findings }: FuzzSummary): readonly string[] {
  if (findings.length === 0) return [];
  const corpus = loadCorpus();
  const folder = mkdtempSync(join(tmpdir(), 'zorgkoerier-fuzz-'));
  return findings.map(({ index }) => {
    const { kind, fileName, bytes, isMedrptEnabled } = fuzzInput(corpus, seed, index);
    const file = join(folder, `${seed}-${index}.${kind}${isMedrptEnabled ? '.medrpt' : ''}${extname(fileName)}`);
    writeFileSync(file, bytes, { mode: 0o600 });
    return file;
  });
}

async function readAgain(path: string): Promise<number> {
  const kind = /\.mail(?:\.|$)/.test(basename(path)) ? 'mail' : 'file';
  const isMedrptEnabled = basename(path).includes('.medrpt');
  const verdict = await judge({ kind, fileName: basename(path), bytes: readFileSync(path), isMedrptEnabled }, true);
  out(JSON.stringify(verdict));
  return verdict.complaints.length > 0 ? 1 : 0;
}

function progress({ inputs, inputsPerSecond, findings }: FuzzSummary): void {
  const line = `${inputs} inputs, ${inputsPerSecond}/s, ${findings.length} unhandled`;
  process.stderr.write(process.stderr.isTTY ? `\r${line}   ` : `${line}\n`);
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new RangeError('a whole number, please');
  return Number(text);
}

function out(text: string): void {
  process.stdout.write(`${text}\n`);
}

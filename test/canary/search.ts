/** Looks for many texts, in all their spellings, in files and in what a place says. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { spellings } from './spellings.ts';

export interface Hit {
  readonly where: string;
  readonly mark: string;
}

export interface Searcher {
  /** In every file below the directory, whatever it holds. */
  inFiles(directory: string): Promise<readonly Hit[]>;
  inBytes(where: string, bytes: Buffer): Promise<readonly Hit[]>;
  release(): Promise<void>;
}

/** grep -F knows thousands of byte strings at once and reads as fast as the disk. */
export async function searcherFor(marks: readonly string[]): Promise<Searcher> {
  const directory = await mkdtemp(join(tmpdir(), 'zk-canary-'));
  const patterns = join(directory, 'patterns');
  const byPattern = new Map(
    marks.flatMap((mark) => spellings(mark).map((bytes) => [bytes.toString('latin1'), mark] as const)),
  );
  await writeFile(patterns, Buffer.from([...byPattern.keys()].join('\n'), 'latin1'), { mode: 0o600 });
  const grep = async (args: readonly string[], input: Buffer | null) => {
    const child = spawn('grep', ['--text', '--only-matching', '--fixed-strings', '--file', patterns, ...args], {
      env: { LC_ALL: 'C' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    child.stdout.setEncoding('latin1');
    // A reader that has seen enough closes early: that is its business.
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? undefined);
    const [found, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
    if (code !== 0 && code !== 1) throw new Error(`grep ended with ${code}: nothing was searched`);
    return found.split('\n').filter((line) => line !== '');
  };
  return {
    inFiles: async (below) => {
      const lines = await grep(['--recursive', '--with-filename', '--null', below], null);
      return distinct(
        lines.map((line) => {
          const [file = '', pattern = ''] = splitOnce(line);
          return { where: file, mark: byPattern.get(pattern) ?? '?' };
        }),
      );
    },
    inBytes: async (where, bytes) =>
      distinct(
        (await grep(['--no-filename'], bytes)).map((pattern) => ({ where, mark: byPattern.get(pattern) ?? '?' })),
      ),
    release: () => rm(directory, { recursive: true, force: true }),
  };
}

// With --null the name ends in a NUL; a UTF-16 pattern has NULs of its own after it.
function splitOnce(line: string): readonly string[] {
  const at = line.indexOf('\0');
  return [line.slice(0, at), line.slice(at + 1)];
}

function distinct(hits: readonly Hit[]): readonly Hit[] {
  return [...new Map(hits.map((hit) => [`${hit.where}|${hit.mark}`, hit])).values()];
}

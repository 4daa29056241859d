/**
 * The seals as a file that can be kept elsewhere: one line of JSON each, only ever appended, on the disk before it is
 * called written. What was sealed and did not reach the file (a crash between the two) is appended from the ledger, but
 * only to a file that is the beginning of what the ledger says: any other is left as it is, and is an alarm. Which of the
 * two was changed, a person must find out.
 *
 * Looked at here is the last line, whose hash binds all before it; every line is compared by `verifyAudit`.
 */

import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Ledger, Sql } from '../ledger/ledger.ts';
import { lineOf, sealOf, sealsAfter, sequenceOfLine } from './seals.ts';

/** Workers may share a file: one at a time writes. */
const LOCK = 7_046_011;
const SEALS_AT_ONCE = 100;
/** Many times a line. */
const TAIL_BYTES = 8_192;

export type SealFileAnswer =
  | { readonly kind: 'kept'; readonly written: number }
  /** Another worker is at it. */
  | { readonly kind: 'busy' }
  /** Not the beginning of what the ledger says; nothing was written. */
  | { readonly kind: 'differs'; readonly sequence: number | null };

/** Brings the file up to the ledger's last seal. Throws where ledger or disk cannot be reached. */
export async function keepSealFile(ledger: Ledger, path: string): Promise<SealFileAnswer> {
  return ledger.transaction(async (tx) => {
    const { rows } = await tx.query<{ isMine: boolean }>('select pg_try_advisory_xact_lock($1) as "isMine"', [LOCK]);
    if (rows[0]?.isMine !== true) return { kind: 'busy' };
    const file = await open(path, 'a+', 0o600);
    try {
      return await append(tx, file, path);
    } finally {
      await file.close();
    }
  });
}

async function append(tx: Sql, file: FileHandle, path: string): Promise<SealFileAnswer> {
  const { size } = await file.stat();
  const tail = await tailOf(file, size);
  const sequence = tail.lastLine === null ? 0 : sequenceOfLine(tail.lastLine);
  const last = sequence === null || sequence === 0 ? null : await sealOf(tx, sequence);
  const isBeginning = tail.lastLine === null || (last !== null && lineOf(last) === tail.lastLine);
  if (sequence === null || !isBeginning) return { kind: 'differs', sequence };
  let { torn } = tail;
  let written = 0;
  for (;;) {
    const seals = await sealsAfter(tx, sequence + written, SEALS_AT_ONCE);
    const text = seals.map((seal) => `${lineOf(seal)}\n`).join('');
    // A write that was cut off is completed, where what is there is how it began.
    if (!text.startsWith(torn)) return { kind: 'differs', sequence: sequence + 1 };
    if (seals.length === 0) break;
    await file.appendFile(text.slice(torn.length));
    written += seals.length;
    torn = '';
  }
  if (written > 0) await toDisk(file, size === 0 ? dirname(path) : null);
  return { kind: 'kept', written };
}

// A new file is there after a power failure only if its folder was written too.
async function toDisk(file: FileHandle, newIn: string | null): Promise<void> {
  await file.sync();
  if (newIn === null) return;
  const folder = await open(newIn, 'r');
  await folder.sync().finally(() => folder.close());
}

/** The last whole line, null where there is none, and what stands after it. */
async function tailOf(file: FileHandle, size: number): Promise<{ lastLine: string | null; torn: string }> {
  if (size === 0) return { lastLine: null, torn: '' };
  const length = Math.min(size, TAIL_BYTES);
  const { buffer } = await file.read({ buffer: Buffer.alloc(length), position: size - length });
  const lines = buffer.toString('utf8').split('\n');
  const torn = lines.pop() ?? '';
  return { lastLine: lines.pop() ?? null, torn };
}

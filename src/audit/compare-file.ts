/** The file that was kept elsewhere, line by line beside the ledger's seals. Neither is held in memory. */

import { lineOf, type Seal, sequenceOfLine } from './seals.ts';

type Found = (kind: 'file-differs' | 'chain-truncated', sequence: number) => void;

export interface FileBeside {
  /** The next seal of the ledger. */
  compare(seal: Seal): Promise<void>;
  /** After the last: what the file has more is missing in the ledger. */
  end(): Promise<{ readonly lines: number; readonly behind: number }>;
}

export function fileBeside(source: AsyncIterable<string>, found: Found): FileBeside {
  const file = lookahead(source[Symbol.asyncIterator]());
  let [count, behind, lastSequence] = [0, 0, 0];
  const take = () => {
    count += 1;
    file.take();
  };
  // The file may have been copied while its last line was being written: the beginning of the right line is no other one.
  const takeOther = async (seal: Seal, line: string) => {
    file.take();
    const isCutOff = lineOf(seal).startsWith(line) && (await file.peek()) === null;
    if (isCutOff) behind += 1;
    else {
      count += 1;
      found('file-differs', seal.sequence);
    }
  };
  return {
    compare: async (seal) => {
      lastSequence = seal.sequence;
      // Of seals that the ledger does not have any more: that they are missing there is found anyway.
      for (let line = await file.peek(); isBefore(line, seal.sequence); line = await file.peek()) take();
      const line = await file.peek();
      if (line === null) behind += 1;
      else if ((sequenceOfLine(line) ?? 0) > seal.sequence) found('file-differs', seal.sequence);
      else if (line === lineOf(seal)) take();
      else await takeOther(seal, line);
    },
    end: async () => {
      for (let line = await file.peek(); line !== null; line = await file.peek()) {
        take();
        lastSequence = sequenceOfLine(line) ?? lastSequence + 1;
        found('chain-truncated', lastSequence);
      }
      return { lines: count, behind };
    },
  };
}

function isBefore(line: string | null, sequence: number): boolean {
  const said = line === null ? null : sequenceOfLine(line);
  return said !== null && said < sequence;
}

/** The next line without taking it; null at the end. */
function lookahead(lines: AsyncIterator<string>): { peek(): Promise<string | null>; take(): void } {
  let seen: { readonly line: string | null } | null = null;
  return {
    peek: async () => {
      if (seen === null) {
        const { done, value } = await lines.next();
        seen = { line: done === true ? null : value };
      }
      return seen.line;
    },
    take: () => {
      seen = null;
    },
  };
}

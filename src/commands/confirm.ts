/** A question on the terminal that only `y` or `j` says yes to; without a terminal nobody is there to say it. */

import { createInterface } from 'node:readline/promises';

export async function confirm(question: string): Promise<boolean> {
  if (process.stdin.isTTY !== true) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^[yj]$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}

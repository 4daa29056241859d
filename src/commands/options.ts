/** Pieces that several commands share: options, and how a command's answer becomes the exit code. */

import { userInfo } from 'node:os';
import { InvalidArgumentError, Option } from 'commander';

export async function run(work: () => Promise<number>): Promise<void> {
  process.exitCode = await work();
}

export const byOption = () =>
  new Option('--by <name>', 'who does this, for the audit').default(
    userInfo().username,
    'the account you are logged in with',
  );

export const jsonOption = () => new Option('--json', 'one machine-readable document on standard output').default(false);

export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('a whole number is expected');
  return Number(text);
}

export function commaList(text: string): string[] {
  return text.split(',').map((part) => part.trim());
}

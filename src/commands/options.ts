/** Pieces that several commands share: options, and how a command's answer becomes the exit code. */

import { userInfo } from 'node:os';
import { InvalidArgumentError, Option } from 'commander';
import type { Product } from '../practice/practice.ts';

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

const PRODUCTS: readonly string[] = ['cKIS', 'cBoards'] satisfies readonly Product[];

export function productList(text: string): Product[] {
  const named = commaList(text);
  const isRight = named.every((product) => PRODUCTS.includes(product)) && new Set(named).size === named.length;
  if (!isRight) throw new InvalidArgumentError(`allowed: ${PRODUCTS.join(', ')}, or both with a comma`);
  return named as Product[];
}

export function commaList(text: string): string[] {
  return text.split(',').map((part) => part.trim());
}

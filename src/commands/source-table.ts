/** The `source` part of the command table. */

import { type Command, InvalidArgumentError } from 'commander';
import type { Io } from './io.ts';
import { byOption, jsonOption, run } from './options.ts';

const OVERLAP_DAYS = 7;
const OVERLAP_DAYS_MAX = 90;

interface RotateArguments {
  publicKey: string;
  overlapDays: number;
  by: string;
}

export function addSourceCommands(program: Command, io: Io): void {
  const source = program
    .command('source')
    .description('the systems that may post registrations, and their public keys');
  source
    .command('add <name>')
    .description('let a system post; its requests must be signed with the private half of this key')
    .requiredOption('--public-key <file>', 'PEM or JWK; `-` is standard input')
    .addOption(byOption())
    .action((name: string, options: { publicKey: string; by: string }) =>
      run(async () => (await import('./source.ts')).runSourceAdd(io, name, options)),
    );
  source
    .command('rotate <name>')
    .description('a new key; the former one stays good until the overlap ends')
    .requiredOption('--public-key <file>', 'PEM or JWK; `-` is standard input')
    .option('--overlap-days <n>', `0 to ${OVERLAP_DAYS_MAX}; 0 ends the former one at once`, overlap, OVERLAP_DAYS)
    .addOption(byOption())
    .action((name: string, options: RotateArguments) =>
      run(async () => (await import('./source.ts')).runSourceRotate(io, name, options)),
    );
  source
    .command('revoke <name>')
    .description('from now on good for nothing: one key, or without --key the whole source, for good')
    .option('--key <kid>')
    .addOption(byOption())
    .action((name: string, options: { key?: string; by: string }) =>
      run(async () =>
        (await import('./source.ts')).runSourceRevoke(io, name, { key: options.key ?? null, by: options.by }),
      ),
    );
  source
    .command('list')
    .addOption(jsonOption())
    .action((options: { json: boolean }) => run(async () => (await import('./source.ts')).runSourceList(io, options)));
}

function overlap(text: string): number {
  if (!/^\d{1,2}$/.test(text) || Number(text) > OVERLAP_DAYS_MAX)
    throw new InvalidArgumentError(`a whole number of days from 0 to ${OVERLAP_DAYS_MAX} is expected`);
  return Number(text);
}

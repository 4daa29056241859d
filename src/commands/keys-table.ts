/** The `keys` and `prune` part of the command table. */

import { createInterface } from 'node:readline/promises';
import { type Command, Option } from 'commander';
import type { Io } from './io.ts';
import { byOption, jsonOption, run } from './options.ts';

const PURPOSES = ['mailbox', 'practice', 'replay', 'digest', 'card', 'patient', 'bsn'] as const;
export type NamedPurpose = (typeof PURPOSES)[number];

interface RotateArguments {
  purpose?: NamedPurpose;
  practice?: string;
  mailbox?: string;
  all: boolean;
  master: boolean;
  by: string;
}

interface ShredArguments {
  practice?: string;
  mailbox?: string;
  reason: string;
  yes: boolean;
  by: string;
}

export function addKeyCommands(program: Command, io: Io): void {
  const keys = program.command('keys').description('the keys that the ledger’s content stands under');
  keys
    .command('rotate')
    .description('new keys for what is written from now on; what stands under the old ones stays readable')
    .addOption(new Option('--purpose <purpose>', 'all keys of this purpose').choices([...PURPOSES]))
    .option('--practice <agb>')
    .option('--mailbox <name>')
    .option('--all', 'every key that may rotate', false)
    .option('--master', 'the master key: ZORGKOERIER_MASTER_KEY_NEXT takes its place', false)
    .addOption(byOption())
    .action(({ purpose, practice, mailbox, ...options }: RotateArguments) =>
      run(async () =>
        (await import('./keys.ts')).runKeysRotate(io, {
          ...options,
          purpose: purpose ?? null,
          practice: practice ?? null,
          mailbox: mailbox ?? null,
        }),
      ),
    );
  keys
    .command('status')
    .description('which keys there are, since when, and how much stands under each')
    .addOption(jsonOption())
    .action((options: { json: boolean }) => run(async () => (await import('./keys.ts')).runKeysStatus(io, options)));
  keys
    .command('shred')
    .description('destroy the keys of a practice or mailbox: its content can never be read again')
    .option('--practice <agb>')
    .option('--mailbox <name>')
    .requiredOption('--reason <text>')
    .option('--yes', 'do not ask (for scripts)', false)
    .addOption(byOption())
    .action(({ practice, mailbox, ...options }: ShredArguments) =>
      run(async () =>
        (await import('./keys-shred.ts')).runKeysShred(
          io,
          { ...options, practice: practice ?? null, mailbox: mailbox ?? null },
          ask,
        ),
      ),
    );
  keys
    .command('prune')
    .description('destroy retired keys that nothing stands under any more')
    .option('--dry-run', 'only count which would go', false)
    .addOption(byOption())
    .action((options: { dryRun: boolean; by: string }) =>
      run(async () => (await import('./keys.ts')).runKeysPrune(io, options)),
    );
  program
    .command('prune')
    .description('erase content that has had its time, as every worker does by its own timer')
    .option('--dry-run', 'only count what would go', false)
    .addOption(jsonOption())
    .addOption(byOption())
    .action((options: { dryRun: boolean; json: boolean; by: string }) =>
      run(async () => (await import('./prune.ts')).runPrune(io, options)),
    );
}

// Where nobody types, the input ends: an empty answer.
async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  try {
    return await Promise.race([lines.question(question), ended]);
  } finally {
    lines.close();
  }
}

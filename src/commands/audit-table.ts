/** The `audit` part of the command table. */

import type { Command } from 'commander';
import { Option } from 'commander';
import { type Io, UsageError } from './io.ts';
import { byOption, jsonOption, run } from './options.ts';

interface ExportArguments {
  patient?: true | string;
  bsnFile: string;
  practice?: string;
  format: 'jsonl' | 'csv';
  reason: string;
  by: string;
}

export function addAuditCommands(program: Command, io: Io): void {
  const audit = program.command('audit').description('who did what with whose data, and whether that was changed');
  audit
    .command('verify')
    .description('recompute the chain of seals; exit code 3 where anything is not as it was sealed')
    .option('--seals <file>', 'also compare with the seal file that was kept elsewhere')
    .addOption(jsonOption())
    .addOption(byOption())
    .action((options: { seals?: string; json: boolean; by: string }) =>
      run(async () =>
        (await import('./audit-verify.ts')).runAuditVerify(io, { ...options, seals: options.seals ?? null }),
      ),
    );
  audit
    .command('export')
    .description('every row about one patient (the BSN comes from standard input or a file) or of one practice')
    // With a value it would be a BSN in the list of processes: it takes one only in order to refuse it.
    .addOption(new Option('--patient [nothing]', 'about one patient: see --bsn-file'))
    .option('--bsn-file <file>', 'a file with the BSN alone; - is standard input', '-')
    .option('--practice <agb>', 'of one practice')
    .addOption(new Option('--format <format>').choices(['jsonl', 'csv']).default('jsonl'))
    .requiredOption('--reason <text>', 'why, for the audit')
    .addOption(byOption())
    .action((options: ExportArguments) =>
      run(async () => (await import('./audit-export.ts')).runAuditExport(io, exportOptions(options))),
    );
}

function exportOptions({ patient, bsnFile, practice, format, reason, by }: ExportArguments) {
  if (typeof patient === 'string')
    throw new UsageError(
      '--patient takes no value: a BSN on a command line can be read by others. Put it in a file, or on standard input: --bsn-file -',
    );
  if ((patient === true) === (practice !== undefined))
    throw new UsageError('audit export: name --patient or --practice AGB');
  return { bsnFile: patient === true ? bsnFile : null, practice: practice ?? null, format, reason, by };
}

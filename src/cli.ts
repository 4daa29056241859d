/** The command table. Every failure ends here and becomes an exit code; nothing else calls process.exit for one. */

import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { addAlarmCommands } from './commands/alarm-table.ts';
import { addAuditCommands } from './commands/audit-table.ts';
import { exitCodeOf } from './commands/exit-code.ts';
import type { ReleaseFlags } from './commands/held.ts';
import type { Io } from './commands/io.ts';
import { addKeyCommands } from './commands/keys-table.ts';
import { byOption, jsonOption, run } from './commands/options.ts';
import { addPracticeCommands } from './commands/practice-table.ts';
import { addRegistrationCommands } from './commands/registration-table.ts';
import { addReturnMailboxCommands } from './commands/return-mailbox-table.ts';
import { addSourceCommands } from './commands/source-table.ts';
import { processEnvironment } from './config/config.ts';

const version = '0.1.0';

const io: Io = {
  env: processEnvironment(),
  out: (text) => process.stdout.write(text.endsWith('\n') ? text : `${text}\n`),
  progress: (text) => process.stderr.write(`${text}\n`),
  readStdin: async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  },
};

// A reader that has seen enough (`… | head`) is no error.
process.stdout.on('error', (thrown: NodeJS.ErrnoException) => {
  if (thrown.code !== 'EPIPE') throw thrown;
  process.exit(0);
});

const program = new Command('zorgkoerier')
  .description('The courier between a GP practice’s ZorgMail mailbox and its patients’ cards in cKIS and cBoards.')
  .version(version)
  .exitOverride()
  .configureHelp({ sortSubcommands: false })
  .addHelpText(
    'after',
    '\nExit codes: 0 done · 1 unexpected · 2 usage · 3 partly done · 10 configuration · 11 ledger unreachable · 12 login refused · 130 interrupted',
  );

program
  .command('start')
  .description('run the worker: copy, read, deliver; SIGTERM drains and stops')
  .action(() => run(async () => (await import('./commands/start.ts')).runStart(io)));

program
  .command('serve')
  .description('take registrations from cKIS and cBoards over HTTP; SIGTERM drains and stops')
  .action(() => run(async () => (await import('./commands/serve.ts')).runServe(io)));

program
  .command('migrate')
  .description('bring the ledger’s schema to this version')
  .option('--first-run', 'allow a database that has no schema yet', false)
  .action((options: { firstRun: boolean }) =>
    run(async () => (await import('./commands/migrate.ts')).runMigrate(io, options)),
  );

const services = program
  .command('services')
  .description('the embedded PostgreSQL and Redis (demo, tests, ZORGKOERIER_EMBEDDED=1)');
services.command('up').action(() => run(async () => (await import('./commands/services.ts')).runServicesUp(io)));
services.command('down').action(() => run(async () => (await import('./commands/services.ts')).runServicesDown(io)));
services
  .command('status')
  .addOption(jsonOption())
  .action((options: { json: boolean }) =>
    run(async () => (await import('./commands/services.ts')).runServicesStatus(io, options)),
  );

program
  .command('inspect <file...>')
  .description(
    'read mails, EDIFACT or HL7 files and show what they mean; `-` is standard input; needs no ledger and no network',
  )
  .addOption(jsonOption())
  .action((files: string[], options: { json: boolean }) =>
    run(async () => {
      const { inspectFiles } = await import('./commands/inspect.ts');
      const { loadConfig } = await import('./config/config.ts');
      const { laboratoriesPath, determinationsPath, language } = loadConfig(io.env, { requiresServices: false });
      const isColoured = process.stdout.isTTY === true;
      return inspectFiles(
        files,
        { isJson: options.json, laboratoriesPath, determinationsPath, language, isColoured },
        io.out,
        io.readStdin,
      );
    }),
  );

const fixture = program.command('fixture').description('the messages that the tests read (in a checkout)');
fixture
  .command('add <file>')
  .description(
    'make a fixture of a real message: people, numbers, dates and free text are replaced, and what changes is shown before it is written',
  )
  .option('--name <name>', 'the fixture’s name, such as two-specimens')
  .option('--yes', 'write without asking', false)
  .option('--seed <text>', 'the same seed gives the same result')
  .action((file: string, options: { name?: string; yes: boolean; seed?: string }) =>
    run(async () => {
      const { runFixtureAdd } = await import('./commands/fixture.ts');
      const { confirm } = await import('./commands/confirm.ts');
      return runFixtureAdd(io, {
        file,
        name: options.name ?? null,
        yes: options.yes,
        seed: options.seed ?? null,
        root: fileURLToPath(new URL('..', import.meta.url)),
        isTerminal: process.stdout.isTTY === true,
        ask: confirm,
      });
    }),
  );

program
  .command('render')
  .description('write what would be sent, and send nothing; needs no ledger and no network')
  .command('medvri [file]')
  .description('the MEDVRI of a registration in a JSON file; `-` is standard input')
  .option('--example', 'print a file to start from', false)
  .action((file: string | undefined, options: { example: boolean }) =>
    run(async () =>
      (await import('./commands/render-medvri.ts')).runRenderMedvri(io, file ?? null, options, (bytes) =>
        process.stdout.write(bytes),
      ),
    ),
  );

interface ReplayArguments {
  mail?: string[];
  practice?: string;
  since?: string;
  dryRun: boolean;
  json: boolean;
  by: string;
}

program
  .command('replay [path...]')
  .description('put files, stored mails or mails still in a mailbox through the pipeline again')
  .option('--mail <id...>', 'mails that the ledger still holds')
  .option('--practice <agb>', 'mails still in this practice’s mailboxes (with --since)')
  .option('--since <date>', 'from this date on')
  .option('--dry-run', 'look only: nothing is written', false)
  .addOption(jsonOption())
  .addOption(byOption())
  .action((paths: string[], options: ReplayArguments) =>
    run(async () =>
      (await import('./commands/replay.ts')).runReplay(io, {
        paths,
        mailIds: options.mail ?? [],
        practice: options.practice ?? null,
        since: options.since ?? null,
        dryRun: options.dryRun,
        json: options.json,
        by: options.by,
      }),
    ),
  );

addPracticeCommands(program, io);
addReturnMailboxCommands(program, io);
addSourceCommands(program, io);

const held = program.command('held').description('what waits for a person’s decision');
held
  .command('list')
  .option('--practice <agb>')
  .addOption(jsonOption())
  .action((options: { json: boolean; practice?: string }) =>
    run(async () =>
      (await import('./commands/held.ts')).runHeldList(io, { json: options.json, practice: options.practice ?? null }),
    ),
  );
held
  .command('show <id>')
  .option('--content', 'show the report itself (audited)', false)
  .addOption(jsonOption())
  .addOption(byOption())
  .action((id: string, options: { json: boolean; content: boolean; by: string }) =>
    run(async () => (await import('./commands/held.ts')).runHeldShow(io, id, options)),
  );
held
  .command('release <id>')
  .description(
    'all checks run again; --override-card overrides an identity check with the card that the practice confirmed',
  )
  .requiredOption('--reason <text>')
  .option('--override-card <patient-id>')
  .option('--number-reused', 'the laboratory uses the lab number anew: both patients keep their results')
  .option('--retract-first', 'take back what the first patient has under the lab number, then deliver')
  .option('--same-determination', 'one determination under another code: in the place of the earlier result')
  .addOption(byOption())
  .action((id: string, options: ReleaseFlags & { reason: string; overrideCard?: string; by: string }) =>
    run(async () => {
      const { choiceOf, runHeldRelease } = await import('./commands/held.ts');
      const { reason, by, overrideCard = null } = options;
      return runHeldRelease(io, id, { reason, by, overrideCard, choice: choiceOf(options) });
    }),
  );
held
  .command('discard <id>')
  .requiredOption('--reason <text>')
  .addOption(byOption())
  .action((id: string, options: { reason: string; by: string }) =>
    run(async () => (await import('./commands/held.ts')).runHeldDiscard(io, id, { ...options, overrideCard: null })),
  );

addRegistrationCommands(program, io);
addAuditCommands(program, io);

program
  .command('status')
  .description('the accounting, mailbox by mailbox, and what waits for a person')
  .addOption(jsonOption())
  .action((options: { json: boolean }) =>
    run(async () => (await import('./commands/status.ts')).runStatus(io, options)),
  );

addAlarmCommands(program, io);
addKeyCommands(program, io);

program
  .command('reconcile')
  .description(
    'close the books: every uid has its row, every day adds up, and the server holds nothing that we do not know',
  )
  .option('--settled', 'also exit with 3 when anything still waits', false)
  .option('--repair', 'assign again what the server has and the ledger does not; the workers then copy it', false)
  .option('--days <n>', 'how many days to show one by one', '14')
  .addOption(jsonOption())
  .addOption(byOption())
  .action((options: { settled: boolean; repair: boolean; days: string; json: boolean; by: string }) =>
    run(async () => (await import('./commands/reconcile.ts')).runReconcile(io, options)),
  );

program
  .command('recover')
  .description(
    'after PostgreSQL was restored from a backup: every mailbox is read anew from then on, what stood open asks the card first',
  )
  .requiredOption('--restored-at <moment>', 'the moment of the backup, such as 2026-11-22T03:00:00+01:00')
  .addOption(jsonOption())
  .addOption(byOption())
  .action((options: { restoredAt: string; json: boolean; by: string }) =>
    run(async () => (await import('./commands/recover.ts')).runRecover(io, options)),
  );

const codes = program.command('codes').description('what the mapping of determination codes does and lacks');
codes
  .command('unmapped')
  .description('results that went to cards without a code, per laboratory and code; no patient data')
  .option('--laboratory <id>', 'a laboratory’s id in the registry, or a sender as sent')
  .addOption(jsonOption())
  .action((options: { json: boolean; laboratory?: string }) =>
    run(async () =>
      (await import('./commands/codes.ts')).runCodesUnmapped(io, {
        json: options.json,
        laboratory: options.laboratory ?? null,
      }),
    ),
  );

program
  .command('demo')
  .description('the whole journey on this machine, with a sandbox for the world outside')
  .option('--keep', 'leave everything running afterwards', false)
  .addOption(jsonOption())
  .action((options: { json: boolean; keep: boolean }) =>
    run(async () => (await import('./commands/demo.ts')).runDemo(io, options)),
  );

try {
  await program.parseAsync(process.argv);
} catch (thrown) {
  process.exitCode = thrown instanceof CommanderError ? (thrown.exitCode === 0 ? 0 : 2) : exitCodeOf(thrown, io);
}

/** The `return-mailbox` part of the command table. */

import { type Command, Option } from 'commander';
import type { Io } from './io.ts';
import { byOption, jsonOption, run, wholeNumber } from './options.ts';

interface PasswordArguments {
  passwordFile?: string;
  passwordStdin: boolean;
  by: string;
}

interface AddArguments extends PasswordArguments {
  name: string;
  host: string;
  port: number;
  security: 'tls' | 'starttls';
  user: string;
  path: string;
  caFile?: string;
  since?: string;
}

export function addReturnMailboxCommands(program: Command, io: Io): void {
  const mailbox = program
    .command('return-mailbox')
    .description('our own mailbox, where receipts for what was sent come in; of no practice');
  withPassword(mailbox.command('add'))
    .description('add it and read it from now on; tried first, read-only')
    .requiredOption('--name <label>', 'a label for people')
    .requiredOption('--host <host>')
    .requiredOption('--user <user>')
    .option('--port <port>', '', wholeNumber, 993)
    .addOption(new Option('--security <security>').choices(['tls', 'starttls']).default('tls'))
    .option('--path <folder>', '', 'INBOX')
    .option('--ca-file <file>', 'PEM of a private certificate authority')
    .option('--since <date>', 'also mails that are in the mailbox already, from this date on')
    .action((options: AddArguments) =>
      run(async () =>
        (await import('./return-mailbox.ts')).runReturnMailboxAdd(io, {
          ...options,
          ...sourceOf(options),
          caFile: options.caFile ?? null,
          since: options.since ?? null,
        }),
      ),
    );
  mailbox
    .command('list')
    .addOption(jsonOption())
    .action((options: { json: boolean }) =>
      run(async () => (await import('./return-mailbox.ts')).runReturnMailboxList(io, options)),
    );
  withPassword(mailbox.command('set-password <name>'))
    .description('another password for it; tried first, read-only')
    .action((name: string, options: PasswordArguments) =>
      run(async () =>
        (await import('./return-mailbox.ts')).runReturnMailboxSetPassword(io, name, {
          ...sourceOf(options),
          by: options.by,
        }),
      ),
    );
  mailbox
    .command('remove <name>')
    .description('stop reading it; its books stay')
    .addOption(byOption())
    .action((name: string, options: { by: string }) =>
      run(async () => (await import('./return-mailbox.ts')).runReturnMailboxRemove(io, name, options.by)),
    );
}

function withPassword(command: Command): Command {
  return command
    .option('--password-file <file>', 'a file with the password, never the password itself')
    .option('--password-stdin', 'the password is typed or piped in', false)
    .addOption(byOption());
}

function sourceOf({ passwordFile, passwordStdin }: PasswordArguments) {
  return { passwordFile: passwordFile ?? null, isFromStdin: passwordStdin };
}

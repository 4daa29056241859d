/** The `practice` part of the command table. */

import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Product } from '../practice/practice.ts';
import { type Io, UsageError } from './io.ts';
import { byOption, commaList, jsonOption, productList, run, wholeNumber } from './options.ts';

export function addPracticeCommands(program: Command, io: Io): void {
  const practice = program
    .command('practice')
    .description('practices, their mailboxes and what is switched on for them');
  addRegistering(practice, io);
  addLooking(practice, io);
  addSwitching(practice, io);
}

interface MailboxArguments {
  mailboxName?: string;
  mailboxKind: 'practice' | 'copy';
  mailboxHost?: string;
  mailboxPort: number;
  mailboxSecurity: 'tls' | 'starttls';
  mailboxUser?: string;
  mailboxPasswordFile?: string;
  mailboxPath: string;
  mailboxCaFile?: string;
}

function withMailboxOptions(command: Command): Command {
  return command
    .option('--mailbox-name <label>', 'a label for people; a mailbox of that name is shared, if it is the same one')
    .addOption(
      new Option('--mailbox-kind <kind>', 'practice: read beside the HIS; copy: our own account')
        .choices(['practice', 'copy'])
        .default('practice'),
    )
    .option('--mailbox-host <host>')
    .option('--mailbox-port <port>', '', wholeNumber, 993)
    .addOption(new Option('--mailbox-security <security>').choices(['tls', 'starttls']).default('tls'))
    .option('--mailbox-user <user>')
    .option('--mailbox-password-file <file>', 'a file with the password, never the password itself')
    .option('--mailbox-path <folder>', '', 'INBOX')
    .option('--mailbox-ca-file <file>', 'PEM of a private certificate authority');
}

function mailboxOf(options: MailboxArguments) {
  const { mailboxName, mailboxHost, mailboxUser, mailboxPasswordFile } = options;
  if (mailboxName === undefined) return null;
  if (mailboxHost === undefined || mailboxUser === undefined || mailboxPasswordFile === undefined) {
    throw new UsageError('--mailbox-name needs --mailbox-host, --mailbox-user and --mailbox-password-file');
  }
  return {
    name: mailboxName,
    kind: options.mailboxKind,
    host: mailboxHost,
    port: options.mailboxPort,
    security: options.mailboxSecurity,
    user: mailboxUser,
    passwordFile: mailboxPasswordFile,
    path: options.mailboxPath,
    caFile: options.mailboxCaFile ?? null,
  };
}

interface AddArguments extends MailboxArguments {
  agb: string;
  name: string;
  his: string;
  products: Product[];
  boards?: 'none' | 'by-ckis' | 'by-us';
  zorgmail: string[];
  by: string;
}

type Name = 'forwarding' | 'registrations';
const NAMES: readonly string[] = ['forwarding', 'registrations'];
const integrationName = (text: string): Name => {
  if (!NAMES.includes(text)) throw new InvalidArgumentError('forwarding or registrations is expected');
  return text as Name;
};

interface EnableArguments {
  mode?: 'shadow' | 'live';
  authorisedBy?: string;
  authorisedOn?: string;
  since?: string;
  determinations?: string;
  acceptVanished?: string;
  account?: string;
  charset?: 'ascii' | 'latin1';
  blankLine?: 'omitted' | 'empty' | 'full-stop' | 'space';
  by: string;
}

function addRegistering(practice: Command, io: Io): void {
  withMailboxOptions(practice.command('add'))
    .description('add a practice; nothing is switched on')
    .requiredOption('--agb <code>', 'AGB code, 8 digits')
    .requiredOption('--name <name>')
    .requiredOption('--his <vendor>', 'the HIS it works with')
    .requiredOption('--products <list>', 'cKIS, cBoards or both, with a comma', productList)
    .addOption(
      new Option('--boards <how>', 'how results reach the boards; for a practice with both products').choices([
        'by-ckis',
        'by-us',
      ]),
    )
    .requiredOption('--zorgmail <accounts>', 'ZorgMail account numbers, with commas', commaList)
    .addOption(byOption())
    .action((options: AddArguments) =>
      run(async () => {
        const { products } = options;
        const hasBoth = products.includes('cKIS') && products.includes('cBoards');
        return (await import('./practice.ts')).runPracticeAdd(io, {
          ...options,
          boards: options.boards ?? (hasBoth ? 'by-ckis' : 'none'),
          accounts: options.zorgmail,
          mailbox: mailboxOf(options),
        });
      }),
    );

  withMailboxOptions(practice.command('add-mailbox <agb>'))
    .description('add a mailbox to a practice, or share one that exists')
    .addOption(byOption())
    .action((agb: string, options: MailboxArguments & { by: string }) =>
      run(async () => {
        const mailbox = mailboxOf(options);
        if (mailbox === null) throw new UsageError('--mailbox-name is missing');
        return (await import('./practice-mailbox.ts')).runPracticeAddMailbox(io, agb, mailbox, options.by);
      }),
    );

  practice
    .command('set-password')
    .description('another password for a mailbox; tried first, read-only')
    .argument('<agb>')
    .argument('<mailbox>', 'the label of the mailbox')
    .requiredOption('--mailbox-password-file <file>', 'a file with the password, never the password itself')
    .addOption(byOption())
    .action((agb: string, mailbox: string, options: { mailboxPasswordFile: string; by: string }) =>
      run(async () =>
        (await import('./practice-mailbox.ts')).runPracticeSetPassword(
          io,
          agb,
          mailbox,
          options.mailboxPasswordFile,
          options.by,
        ),
      ),
    );
}

function addLooking(practice: Command, io: Io): void {
  practice
    .command('list')
    .addOption(jsonOption())
    .action((options: { json: boolean }) =>
      run(async () => (await import('./practice.ts')).runPracticeList(io, options)),
    );
  practice
    .command('show <agb>')
    .addOption(jsonOption())
    .action((agb: string, options: { json: boolean }) =>
      run(async () => (await import('./practice.ts')).runPracticeShow(io, agb, options)),
    );
  practice
    .command('test <agb>')
    .description('log in read-only to each mailbox and say what is seen; changes nothing')
    .addOption(jsonOption())
    .addOption(byOption())
    .action((agb: string, options: { json: boolean; by: string }) =>
      run(async () => (await import('./practice.ts')).runPracticeTest(io, agb, options)),
    );
}

function addSwitching(practice: Command, io: Io): void {
  practice
    .command('enable')
    .description('switch on, or resume as it was: what is not given stays')
    .argument('<agb>')
    .argument('<integration>', 'forwarding or registrations', integrationName)
    .addOption(
      new Option(
        '--mode <mode>',
        'shadow: everything but the delivery; without it: as it was, and shadow the first time',
      ).choices(['shadow', 'live']),
    )
    .option('--authorised-by <name>', 'who authorised it at the practice (live)')
    .option('--authorised-on <date>', 'when (live)')
    .option('--since <date>', 'also mails that are in the mailbox already, from this date on')
    .option('--determinations <all|file>', 'all, or a file with NHG numbers and codes (live)')
    .option('--accept-vanished <reason>', 'go live although more than 0.1 % of the mail vanished in the shadow run')
    .option(
      '--account <number>',
      'registrations: the ZorgMail account that the HIS reads, where the practice has several',
    )
    .addOption(
      new Option(
        '--charset <charset>',
        'registrations: latin1 only where this HIS was tried with it; ascii the first time',
      ).choices(['ascii', 'latin1']),
    )
    .addOption(
      new Option(
        '--blank-line <how>',
        'registrations: a blank line as this HIS takes it; full-stop the first time',
      ).choices(['omitted', 'empty', 'full-stop', 'space']),
    )
    .addOption(byOption())
    .action((agb: string, name: Name, options: EnableArguments) =>
      run(async () =>
        (await import('./practice-switch.ts')).runPracticeEnable(io, agb, name, {
          mode: options.mode ?? null,
          authorisedBy: options.authorisedBy ?? null,
          authorisedOn: options.authorisedOn ?? null,
          since: options.since ?? null,
          determinations: options.determinations ?? null,
          acceptVanished: options.acceptVanished ?? null,
          receiver: {
            account: options.account ?? null,
            charset: options.charset ?? null,
            blankLine: options.blankLine ?? null,
          },
          by: options.by,
        }),
      ),
    );
  practice
    .command('pause')
    .description('keep copying and accepting, stop delivering and sending')
    .argument('<agb>')
    .argument('<integration>', 'forwarding or registrations', integrationName)
    .addOption(byOption())
    .action((agb: string, name: Name, options: { by: string }) =>
      run(async () => (await import('./practice-switch.ts')).runPracticePause(io, agb, name, options.by)),
    );
  practice
    .command('disable')
    .description('stop; of forwarding what waits is discarded after 7 days, of registrations it is held for a person')
    .argument('<agb>')
    .argument('<integration>', 'forwarding or registrations', integrationName)
    .addOption(byOption())
    .action((agb: string, name: Name, options: { by: string }) =>
      run(async () => (await import('./practice-switch.ts')).runPracticeDisable(io, agb, name, options.by)),
    );
}

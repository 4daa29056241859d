/** `zorgkoerier practice add-mailbox|set-password`: a practice's mailboxes, and what they are opened with. */

import { readFile } from 'node:fs/promises';
import { addMailboxTo, replacePassword } from '../pipeline/pipeline.ts';
import type { NewMailbox } from '../practice/practice.ts';
import { type Io, say, UsageError } from './io.ts';
import { requirePractice, withOffice } from './office.ts';

export interface MailboxOptions {
  readonly name: string;
  readonly kind: 'practice' | 'copy';
  readonly host: string;
  readonly port: number;
  readonly security: 'tls' | 'starttls';
  readonly user: string;
  readonly passwordFile: string;
  readonly path: string;
  readonly caFile: string | null;
}

/** Adds a mailbox to a practice, or links one that another practice shares; copied at once where forwarding is on. */
export async function runPracticeAddMailbox(io: Io, agb: string, options: MailboxOptions, by: string): Promise<number> {
  return withOffice(io, async (office, config) => {
    const practice = await requirePractice(office, agb);
    const { isWatched } = await addMailboxTo(office, practice, await newMailbox(options), by);
    io.out(
      say(config, {
        nl: `Mailbox ${options.name} hoort nu bij ${agb}${isWatched ? ' en wordt vanaf nu gekopieerd' : ''}.`,
        en: `Mailbox ${options.name} now belongs to ${agb}${isWatched ? ' and is copied from now on' : ''}.`,
      }),
    );
    return 0;
  });
}

export async function runPracticeSetPassword(
  io: Io,
  agb: string,
  mailbox: string,
  passwordFile: string,
  by: string,
): Promise<number> {
  return withOffice(io, async (office, config) => {
    const practice = await requirePractice(office, agb);
    await replacePassword(office, practice, mailbox, await passwordFrom(passwordFile), by);
    io.out(
      say(config, {
        nl: `Mailbox ${mailbox}: ingelogd (alleen lezen) met het nieuwe wachtwoord; het is bewaard.`,
        en: `Mailbox ${mailbox}: logged in (read-only) with the new password; it is stored.`,
      }),
    );
    return 0;
  });
}

export async function newMailbox(options: MailboxOptions): Promise<NewMailbox> {
  return {
    name: options.name,
    kind: options.kind,
    host: options.host,
    port: options.port,
    security: options.security,
    username: options.user,
    password: await passwordFrom(options.passwordFile),
    path: options.path,
    ca: options.caFile === null ? null : await read(options.caFile, '--mailbox-ca-file'),
  };
}

// From a file, never from the command line: a process list is read by others.
async function passwordFrom(path: string): Promise<string> {
  return passwordOf(await read(path, '--mailbox-password-file'), `--mailbox-password-file: ${path}`);
}

/** The one line that a file or standard input holds; `where` is named where there is none. */
export function passwordOf(text: string, where: string): string {
  const password = text.replace(/\r?\n$/, '');
  if (password === '') throw new UsageError(`${where} is empty`);
  return password;
}

/** The text of a file that an option names. */
export function read(path: string, what: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => {
    throw new UsageError(`${what}: ${path} cannot be read`);
  });
}

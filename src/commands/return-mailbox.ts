/** `zorgkoerier return-mailbox add|list|set-password|remove`: our own mailbox, where what comes back about our mails comes. */

import { addReturnMailbox, removeReturnMailbox, replaceReturnPassword } from '../pipeline/pipeline.ts';
import { returnMailboxes, watchedMailboxes } from '../practice/practice.ts';
import { type Io, momentOf, say, table, UsageError } from './io.ts';
import { withOffice } from './office.ts';
import { passwordOf, read } from './practice-mailbox.ts';

/** Where the password comes from: one of the two. */
export interface PasswordSource {
  readonly passwordFile: string | null;
  readonly isFromStdin: boolean;
}

export interface ReturnMailboxOptions extends PasswordSource {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly security: 'tls' | 'starttls';
  readonly user: string;
  readonly path: string;
  readonly caFile: string | null;
  readonly since: string | null;
  readonly by: string;
}

export async function runReturnMailboxAdd(io: Io, options: ReturnMailboxOptions): Promise<number> {
  const since = options.since === null ? null : momentOf(options.since, '--since');
  return withOffice(io, async (office, config) => {
    const { name, host, port, security, user: username, path } = options;
    const ca = options.caFile === null ? null : await read(options.caFile, '--ca-file');
    const account = { name, host, port, security, username, path, ca, password: await passwordFrom(io, options) };
    const { isNew, listed } = await addReturnMailbox(office, account, since, options.by);
    const older =
      listed === 0 ? { nl: '', en: '' } : { nl: `, met ${listed} oudere mails`, en: `, with ${listed} older mails` };
    io.out(
      say(config, {
        nl: `Retourmailbox ${name}: ingelogd (alleen lezen); ${isNew ? 'wordt vanaf nu gelezen' : 'werd al gelezen'}${older.nl}.`,
        en: `Return mailbox ${name}: logged in (read-only); ${isNew ? 'it is read from now on' : 'it was read already'}${older.en}.`,
      }),
    );
    return 0;
  });
}

export async function runReturnMailboxList(io: Io, options: { readonly json: boolean }): Promise<number> {
  return withOffice(io, async (office, config) => {
    const watched = new Set((await watchedMailboxes(office.ledger)).map(({ id }) => id));
    const mailboxes = (await returnMailboxes(office.ledger)).map(({ id, name, host, path, lastPolledAt, trouble }) => ({
      name,
      host,
      path,
      isWatched: watched.has(id),
      lastPolledAt: lastPolledAt?.toISOString() ?? null,
      trouble,
    }));
    if (options.json) io.out(JSON.stringify(mailboxes));
    else if (mailboxes.length === 0)
      io.out(say(config, { nl: 'Er is geen retourmailbox.', en: 'There is no return mailbox.' }));
    else {
      const heading =
        config.language === 'nl'
          ? ['mailbox', 'server', 'map', 'wordt gelezen', 'laatst bezocht', 'storing']
          : ['mailbox', 'server', 'folder', 'watched', 'last visit', 'trouble'];
      const yes = (isSo: boolean) => say(config, isSo ? { nl: 'ja', en: 'yes' } : { nl: 'nee', en: 'no' });
      const rows = mailboxes.map(({ name, host, path, isWatched, lastPolledAt, trouble }) => [
        name,
        host,
        path,
        yes(isWatched),
        lastPolledAt?.slice(0, 16).replace('T', ' ') ?? '-',
        trouble ?? '-',
      ]);
      io.out(table([heading, ...rows]));
    }
    return 0;
  });
}

export async function runReturnMailboxSetPassword(
  io: Io,
  name: string,
  options: PasswordSource & { readonly by: string },
): Promise<number> {
  return withOffice(io, async (office, config) => {
    await replaceReturnPassword(office, name, await passwordFrom(io, options), options.by);
    io.out(
      say(config, {
        nl: `Retourmailbox ${name}: ingelogd (alleen lezen) met het nieuwe wachtwoord; het is bewaard.`,
        en: `Return mailbox ${name}: logged in (read-only) with the new password; it is stored.`,
      }),
    );
    return 0;
  });
}

export async function runReturnMailboxRemove(io: Io, name: string, by: string): Promise<number> {
  return withOffice(io, async (office, config) => {
    await removeReturnMailbox(office, name, by);
    io.out(
      say(config, {
        nl: `Retourmailbox ${name} wordt niet meer gelezen; de boekhouding blijft.`,
        en: `Return mailbox ${name} is read no longer; its books stay.`,
      }),
    );
    return 0;
  });
}

async function passwordFrom(io: Io, { passwordFile, isFromStdin }: PasswordSource): Promise<string> {
  if ((passwordFile !== null) === isFromStdin) throw new UsageError('give --password-file or --password-stdin');
  if (passwordFile !== null)
    return passwordOf(await read(passwordFile, '--password-file'), `--password-file: ${passwordFile}`);
  return passwordOf((await io.readStdin()).toString('utf8'), '--password-stdin: standard input');
}

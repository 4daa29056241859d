/** The mailboxes of the sandbox's server: putting mail in, looking without touching, and being the practice's HIS. */

import { createHash } from 'node:crypto';
import type { MailboxAccount } from '../../mailbox/mailbox.ts';
import { hisOf } from './his.ts';
import { lettersOf, mailsIn } from './his-view.ts';
import { type ImapLogin, withImap } from './imap-client.ts';
import { deliverByLmtp } from './lmtp.ts';
import { compareSnapshots, takeSnapshot } from './snapshot.ts';

const DOMAIN = 'lms.lifeline.nl';
const SENDER = `sandbox@${DOMAIN}`;

/** What can be done with any account, on a server at these ports with this certificate. */
export function mailboxesOf(
  ports: { readonly imaps: number; readonly imap: number; readonly lmtp: number },
  ca: string,
) {
  const login = (username: string): ImapLogin => ({ port: ports.imaps, ca, username, password: passwordOf(username) });
  const deliver = (account: string, deliveredTo: string, raw: Buffer, sender = SENDER) =>
    deliverByLmtp({
      port: ports.lmtp,
      recipient: `${account}@${DOMAIN}`,
      sender,
      raw: Buffer.concat([Buffer.from(`Delivered-To: ${deliveredTo}@${DOMAIN}\r\n`), raw]),
    });
  return {
    mailboxAccount: (account: string, security: MailboxAccount['security'] = 'tls'): MailboxAccount => ({
      host: '127.0.0.1',
      port: security === 'tls' ? ports.imaps : ports.imap,
      security,
      username: account,
      password: passwordOf(account),
      path: 'INBOX',
      ca,
    }),
    deliver: (account: string, raw: Buffer) => deliver(account, account, raw),
    deliverToBoth: async (account: string, raw: Buffer, sender?: string) => {
      await deliver(twinOf(account), account, raw, sender);
      await deliver(account, account, raw, sender);
    },
    mailsOf: (account: string) => mailsIn(login(twinOf(account))),
    lettersOf: async (account: string) =>
      (await Promise.all((await mailsIn(login(twinOf(account)))).map(lettersOf))).flat(),
    append: (account: string, raw: Buffer, internalDate: Date) => appendMail(login(account), raw, internalDate),
    his: (account: string) => hisOf([login(account)]),
    hisOfBoth: (account: string) => hisOf([login(account), login(twinOf(account))]),
    snapshotMailbox: (account: string) => takeSnapshot(login(account)),
    compareTwins: async (account: string) =>
      compareSnapshots(await takeSnapshot(login(account)), await takeSnapshot(login(twinOf(account)))),
  };
}

/** The twin that gets the same mail and that only the HIS ever opens. */
export function twinOf(account: string): string {
  return `${account}-twin`;
}

/** Derived, so that a second process that is told only the ports and the account can log in too. */
export function passwordOf(account: string): string {
  return createHash('sha256').update(`zorgmail sandbox ${account}`).digest('hex').slice(0, 24);
}

function appendMail(login: ImapLogin, raw: Buffer, internalDate: Date): Promise<void> {
  return withImap(login, async (client) => {
    await client.command(`APPEND INBOX "${imapDate(internalDate)}"`, raw);
  });
}

// RFC 3501 date-time: `17-Jul-1996 02:44:25 +0000`, the day padded with a space.
function imapDate(moment: Date): string {
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(moment.toUTCString()) ?? [];
  return `${String(Number(day)).padStart(2, ' ')}-${month}-${year} ${time} +0000`;
}

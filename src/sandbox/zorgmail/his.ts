/**
 * A practice's HIS as another client of the same mailbox: it reads (FETCH without PEEK, STORE \Seen) and deletes.
 * Whatever it does, it does to the twin as well, so that the two may differ only by what we did to the first.
 */

import { type ImapClient, type ImapLogin, withImap } from './imap-client.ts';

export interface His {
  /** Reads every unseen mail, as a HIS that imports: they are \Seen from then on. Resolves to their uids. */
  collect(): Promise<readonly number[]>;
  /** Marks the mails \Deleted and expunges them. */
  remove(uids: readonly number[]): Promise<void>;
  /** What most HISes do: read everything, then throw it away. */
  collectAndRemove(): Promise<readonly number[]>;
}

/** A HIS on one or more mailboxes: the practice's own first, then its twin. */
export function hisOf(logins: readonly ImapLogin[]): His {
  const everywhere = async <Result>(work: (client: ImapClient) => Promise<Result>) => {
    const results: Result[] = [];
    for (const login of logins) {
      results.push(
        await withImap(login, async (client) => {
          await client.command('SELECT INBOX');
          return work(client);
        }),
      );
    }
    return results[0] as Result;
  };
  return {
    collect: () => everywhere(readUnseen),
    remove: (uids) => everywhere((client) => expunge(client, uids)),
    collectAndRemove: () =>
      everywhere(async (client) => {
        const uids = await readUnseen(client);
        await expunge(client, uids);
        return uids;
      }),
  };
}

async function readUnseen(client: ImapClient): Promise<readonly number[]> {
  const uids = (await client.command('UID SEARCH UNSEEN'))
    .filter((line) => line.startsWith('* SEARCH'))
    .flatMap((line) => line.split(' ').slice(2).map(Number));
  for (const uid of uids) {
    await client.command(`UID FETCH ${uid} (BODY[])`);
    await client.command(`UID STORE ${uid} +FLAGS (\\Seen)`);
  }
  return uids;
}

async function expunge(client: ImapClient, uids: readonly number[]): Promise<void> {
  if (uids.length === 0) return;
  await client.command(`UID STORE ${uids.join(',')} +FLAGS (\\Deleted)`);
  await client.command('EXPUNGE');
}

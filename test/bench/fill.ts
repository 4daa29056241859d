/** Fills a mailbox fast: many mails in one APPEND (RFC 3502), literals that wait for no answer (RFC 7888). */

import { once } from 'node:events';
import { connect } from 'node:tls';
import type { MailboxAccount } from '../../src/mailbox/mailbox.ts';

const MAILS_PER_COMMAND = 250;

/** Appends the mails in this order, with the header that ZorgMail adds. Resolves when the server has them all. */
export async function fillMailbox(account: MailboxAccount, mails: Iterable<Buffer>): Promise<void> {
  const socket = connect({ host: account.host, port: account.port, ca: account.ca ?? undefined });
  socket.setNoDelay(true);
  const answered = answersOf(socket);
  await answered('*');
  socket.write(`a LOGIN "${account.username}" "${account.password}"\r\n`);
  await answered('a');
  const head = Buffer.from(`Delivered-To: ${account.username}@lms.lifeline.nl\r\n`);
  for (const some of chunks(mails, MAILS_PER_COMMAND)) {
    const parts = some.flatMap((raw) => [Buffer.from(` {${head.length + raw.length}+}\r\n`), head, raw]);
    socket.write(Buffer.concat([Buffer.from('a APPEND INBOX'), ...parts, Buffer.from('\r\n')]));
    await answered('a');
  }
  socket.end('a LOGOUT\r\n');
  await once(socket, 'close');
}

function answersOf(socket: ReturnType<typeof connect>): (tag: string) => Promise<void> {
  let said = '';
  socket.on('data', (chunk: Buffer) => {
    said += chunk.toString('latin1');
  });
  let told = Promise.withResolvers<void>();
  const tell = () => {
    told.resolve();
    told = Promise.withResolvers<void>();
  };
  socket.on('data', tell).on('close', tell);
  socket.on('error', () => {});
  const news = () => told.promise;
  return async (tag) => {
    const line = new RegExp(`^\\${tag} (\\w+).*\\r\\n`, 'm');
    for (;;) {
      const found = line.exec(said);
      if (found !== null) {
        said = '';
        if (found[1] !== 'OK') throw new Error(`the mailbox could not be filled: ${found[1]}`);
        return;
      }
      if (socket.destroyed) throw new Error('the mailbox could not be filled: connection closed');
      await news();
    }
  };
}

function* chunks<Item>(items: Iterable<Item>, size: number): Generator<readonly Item[]> {
  let chunk: Item[] = [];
  for (const item of items) {
    chunk.push(item);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

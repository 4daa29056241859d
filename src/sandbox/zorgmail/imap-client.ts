/**
 * A raw IMAP client for the sandbox's own needs: the HIS that reads and deletes, and snapshots. Unlike the product's
 * client it may write; it also sees \Recent as the server says it. One command at a time, answers as lines of latin-1.
 */

import { connect, type TLSSocket } from 'node:tls';
import { Failure } from '../../shared/failure.ts';

const TIMEOUT_MS = 20_000;

export interface ImapLogin {
  readonly port: number;
  readonly ca: string;
  readonly username: string;
  readonly password: string;
}

export interface ImapClient {
  /** The untagged answers; a literal stands in its line as it came. Throws when the tagged answer is not OK. */
  command(text: string, literal?: Buffer): Promise<readonly string[]>;
  logout(): Promise<void>;
}

/** Connects over TLS and logs in. */
export async function imapClient(login: ImapLogin): Promise<ImapClient> {
  const socket = connect({ host: '127.0.0.1', port: login.port, ca: login.ca });
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy());
  const next = answers(socket);
  let tags = 0;
  const command = async (text: string, literal?: Buffer) => {
    tags += 1;
    const tag = `s${tags}`;
    if (literal === undefined) socket.write(`${tag} ${text}\r\n`);
    else await writeLiteral(socket, next, `${tag} ${text}`, literal);
    return untilTagged(next, tag);
  };
  await next();
  await command(`LOGIN "${login.username}" "${login.password}"`);
  return {
    command,
    logout: async () => {
      await command('LOGOUT').catch(() => {});
      socket.destroy();
    },
  };
}

/** A client for the length of `work`. */
export async function withImap<Result>(login: ImapLogin, work: (client: ImapClient) => Promise<Result>) {
  const client = await imapClient(login);
  try {
    return await work(client);
  } finally {
    await client.logout();
  }
}

type NextAnswer = () => Promise<string>;

async function writeLiteral(socket: TLSSocket, next: NextAnswer, line: string, literal: Buffer): Promise<void> {
  socket.write(`${line} {${literal.length}}\r\n`);
  const answer = await next();
  if (!answer.startsWith('+')) throw refused(answer);
  socket.write(Buffer.concat([literal, Buffer.from('\r\n')]));
}

async function untilTagged(next: NextAnswer, tag: string): Promise<string[]> {
  const untagged: string[] = [];
  for (;;) {
    const answer = await next();
    if (!answer.startsWith(`${tag} `)) untagged.push(answer);
    else if (answer.startsWith(`${tag} OK`)) return untagged;
    else throw refused(answer);
  }
}

// One whole answer at a time: a line that ends in {n} goes on with n bytes and another line.
function answers(socket: TLSSocket): NextAnswer {
  let buffered = '';
  let isClosed = false;
  let arrived = Promise.withResolvers<void>();
  const signal = () => {
    arrived.resolve();
    arrived = Promise.withResolvers<void>();
  };
  socket.on('data', (chunk: Buffer) => {
    buffered += chunk.toString('latin1');
    signal();
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    isClosed = true;
    signal();
  });
  return async () => {
    for (;;) {
      const end = answerEnd(buffered);
      if (end !== null) {
        const answer = buffered.slice(0, end - 2);
        buffered = buffered.slice(end);
        return answer;
      }
      if (isClosed) throw new Failure('sandbox.imap-closed', { kind: 'transient' });
      await arrived.promise;
    }
  };
}

function answerEnd(text: string): number | null {
  for (let from = 0; ; ) {
    const lineEnd = text.indexOf('\r\n', from);
    if (lineEnd < 0) return null;
    const literal = /\{(\d+)\}$/.exec(text.slice(from, lineEnd));
    if (literal === null) return lineEnd + 2;
    from = lineEnd + 2 + Number(literal[1]);
    if (from > text.length) return null;
  }
}

// Only the first words: the rest of a server's answer may hold content.
function refused(answer: string): Failure {
  return new Failure('sandbox.imap-refused', { kind: 'permanent', fields: { answer: answer.slice(0, 40) } });
}

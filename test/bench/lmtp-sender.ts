/** Delivers mails at a rate, over a few LMTP connections that stay open, and says when the server took each. */

import { connect, type Socket } from 'node:net';
import { systemClock } from '../../src/shared/clock.ts';

const CONNECTIONS = 6;

export interface ToSend {
  readonly account: string;
  readonly raw: Buffer;
}

export interface Sent {
  readonly account: string;
  /** Of the mails of this account, counted from 1: its uid in a mailbox that was empty. */
  readonly number: number;
  /** When the 250 came, in milliseconds since 1970. */
  readonly atMs: number;
}

export interface LmtpSender {
  /** One mail every 1/perSecond s; those of one account one after the other. Resolves when all were taken. */
  send(mails: readonly ToSend[], perSecond: number): Promise<readonly Sent[]>;
  release(): void;
}

interface Lane {
  readonly deliver: (mail: ToSend) => Promise<void>;
  readonly release: () => void;
}

export async function openLmtpSender(port: number): Promise<LmtpSender> {
  const lanes = await Promise.all(Array.from({ length: CONNECTIONS }, () => openLane(port)));
  const free = [...lanes];
  const waiting: ((lane: Lane) => void)[] = [];
  const counts = new Map<string, number>();
  const lastOf = new Map<string, Promise<unknown>>();
  const lane = () => {
    const one = free.pop();
    return one === undefined ? new Promise<Lane>((resolve) => waiting.push(resolve)) : Promise.resolve(one);
  };
  const giveBack = (one: Lane) => {
    const next = waiting.shift();
    if (next === undefined) free.push(one);
    else next(one);
  };
  const deliver = async (mail: ToSend): Promise<Sent> => {
    const one = await lane();
    try {
      await one.deliver(mail);
      const atMs = performance.timeOrigin + performance.now();
      const number = (counts.get(mail.account) ?? 0) + 1;
      counts.set(mail.account, number);
      return { account: mail.account, number, atMs };
    } finally {
      giveBack(one);
    }
  };
  return {
    send: async (mails, perSecond) => {
      const startedMs = performance.now();
      const sent: Promise<Sent>[] = [];
      for (const [index, mail] of mails.entries()) {
        const waitMs = startedMs + (index * 1_000) / perSecond - performance.now();
        if (waitMs > 0) await systemClock.wait(waitMs);
        const after = lastOf.get(mail.account) ?? Promise.resolve();
        const one = after.then(() => deliver(mail));
        lastOf.set(mail.account, one);
        sent.push(one);
      }
      return Promise.all(sent);
    },
    release: () => {
      for (const one of lanes) one.release();
    },
  };
}

async function openLane(port: number): Promise<Lane> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const reply = repliesOf(socket);
  const say = async (line: string | Buffer, code: string) => {
    socket.write(line);
    const answer = await reply();
    if (!answer.startsWith(code)) throw new Error(`LMTP: ${code} expected, ${answer.slice(0, 3)} came`);
  };
  await say('', '220');
  await say('LHLO bench\r\n', '250');
  return {
    deliver: async ({ account, raw }) => {
      await say('MAIL FROM:<sandbox@lms.lifeline.nl>\r\n', '250');
      await say(`RCPT TO:<${account}@lms.lifeline.nl>\r\n`, '250');
      await say('DATA\r\n', '354');
      await say(stuffed(Buffer.concat([Buffer.from(`Delivered-To: ${account}@lms.lifeline.nl\r\n`), raw])), '250');
    },
    release: () => socket.destroy(),
  };
}

// RFC 5321 §4.5.2; Latin-1 keeps every byte as it is.
function stuffed(raw: Buffer): Buffer {
  const text = raw.toString('latin1').replaceAll(/^\./gm, '..');
  return Buffer.from(`${text}${text.endsWith('\r\n') ? '' : '\r\n'}.\r\n`, 'latin1');
}

/** The next reply, its last line: `250-` announces another line. */
function repliesOf(socket: Socket): () => Promise<string> {
  let said = '';
  let look = () => {};
  socket.on('data', (chunk: Buffer) => {
    said += chunk.toString('latin1');
    look();
  });
  socket.on('error', () => {});
  socket.on('close', () => look());
  return () =>
    new Promise((resolve, reject) => {
      look = () => {
        const end = /^\d{3} .*\r\n/m.exec(said);
        if (end !== null) {
          look = () => {};
          said = said.slice(end.index + end[0].length);
          resolve(end[0]);
        } else if (socket.destroyed) reject(new Error('LMTP: the connection was closed'));
      };
      look();
    });
}

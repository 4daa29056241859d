/** The smallest LMTP client that delivers (RFC 2033): resolves when the server answered 250 for the recipient. */

import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { Failure } from '../../shared/failure.ts';

const TIMEOUT_MS = 20_000;

export interface LmtpDelivery {
  readonly port: number;
  readonly recipient: string;
  readonly sender: string;
  readonly raw: Buffer;
}

/** Delivers one mail to one recipient. Line ends become CRLF and lone dots are stuffed, as RFC 5321 §4.5.2 asks. */
export async function deliverByLmtp(delivery: LmtpDelivery): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port: delivery.port });
  // A server that stops answering ends the reading below, which is reported as a missing reply.
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy());
  socket.on('error', () => {});
  const lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
  const expect = async (code: string) => {
    const reply = await readReply(lines);
    if (reply !== code) throw new Failure('sandbox.lmtp-refused', { kind: 'permanent', fields: { reply, code } });
  };
  try {
    await expect('220');
    for (const line of ['LHLO sandbox', `MAIL FROM:<${delivery.sender}>`, `RCPT TO:<${delivery.recipient}>`]) {
      socket.write(`${line}\r\n`);
      await expect('250');
    }
    socket.write('DATA\r\n');
    await expect('354');
    socket.write(Buffer.concat([stuffed(delivery.raw), Buffer.from('.\r\n')]));
    await expect('250');
    socket.write('QUIT\r\n');
    await expect('221');
  } finally {
    socket.destroy();
  }
}

// Latin-1 keeps every byte as it is, so 8-bit mail passes unharmed.
function stuffed(raw: Buffer): Buffer {
  const text = raw.toString('latin1').replaceAll(/\r?\n/g, '\r\n').replaceAll(/^\./gm, '..');
  return Buffer.from(text.endsWith('\r\n') ? text : `${text}\r\n`, 'latin1');
}

async function readReply(lines: AsyncIterator<string>): Promise<string> {
  for (;;) {
    const next = await lines.next();
    if (next.done === true) throw new Failure('sandbox.lmtp-silent', { kind: 'ambiguous' });
    // `250-` announces another line, `250 ` is the last one.
    if (next.value[3] !== '-') return next.value.slice(0, 3);
  }
}

/**
 * The adapter of delivery/zorgmail: one SMTP dialogue per mail, by nodemailer's connection.
 *
 * Not its transports. A pool puts a mail that met a closed connection back into its own queue, out of sight; and neither
 * transport says whether the mail's bytes had gone when a connection ended, which is the one thing that a retry must know.
 * Nothing here composes a mail either, so there is no way for one to name a file or an address to be fetched.
 */

import { Readable } from 'node:stream';
import SMTPConnection, { type SMTPConnectionSendInfo } from 'nodemailer/lib/smtp-connection';
import { type Clock, systemClock } from '../../shared/clock.ts';
import { Failure } from '../../shared/failure.ts';
import { isAddress, isEnvelopeId } from './render.ts';
import { ABORTED, replyCodes, type SmtpPhase, smtpFailure, TOO_SLOW } from './smtp-failures.ts';
import type { AcceptedMail, MailEnvelope, RelayAccount, ZorgmailRelay } from './zorgmail.ts';

const CONNECT_TIMEOUT_MS = 30_000;
const GREETING_TIMEOUT_MS = 30_000;
/** All that comes before the mail: connecting, TLS, login, envelope. */
const BEFORE_MAIL_TIMEOUT_MS = 120_000;
/** RFC 5321 §4.5.3.2.6: a client that hangs up earlier makes duplicates, since the relay may be busy storing the mail. */
const REPLY_TIMEOUT_MS = 600_000;
/** A reply is a line or some; a megabyte of them is no relay. */
const REPLY_BYTES_MAX = 64 * 1024;

/** For tests: how long to wait, in place of the above. */
export interface ZorgmailLimits {
  readonly beforeMailTimeoutMs?: number;
  readonly replyTimeoutMs?: number;
  readonly clock?: Clock;
}

interface Dialogue {
  readonly connection: SMTPConnection;
  phase: SmtpPhase;
  /** Rejects when the connection is lost, the caller gives up or time is up. */
  readonly lost: Promise<never>;
}

/** A sender to one relay account. Connects when there is something to send. */
export function openZorgmail(account: RelayAccount, limits: ZorgmailLimits = {}): ZorgmailRelay {
  const closing = new AbortController();
  const underWay = new Set<Promise<unknown>>();
  return {
    send: async (bytes, envelope, signal) => {
      checkInput(bytes, envelope);
      const signals = AbortSignal.any([closing.signal, ...(signal === undefined ? [] : [signal])]);
      const sending = sendOnce(account, limits, bytes, envelope, signals);
      underWay.add(sending);
      return sending.finally(() => underWay.delete(sending));
    },
    release: async () => {
      closing.abort();
      await Promise.allSettled(underWay);
    },
  };
}

async function sendOnce(
  account: RelayAccount,
  limits: ZorgmailLimits,
  bytes: Buffer,
  envelope: MailEnvelope,
  signal: AbortSignal,
): Promise<AcceptedMail> {
  const connection = new SMTPConnection(connectionOptions(account, limits));
  const lost = Promise.withResolvers<never>();
  lost.promise.catch(() => {});
  const dialogue: Dialogue = { connection, phase: 'session', lost: lost.promise };
  connection.on('error', lost.reject);
  // After a 421 nodemailer ends the connection first and says why afterwards, in the same breath.
  connection.once('end', () => queueMicrotask(() => lost.reject(coded('ECONNECTION'))));
  const giveUp = () => lost.reject(coded(ABORTED));
  signal.addEventListener('abort', giveUp, { once: true });
  const ended = new AbortController();
  hurry(dialogue, limits, ended.signal, lost.reject);
  try {
    if (signal.aborted) throw coded(ABORTED);
    const info = await converse(dialogue, account, bytes, envelope);
    connection.quit();
    return acceptedMail(info);
  } catch (thrown) {
    throw smtpFailure(thrown, dialogue.phase);
  } finally {
    ended.abort();
    signal.removeEventListener('abort', giveUp);
    connection.close();
  }
}

async function converse(
  dialogue: Dialogue,
  account: RelayAccount,
  bytes: Buffer,
  envelope: MailEnvelope,
): Promise<SMTPConnectionSendInfo> {
  const { connection } = dialogue;
  await answer<unknown>(dialogue, (done) => connection.connect((error) => done(error ?? null)));
  // nodemailer was told to require it; a mail in the clear cannot be taken back, so it is asked once more.
  if (!connection.secure) throw coded('ETLS');
  dialogue.phase = 'login';
  const credentials = { user: account.username, pass: account.password };
  await answer<unknown>(dialogue, (done) => connection.login({ credentials }, done));
  dialogue.phase = 'envelope';
  const mail = readOnce(bytes, () => {
    dialogue.phase = 'data';
  });
  const { from, to, envelopeId } = envelope;
  const dsn = { ret: 'HDRS', envid: envelopeId, notify: ['SUCCESS', 'FAILURE', 'DELAY'], orcpt: `rfc822;${to}` };
  return answer<SMTPConnectionSendInfo>(dialogue, (done) =>
    connection.send({ from, to: [to], size: bytes.length, dsn }, mail, done),
  );
}

function answer<Result>(
  { lost }: Dialogue,
  ask: (done: (error: Error | null, result?: Result) => void) => void,
): Promise<Result> {
  const answered = new Promise<Result>((resolve, reject) => {
    ask((error, result) => (error === null || error === undefined ? resolve(result as Result) : reject(error)));
  });
  return Promise.race([answered, lost]);
}

// nodemailer begins to read the mail when the relay has said 354: from then on its bytes may be anywhere.
function readOnce(bytes: Buffer, onRead: () => void): Readable {
  return new Readable({
    read() {
      onRead();
      this.push(bytes);
      this.push(null);
    },
  });
}

// Each single wait has its limit at nodemailer; this one is for a relay that answers everything slowly.
function hurry(dialogue: Dialogue, limits: ZorgmailLimits, ended: AbortSignal, lose: (error: Error) => void): void {
  const { clock = systemClock, beforeMailTimeoutMs = BEFORE_MAIL_TIMEOUT_MS } = limits;
  void clock.wait(beforeMailTimeoutMs, ended).then(() => {
    if (!ended.aborted && dialogue.phase !== 'data') lose(coded(TOO_SLOW));
  });
}

function connectionOptions({ host, port, security, ca }: RelayAccount, limits: ZorgmailLimits) {
  return {
    host,
    port,
    secure: security === 'tls',
    requireTLS: true,
    opportunisticTLS: false,
    ignoreTLS: false,
    tls: { minVersion: 'TLSv1.2' as const, rejectUnauthorized: true, ...(ca === null ? {} : { ca }) },
    connectionTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: GREETING_TIMEOUT_MS,
    socketTimeout: limits.replyTimeoutMs ?? REPLY_TIMEOUT_MS,
    maxResponseSize: REPLY_BYTES_MAX,
    logger: false,
    debug: false,
    transactionLog: false,
  };
}

function acceptedMail(info: SMTPConnectionSendInfo): AcceptedMail {
  const isNotificationAsked = (info.ehlo ?? []).some((line) => /^DSN\b/i.test(line));
  return { kind: 'accepted', ...replyCodes(info.response), isNotificationAsked };
}

// What goes out must be what was rendered: bytes that SMTP would have to change on the way (a lone line end, 8 bits) are not.
function checkInput(bytes: Buffer, { from, to, envelopeId }: MailEnvelope): void {
  const text = bytes.toString('latin1');
  if (!text.endsWith('\r\n') || /[^\t\x20-\x7e]/.test(text.replaceAll('\r\n', ''))) {
    throw new Failure('zorgmail.bytes', { kind: 'defect', fields: { length: bytes.length } });
  }
  if (!isAddress(from) || !isAddress(to) || !isEnvelopeId(envelopeId)) {
    throw new Failure('zorgmail.envelope', { kind: 'defect' });
  }
}

function coded(code: string): Error {
  return Object.assign(new Error(code), { code });
}

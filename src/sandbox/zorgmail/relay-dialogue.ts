/** What the sandbox's relay says at each step of the SMTP dialogue, and what it does with a mail that has come. */

import type { Socket } from 'node:net';
import type { SMTPServerDataStream, SMTPServerOptions, SMTPServerSession } from 'smtp-server';
import { type DeliveryReport, deliveryReport } from './bounce.ts';
import { passwordOf } from './mailboxes.ts';
import type { RelayedMail, RelayFault, RelayOptions } from './relay.ts';

export const RELAY_DOMAIN = 'lms.lifeline.nl';
const CLOSE_TIMEOUT_MS = 500;

export interface RelayState {
  readonly options: RelayOptions;
  readonly faults: { readonly fault: RelayFault; times: number }[];
  readonly mails: RelayedMail[];
  readonly logins: string[];
  /**
   * By the client's port: the socket to speak on, the TLS one as soon as there is one. Destroying the plain socket below a
   * TLS handshake crashes Node.
   */
  readonly sockets: Map<number, Socket>;
  connections: number;
}

type Done = (error?: Error | null) => void;

/** The server's settings: what it offers, and what it says at each step. */
export function dialogue(state: RelayState): SMTPServerOptions {
  const { security, certificate, bytesMax, isDsnOffered = true } = state.options;
  return {
    name: 'relay.zorgmail.invalid',
    secure: security === 'tls',
    key: certificate.key,
    cert: certificate.certificate,
    minVersion: 'TLSv1.2' as const,
    authMethods: ['PLAIN', 'LOGIN'],
    // A relay that would take a password in the clear: whoever gives it one is at fault.
    allowInsecureAuth: security === 'none',
    disabledCommands: security === 'none' ? ['STARTTLS'] : [],
    hideDSN: !isDsnOffered,
    ...(bytesMax === undefined ? {} : { size: bytesMax }),
    hideENHANCEDSTATUSCODES: false,
    disableReverseLookup: true,
    closeTimeout: CLOSE_TIMEOUT_MS,
    logger: false,
    onConnect: (session, done) =>
      security === 'tls' ? done() : proceed(state, 'connect', session, done, () => done()),
    onSecure: (socket, session, done) => {
      state.sockets.set(session.remotePort, socket);
      if (security === 'tls') proceed(state, 'connect', session, done, () => done());
      else done();
    },
    onClose: ({ remotePort }) => void state.sockets.delete(remotePort),
    onAuth: (auth, session, done) => {
      const username = auth.username ?? '';
      state.logins.push(username);
      proceed(
        state,
        'login',
        session,
        (error) => done(error ?? null),
        () => {
          const isRight = state.options.accounts.includes(username) && auth.password === passwordOf(username);
          return isRight ? done(null, { user: username }) : done(reply(535, 'Authentication credentials invalid'));
        },
      );
    },
    onMailFrom: ({ address }, session, done) =>
      proceed(state, 'mail', session, done, () =>
        done(address === `${String(session.user)}@${RELAY_DOMAIN}` ? null : reply(553, 'Sender address is not yours')),
      ),
    onRcptTo: ({ address }, session, done) =>
      proceed(state, 'rcpt', session, done, () =>
        done(accountOf(state, address) === null ? reply(550, 'No such account') : null),
      ),
    onData: (stream: SMTPServerDataStream, session: SMTPServerSession, done: Done) =>
      void take(state, stream, session, done),
  };
}

// One step of the dialogue: as a fault has it, or on as usual.
function proceed(
  state: RelayState,
  at: RelayFault['at'],
  session: SMTPServerSession,
  done: Done,
  usual: () => void,
): void {
  const fault = nextFault(state, at);
  if (fault === null || fault.act === 'swallow') usual();
  else answer(state, fault.act, session, done);
}

function answer(
  state: RelayState,
  act: Exclude<RelayFault['act'], 'swallow'>,
  session: SMTPServerSession,
  done: Done,
): void {
  if (act === 'cut') cut(state, session);
  else if (act !== 'silence') done(reply(act.reply, act.text ?? 'Not now'));
}

async function take(
  state: RelayState,
  stream: SMTPServerDataStream,
  session: SMTPServerSession,
  done: Done,
): Promise<void> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of stream) chunks.push(chunk as Buffer);
  } catch {
    // The client went away in the middle: what has no end is not taken.
    return;
  }
  const fault = nextFault(state, 'data');
  const mail = recorded(session, Buffer.concat(chunks), fault === null || fault.isDelivered === true);
  try {
    if (mail.isDelivered) await deliver(state, mail);
  } catch {
    return done(reply(451, 'Mailbox is not to be reached'));
  }
  state.mails.push(mail);
  if (fault === null || fault.act === 'swallow') return done();
  answer(state, fault.act, session, done);
}

async function deliver(state: RelayState, mail: RelayedMail): Promise<void> {
  for (const address of mail.to) {
    const account = accountOf(state, address);
    if (account !== null) await state.options.mailboxes.deliverToBoth(account, mail.raw, mail.from);
  }
  if (state.options.reportsSuccess === true && mail.notify.includes('SUCCESS')) {
    await sendReport(state, mail, { action: 'delivered', status: '2.1.5' });
  }
}

// With an empty sender, so that a report is never answered by a report (RFC 3461 §6.2).
export async function sendReport(state: RelayState, mail: RelayedMail, report: DeliveryReport): Promise<void> {
  const account = accountOf(state, mail.from);
  if (account !== null) await state.options.mailboxes.deliverToBoth(account, deliveryReport(mail, report), '');
}

function recorded(session: SMTPServerSession, raw: Buffer, isDelivered: boolean): RelayedMail {
  const { mailFrom, rcptTo, dsn } = session.envelope;
  return {
    from: mailFrom === false ? '' : mailFrom.address,
    to: rcptTo.map(({ address }) => address),
    username: String(session.user),
    isSecure: session.secure,
    envid: dsn?.envid ?? null,
    ret: dsn?.ret ?? null,
    notify: rcptTo.flatMap((recipient) => recipient.dsn?.notify ?? []),
    raw,
    isDelivered,
  };
}

function accountOf({ options }: RelayState, address: string): string | null {
  const [local = '', domain] = address.split('@');
  return domain === RELAY_DOMAIN && options.accounts.includes(local) ? local : null;
}

function nextFault({ faults }: RelayState, at: RelayFault['at']): RelayFault | null {
  const found = faults.find(({ fault }) => fault.at === at);
  if (found === undefined) return null;
  found.times -= 1;
  if (found.times <= 0) faults.splice(faults.indexOf(found), 1);
  return found.fault;
}

function cut({ sockets }: RelayState, { remotePort }: SMTPServerSession): void {
  sockets.get(remotePort)?.destroy();
}

function reply(responseCode: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode });
}

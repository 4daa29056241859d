/**
 * ZorgMail's SMTP relay, in front of the sandbox's mailboxes: TLS, a login per account, mail only from the account's own
 * address and only to accounts that exist. What it takes it delivers by LMTP, to the mailbox and its twin.
 *
 * It has faults on command, at every step of the dialogue, and reports on delivery that come later. What it was told stands
 * on record; nothing that is refused is delivered.
 */

import type { AddressInfo, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { SMTPServer } from 'smtp-server';
import type { DeliveryReport } from './bounce.ts';
import type { Certificate } from './certificate.ts';
import { passwordOf } from './mailboxes.ts';
import { dialogue, RELAY_DOMAIN, type RelayState, sendReport } from './relay-dialogue.ts';

export interface RelayOptions {
  readonly mailboxes: {
    deliverToBoth(account: string, raw: Buffer, sender?: string): Promise<void>;
  };
  readonly accounts: readonly string[];
  readonly certificate: Certificate;
  /** none: a relay without encryption, to be refused. */
  readonly security: 'tls' | 'starttls' | 'none';
  /** Whether it offers delivery notifications (RFC 3461); yes unless said otherwise. */
  readonly isDsnOffered?: boolean;
  /** The size that it announces and enforces; none unless said. */
  readonly bytesMax?: number;
  /** Whether it sends the notification of success where it is asked for. Others come with `report`. */
  readonly reportsSuccess?: boolean;
}

/** Goes wrong at one step, so many times. */
export interface RelayFault {
  readonly at: 'connect' | 'login' | 'mail' | 'rcpt' | 'data';
  /**
   * A reply of 400 and up; `cut`: the connection is gone, `silence`: no reply comes. At data, when the whole mail has come:
   * `swallow` accepts a mail that will never be delivered.
   */
  readonly act: { readonly reply: number; readonly text?: string } | 'cut' | 'silence' | 'swallow';
  /** At data: delivered all the same. */
  readonly isDelivered?: boolean;
}

/** A mail whose last byte has come, whatever became of it. */
export interface RelayedMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly username: string;
  readonly isSecure: boolean;
  readonly envid: string | null;
  readonly ret: string | null;
  readonly notify: readonly string[];
  readonly raw: Buffer;
  readonly isDelivered: boolean;
}

export interface SmtpRelay {
  readonly port: number;
  /** How the product reaches it as this account. */
  account(name: string): {
    readonly host: string;
    readonly port: number;
    readonly security: 'tls' | 'starttls';
    readonly username: string;
    readonly password: string;
    readonly ca: string;
  };
  address(name: string): string;
  mails(): readonly RelayedMail[];
  /** Every user name that was tried. */
  logins(): readonly string[];
  /** Connections taken so far. */
  connections(): number;
  fail(fault: RelayFault, times?: number): void;
  /** How often something is still to go wrong. */
  faultsWaiting(): number;
  /** Nothing goes wrong any more. */
  heal(): void;
  /** A delivery report about a mail on record, into the mailbox of who sent it. */
  report(mail: RelayedMail, report: DeliveryReport): Promise<void>;
  release(): Promise<void>;
}

/** Starts the relay on a free port of 127.0.0.1. */
export async function startSmtpRelay(options: RelayOptions): Promise<SmtpRelay> {
  const state: RelayState = { options, faults: [], mails: [], logins: [], sockets: new Map(), connections: 0 };
  const server = new SMTPServer(dialogue(state));
  server.on('error', () => {});
  server.server.on('connection', (socket: Socket) => {
    state.connections += 1;
    state.sockets.set(socket.remotePort ?? 0, socket);
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve((server.server.address() as AddressInfo).port));
  });
  return {
    port,
    account: (name) => ({
      host: '127.0.0.1',
      port,
      security: options.security === 'tls' ? 'tls' : 'starttls',
      username: name,
      password: passwordOf(name),
      ca: options.certificate.certificate,
    }),
    address: (name) => `${name}@${RELAY_DOMAIN}`,
    mails: () => state.mails,
    logins: () => state.logins,
    connections: () => state.connections,
    fail: (fault, times = 1) => void state.faults.push({ fault, times }),
    faultsWaiting: () => state.faults.reduce((sum, { times }) => sum + times, 0),
    heal: () => void state.faults.splice(0),
    report: (mail, report) => sendReport(state, mail, report),
    release: () => {
      // What is in a handshake is left to the server, which knows how to end it.
      for (const socket of state.sockets.values()) if (socket instanceof TLSSocket) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

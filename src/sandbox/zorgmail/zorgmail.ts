/**
 * The sandbox's ZorgMail: a real, private Dovecot with IMAP over TLS, IMAP with STARTTLS and LMTP, all on 127.0.0.1.
 *
 * It promises: a mail is stored with exactly the bytes that went in plus two header lines (Return-Path from LMTP,
 * Delivered-To as ZorgMail's hub would put it); a twin (`<account>-twin`) gets the same bytes, so that a test can prove
 * that the first mailbox was never touched. Nothing of it survives its parent.
 */

import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { MailboxAccount } from '../../mailbox/mailbox.ts';
import { type Clock, systemClock } from '../../shared/clock.ts';
import { type Certificate, makeCertificate } from './certificate.ts';
import { dovecotConfig } from './dovecot-config.ts';
import { freePorts, startDovecot } from './dovecot-process.ts';
import type { His } from './his.ts';
import type { HisLetter } from './his-view.ts';
import { mailboxesOf, passwordOf, twinOf } from './mailboxes.ts';
import { placeFor, type ZorgmailPlace } from './place.ts';
import type { MailboxSnapshot, TwinComparison } from './snapshot.ts';

export interface ZorgmailOptions {
  /** Where configuration, certificate and mail live (or, as root below a closed folder, a place derived from it). */
  readonly directory: string;
  /** Account names: letters, digits and dashes. Each gets its twin too. */
  readonly accounts: readonly string[];
  /** Accounts without a twin, by the thousand: empty mailboxes, all born with the same uidValidity. */
  readonly plainAccounts?: readonly string[];
  /** Simultaneous IMAP clients to allow for. */
  readonly connectionsMax?: number;
  /** Mail and configuration are removed on release, and when we are killed: for a test or a demo. */
  readonly isThrowaway?: boolean;
  readonly clock?: Clock;
}

export interface Zorgmail {
  readonly ports: { readonly imaps: number; readonly imap: number; readonly lmtp: number };
  /** The server's certificate, also the authority to trust; its key is for the recording proxy. */
  readonly certificate: Certificate;
  /** How the product reaches this mailbox. */
  mailboxAccount(account: string, security?: MailboxAccount['security']): MailboxAccount;
  /** Resolves on LMTP's 250: the mail is in the mailbox then. */
  deliver(account: string, raw: Buffer): Promise<void>;
  /** The same bytes into `account` and its twin; `sender` is the envelope's, '' for a report. */
  deliverToBoth(account: string, raw: Buffer, sender?: string): Promise<void>;
  /** A mail with an INTERNALDATE of choice, into `account` only. */
  append(account: string, raw: Buffer, internalDate: Date): Promise<void>;
  his(account: string): His;
  /** A HIS that works on `account` and its twin alike. */
  hisOfBoth(account: string): His;
  /** Every mail that the account got (its twin's: looking leaves no trace in either). */
  mailsOf(account: string): Promise<readonly Buffer[]>;
  /** The letters in them, as the HIS shows them. */
  lettersOf(account: string): Promise<readonly HisLetter[]>;
  snapshotMailbox(account: string): Promise<MailboxSnapshot>;
  compareTwins(account: string): Promise<TwinComparison>;
  /** Throws the folder away and makes it anew: a new uidValidity. */
  recreateMailbox(account: string): Promise<void>;
  /** Stops and starts the server on the same ports, with the same mail. */
  restart(): Promise<void>;
  /** The certificate in a file, for settings that name one. */
  readonly certificateFile: string;
  /** What Dovecot logged. */
  readonly logFile: string;
  release(): Promise<void>;
}

const run = promisify(execFile);
const COPIES_AT_ONCE = 8;

/** Starts the server; resolves when every port greets. */
export async function startZorgmail(options: ZorgmailOptions): Promise<Zorgmail> {
  const clock = options.clock ?? systemClock;
  const [place, certificate, numbers] = await Promise.all([
    placeFor(options.directory),
    makeCertificate(),
    freePorts(3),
  ]);
  const [imaps, imap, lmtp] = numbers as [number, number, number];
  const ports = { imaps, imap, lmtp };
  const configFile = await writeFiles(place, options, ports, certificate);
  const listening = [
    { port: imap, ca: null },
    { port: lmtp, ca: null },
    { port: imaps, ca: certificate.certificate },
  ];
  const throwaway = options.isThrowaway === true ? [place.home, place.directory] : [];
  const start = () => startDovecot({ configFile, runDirectory: place.run, ports: listening, throwaway, clock });
  const mailboxes = mailboxesOf(ports, certificate.certificate);
  let server = await start();
  for (const account of options.accounts) await alignTwins(account, configFile, clock);
  await makePlain(options.plainAccounts ?? [], place, configFile, clock);
  return {
    ports,
    certificate,
    certificateFile: join(place.home, 'certificate.pem'),
    logFile: join(place.home, 'dovecot.log'),
    ...mailboxes,
    recreateMailbox: (account) => recreate(account, place, configFile, mailboxes.snapshotMailbox),
    restart: async () => {
      await server.stop();
      server = await start();
    },
    release: async () => {
      await server.stop();
      for (const path of throwaway) await rm(path, { recursive: true, force: true });
    },
  };
}

// Born with the same uidValidity, so that a later difference between the two is somebody's doing.
async function alignTwins(account: string, configFile: string, clock: Clock): Promise<void> {
  const uidValidity = Math.floor(clock.now().getTime() / 1_000);
  for (const user of [account, twinOf(account)]) await setUidValidity(user, configFile, uidValidity);
}

// One is made by Dovecot and the others are copies of it: a command of Dovecot's for each would take minutes.
async function makePlain(
  [first, ...others]: readonly string[],
  place: ZorgmailPlace,
  configFile: string,
  clock: Clock,
): Promise<void> {
  if (first === undefined) return;
  await setUidValidity(first, configFile, Math.floor(clock.now().getTime() / 1_000));
  const from = join(place.mail, first);
  for (let at = 0; at < others.length; at += COPIES_AT_ONCE) {
    const some = others.slice(at, at + COPIES_AT_ONCE);
    await Promise.all(some.map((account) => run('cp', ['-aT', from, join(place.mail, account)])));
  }
}

// Dovecot takes the time in seconds as uidValidity: a folder that is made anew within one second needs another one set.
async function recreate(
  account: string,
  place: ZorgmailPlace,
  configFile: string,
  snapshot: Zorgmail['snapshotMailbox'],
): Promise<void> {
  const { uidValidity } = await snapshot(account);
  await rm(join(place.mail, account), { recursive: true, force: true });
  await setUidValidity(account, configFile, uidValidity + 1);
}

async function setUidValidity(user: string, configFile: string, uidValidity: number): Promise<void> {
  const update = ['mailbox', 'update', '-u', user, '--uid-validity', String(uidValidity), 'INBOX'];
  await run('doveadm', ['-c', configFile, ...update]);
}

async function writeFiles(
  place: ZorgmailPlace,
  options: ZorgmailOptions,
  ports: Zorgmail['ports'],
  certificate: Certificate,
): Promise<string> {
  const file = (name: string) => join(place.home, name);
  const withTwins = options.accounts.flatMap((account) => [account, twinOf(account)]);
  const users = [...withTwins, ...(options.plainAccounts ?? [])];
  await mkdir(place.home, { recursive: true });
  const config = dovecotConfig({
    accounts: place.accounts,
    ports,
    runDirectory: place.run,
    mailDirectory: place.mail,
    certificateFile: file('certificate.pem'),
    keyFile: file('key.pem'),
    passwordFile: file('passwords'),
    logFile: file('dovecot.log'),
    connectionsMax: options.connectionsMax ?? 200,
  });
  const passwords = users.map((user) => `${user}:${passwordOf(user)}\n`).join('');
  await writeFile(file('certificate.pem'), certificate.certificate);
  await writeFile(file('key.pem'), certificate.key, { mode: 0o600 });
  // The process that checks passwords is not root and must read this; the people in it are invented.
  await writeFile(file('passwords'), passwords, { mode: 0o644 });
  await writeFile(file('dovecot.conf'), config);
  return file('dovecot.conf');
}

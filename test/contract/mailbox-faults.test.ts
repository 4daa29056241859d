/** The mailbox door against a real Dovecot behind a network and a server that misbehave: never a guess, always a Failure. */

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { type MailboxAccount, type MailboxConnection, openMailbox, watchMailbox } from '../../src/mailbox/mailbox.ts';
import { mailboxOpener } from '../../src/mailbox/open-mailbox.ts';
import { type RecordingProxy, startRecordingProxy } from '../../src/sandbox/zorgmail/recording-proxy.ts';
import { startZorgmail, type Zorgmail } from '../../src/sandbox/zorgmail/zorgmail.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { Failure } from '../../src/shared/failure.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import { fakeClock } from '../mailbox/fake-clock.ts';

const MAX_BYTES = 1_000_000;
const LONG_MS = 20_000;
const never = new AbortController().signal;
const MAIL = Buffer.from('Subject: uitslag\r\n\r\nUNB+UNOA:1\r\n');

let directory: string;
let zorgmail: Zorgmail;
let proxy: RecordingProxy;
let account: string;
let accounts = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mailbox-faults-'));
  const names = Array.from({ length: 30 }, (_, i) => `5000890${String(i).padStart(2, '0')}`);
  zorgmail = await startZorgmail({ directory, accounts: names, isThrowaway: true });
});

afterAll(async () => {
  await zorgmail?.release();
  await rm(directory, { recursive: true, force: true });
});

beforeEach(async () => {
  account = `5000890${String(accounts).padStart(2, '0')}`;
  accounts += 1;
  proxy = await startRecordingProxy({ target: { port: zorgmail.ports.imaps }, certificate: zorgmail.certificate });
});

afterEach(() => proxy.release());

function throughProxy(): MailboxAccount {
  return { ...zorgmail.mailboxAccount(account), port: proxy.port };
}

function connect(): Promise<MailboxConnection> {
  return openMailbox(throughProxy());
}

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const thrown = await work.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  if (!(thrown instanceof Failure)) throw thrown;
  return thrown;
}

it('fails a fetch that is cut in the middle of a mail, and a new connection copies it whole', async () => {
  await zorgmail.deliver(account, MAIL);
  const connection = await connect();
  proxy.cutNextLiteral();
  const failure = await failureOf(connection.fetch([1], MAX_BYTES));
  expect(failure).toMatchObject({ code: 'mailbox.disconnected', kind: 'transient', scope: 'peer' });
  expect((await failureOf(connection.status())).code).toBe('mailbox.disconnected');
  await connection.release();
  const next = await connect();
  expect((await next.fetch([1], MAX_BYTES)).mails[0]?.raw.toString()).toContain('UNB+UNOA:1');
  await next.release();
});

it('fails the wait for a hint when the server says BYE', async () => {
  const connection = await connect();
  const idle = proxy.untilCommand(/^IDLE$/);
  const failing = failureOf(connection.waitForHint(LONG_MS, never));
  await idle;
  proxy.sayBye('Server shutting down');
  expect((await failing).code).toBe('mailbox.disconnected');
});

it('does not believe an empty answer of a connection that is gone', async () => {
  await zorgmail.deliver(account, MAIL);
  const connection = await connect();
  proxy.sayBye('bye');
  await failureOf(connection.waitForHint(LONG_MS, never));
  expect((await failureOf(connection.fetch([1], MAX_BYTES))).code).toBe('mailbox.disconnected');
  expect((await failureOf(connection.listSince(new Date(0), 9))).code).toBe('mailbox.disconnected');
});

it('does not call a mail vanished that SEARCH still finds', async () => {
  await zorgmail.deliver(account, MAIL);
  const connection = await connect();
  proxy.rewrite((answer) => answer.replace(/^\* \d+ FETCH .*\r\n/gm, ''));
  const failure = await failureOf(connection.fetch([1], MAX_BYTES));
  expect(failure).toMatchObject({ code: 'mailbox.answers-disagree', fields: { uid: 1 } });
  await connection.release();
});

it('does not call a mail vanished when the folder turns out to be another one', async () => {
  await zorgmail.deliver(account, MAIL);
  const connection = await connect();
  await zorgmail.his(account).remove([1]);
  proxy.rewrite((answer) => answer.replace(/UIDVALIDITY \d+/, 'UIDVALIDITY 7'));
  expect((await failureOf(connection.fetch([1], MAX_BYTES))).code).toBe('mailbox.disconnected');
  expect((await failureOf(connection.status())).code).toBe('mailbox.uid-validity-changed');
  await connection.release();
});

it('copies a mail whose RFC822.SIZE is wrong only when two readings agree', async () => {
  await zorgmail.deliver(account, MAIL);
  const connection = await connect();
  proxy.rewrite((answer) => answer.replace(/RFC822\.SIZE \d+/g, 'RFC822.SIZE 12'));
  expect((await connection.fetch([1], MAX_BYTES)).mails[0]?.raw.toString()).toContain('UNB+UNOA:1');
  let readings = 0;
  proxy.rewrite((answer) => {
    if (answer.includes('UNB+')) readings += 1;
    return answer.replace(/RFC822\.SIZE \d+/g, 'RFC822.SIZE 12').replace('UNOA:1', `UNOA:${readings}`);
  });
  expect((await failureOf(connection.fetch([1], MAX_BYTES))).code).toBe('mailbox.size-differs');
  await connection.release();
});

it('refuses a server without uidValidity', async () => {
  proxy.rewrite((answer) => answer.replace(/\* OK \[UIDVALIDITY.*\r\n/, ''));
  expect((await failureOf(connect())).code).toBe('mailbox.uid-validity-missing');
  proxy.rewrite((answer) => answer.replace(/\[UIDVALIDITY \d+\]/, '[UIDVALIDITY 0]'));
  expect((await failureOf(connect())).code).toBe('mailbox.uid-validity-missing');
  proxy.rewrite(null);
  const connection = await connect();
  proxy.rewrite((answer) => answer.replace(/ ?UIDVALIDITY \d+/, ''));
  expect((await failureOf(connection.status())).code).toBe('mailbox.uid-validity-missing');
  await connection.release();
});

it('refuses a server that opens the folder for writing', async () => {
  proxy.rewrite((answer) => answer.replace('[READ-ONLY]', '[READ-WRITE]'));
  expect(await failureOf(connect())).toMatchObject({ code: 'mailbox.not-read-only', kind: 'permanent' });
});

it.each([
  ['[LIMIT] Too many connections', 'mailbox.throttled'],
  ['Too many login attempts, throttled', 'mailbox.throttled'],
  ['[UNAVAILABLE] Temporary authentication failure', 'mailbox.unreachable'],
  ['Login failed for 500088001', 'mailbox.login-refused'],
])('takes a login answered with "%s" for %s', async (text, code) => {
  proxy.rewrite((answer) => answer.replace(/^(\S+) OK \[CAPABILITY.*Logged in/m, `$1 NO ${text}`));
  const failure = await failureOf(connect());
  expect(failure.code).toBe(code);
  expect(JSON.stringify([failure.message, failure.fields])).not.toContain('500088001');
});

it('asks by NOOP every half minute when the server refuses IDLE', async () => {
  const clock = fakeClock();
  proxy.unteach(/IDLE/);
  const connection = await mailboxOpener(clock)(throughProxy());
  await connection.status();
  const hint = connection.waitForHint(10 * 60_000, never);
  await clock.untilWaits(2);
  expect(clock.waits()).toEqual([30_000, 10 * 60_000]);
  await zorgmail.deliver(account, MAIL);
  await clock.advance(30_000);
  await hint;
  expect(clock.now()).toEqual(new Date('2026-11-22T08:00:30Z'));
  expect((await connection.status()).messages).toBe(1);
  await connection.release();
});

it('never logs in on a server that cannot upgrade to TLS', async () => {
  const received: string[] = [];
  const server = cleartextServer(received);
  const port = await listening(server);
  const failure = await failureOf(openMailbox({ ...zorgmail.mailboxAccount(account, 'starttls'), port }));
  expect(failure.code).toBe('mailbox.cleartext-refused');
  expect(received.join('')).not.toMatch(/LOGIN|AUTHENTICATE/i);
  const implicit = await failureOf(openMailbox({ ...zorgmail.mailboxAccount(account), port }));
  expect(implicit.code).toBe('mailbox.cleartext-refused');
  server.close();
});

it('comes back by itself after the server was restarted, and copies what arrived meanwhile', async () => {
  await zorgmail.deliver(account, MAIL);
  const seen: number[] = [];
  const two = Promise.withResolvers<void>();
  const first = Promise.withResolvers<void>();
  const watch = watchMailbox({
    mailboxId: 'mailbox',
    account: zorgmail.mailboxAccount(account),
    open: openMailbox,
    visit: async (connection) => {
      const { uidNext } = await connection.status();
      for (let uid = seen.length + 1; uid < uidNext; uid += 1) {
        seen.push(...(await connection.fetch([uid], MAX_BYTES)).mails.map((mail) => mail.uid));
      }
    },
    clock: systemClock,
    random: () => 0,
    pollIntervalMs: LONG_MS,
    watchdogMs: 2 * LONG_MS,
    logger: silentLogger,
    onState: () => {
      if (seen.length === 1) first.resolve();
      if (seen.length === 2) two.resolve();
    },
  });
  await first.promise;
  await zorgmail.restart();
  await zorgmail.deliver(account, MAIL);
  await two.promise;
  expect(seen).toEqual([1, 2]);
  await watch.release();
});

it('throws a half-open connection away when the watchdog bites', async () => {
  const stalled = Promise.withResolvers<void>();
  const recovered = Promise.withResolvers<void>();
  const watch = watchMailbox({
    mailboxId: 'mailbox',
    account: throughProxy(),
    open: openMailbox,
    visit: async (connection) => {
      await connection.status();
      if (proxy.connections() === 1) proxy.stall(true);
      else recovered.resolve();
    },
    clock: systemClock,
    random: () => 0,
    pollIntervalMs: 50,
    watchdogMs: 300,
    logger: silentLogger,
    onState: ({ kind }) => {
      if (kind !== 'stalled') return;
      proxy.stall(false);
      stalled.resolve();
    },
  });
  await stalled.promise;
  await recovered.promise;
  expect(proxy.connections()).toBe(2);
  await watch.release();
});

// Dovecot refuses a login before TLS itself; this one would take it.
function cleartextServer(received: string[]): Server {
  return createServer((socket) => {
    socket.write('* OK ready\r\n');
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      received.push(text);
      const tag = text.split(' ')[0];
      if (/CAPABILITY/i.test(text)) socket.write(`* CAPABILITY IMAP4rev1\r\n${tag} OK done\r\n`);
      else socket.write(`${tag} OK done\r\n`);
    });
  });
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
}

/**
 * The only place that makes an imapflow client, and the wrapper that every command goes through.
 *
 * What could touch the mailbox or leak is settled here once: TLS enforced, EXAMINE, no extension enabled, no log, no
 * answer believed unless the same folder is still examined after it.
 */

import { createSecureContext, type SecureContext } from 'node:tls';
import { ImapFlow } from 'imapflow';
import type { Clock } from '../shared/clock.ts';
import { Failure } from '../shared/failure.ts';
import { commandFailure, mailboxFailure, openingFailure } from './failures.ts';
import type { MailboxAccount } from './mailbox.ts';

const CONNECT_WITHIN_MS = 20_000;
/** Servers may drop an IDLE after 30 minutes (RFC 2177 §3), routers sooner. */
const IDLE_MAX_MS = 9 * 60_000;
/**
 * imapflow's own limit for silence also holds while nothing is owed, and then wakes an idle connection to ask: for
 * thousands of them that is most of the work. So ours (`patiently`) counts only while a command is under way, and
 * this one is longer than an IDLE lasts. A connection whose other end is gone is closed by the kernel meanwhile, which
 * probes it after 5 s of silence (imapflow sets that).
 */
const IDLE_SILENCE_MAX_MS = IDLE_MAX_MS + 60_000;
/** Above any limit for a mail: what a broken or hostile server can make us allocate. */
const LITERAL_MAX_BYTES = 128 * 1024 * 1024;
/** What one answer may hold besides its literal. */
const FRAMING_MAX_BYTES = 1024 * 1024;

/** A client with one folder examined. Single-use: once closed, another must be opened. */
export interface ExaminedFolder {
  readonly client: ImapFlow;
  readonly path: string;
  readonly uidValidity: number;
  /** Throws a transient Failure unless the same folder is still examined, read-only, on a living connection. */
  check(): void;
  /** Runs one command; its answer counts only if `check` holds before and after. `name` is for the Failure. */
  run<Result>(name: string, command: () => Promise<Result>): Promise<Result>;
}

/** Connects, logs in and examines the folder; on any failure, and on abort, nothing stays open. */
export async function examine(
  account: MailboxAccount,
  signal: AbortSignal | undefined,
  silenceMs: number,
  clock: Clock,
): Promise<ExaminedFolder> {
  if (signal?.aborted) throw mailboxFailure('aborted');
  const client = newClient(account);
  const patiently = patience(client, silenceMs, clock);
  const close = () => client.close();
  signal?.addEventListener('abort', close, { once: true });
  try {
    await patiently(() => client.connect());
    // imapflow upgrades or fails before it logs in; this says so once more, whatever its next version does.
    if (!client.secureConnection) throw mailboxFailure('cleartext-refused');
    await patiently(() => client.mailboxOpen(account.path, { readOnly: true }));
    return examinedFolder(client, patiently);
  } catch (thrown) {
    client.close();
    throw signal?.aborted ? mailboxFailure('aborted') : openingFailure(thrown, client.byeReason);
  } finally {
    signal?.removeEventListener('abort', close);
  }
}

function newClient(account: MailboxAccount): ImapFlow {
  const isTls = account.security === 'tls';
  const client = new ImapFlow({
    host: account.host,
    port: account.port,
    // Without doSTARTTLS imapflow would go on in cleartext with only a warning (reliability.md §2).
    ...(isTls ? { secure: true } : { secure: false, doSTARTTLS: true }),
    tls: { rejectUnauthorized: true, minVersion: 'TLSv1.2', secureContext: secureContextFor(account.ca) },
    auth: { user: account.username, pass: account.password },
    clientInfo: { name: 'zorgkoerier', version: false, vendor: false, 'support-url': false },
    logger: false,
    // zlib buffers for thousands of idle mailboxes, and nothing to win on mails of a few kB.
    disableCompression: true,
    // No CONDSTORE, UTF8 or rev2: each changes what commands and answers look like, and none is needed to copy.
    disableAutoEnable: true,
    disableIMAP4rev2: true,
    disableBinary: true,
    disableAutoIdle: true,
    maxIdleTime: IDLE_MAX_MS,
    connectionTimeout: CONNECT_WITHIN_MS,
    greetingTimeout: CONNECT_WITHIN_MS,
    socketTimeout: IDLE_SILENCE_MAX_MS,
    maxLiteralSize: LITERAL_MAX_BYTES,
    maxResponseSize: LITERAL_MAX_BYTES + FRAMING_MAX_BYTES,
    maxLineLength: FRAMING_MAX_BYTES,
  });
  // An 'error' without a listener ends the process and every mailbox with it. What happened shows at the next command.
  client.on('error', () => client.close());
  return client;
}

// One for all connections that trust the same authority: each of its own costs memory and time at every login.
const secureContexts = new Map<string | null, SecureContext>();

function secureContextFor(ca: string | null): SecureContext {
  const known = secureContexts.get(ca);
  if (known !== undefined) return known;
  const made = createSecureContext({ minVersion: 'TLSv1.2', ...(ca === null ? {} : { ca }) });
  secureContexts.set(ca, made);
  return made;
}

type Patiently = <Result>(command: () => Promise<Result>) => Promise<Result>;

// Closes the connection where not one byte comes for so long while an answer is owed; the command then fails.
function patience(client: ImapFlow, silenceMs: number, clock: Clock): Patiently {
  return async (command) => {
    const answered = new AbortController();
    const guard = async () => {
      for (let received = -1; ; ) {
        const before = received;
        received = client.stats().received;
        if (received === before) return client.close();
        await clock.wait(silenceMs, answered.signal);
        if (answered.signal.aborted) return;
      }
    };
    void guard();
    try {
      return await command();
    } finally {
      // Null: without a reason Node.js makes an error for each, which is most of what an abort costs.
      answered.abort(null);
    }
  };
}

function examinedFolder(client: ImapFlow, patiently: Patiently): ExaminedFolder {
  const opened = client.mailbox;
  if (opened === false) throw mailboxFailure('folder-refused');
  // A server that answers EXAMINE with READ-WRITE would let \Recent go (RFC 3501 §6.3.2): not used at all.
  if (opened.readOnly !== true) throw new Failure('mailbox.not-read-only', { kind: 'permanent', scope: 'peer' });
  const { path } = opened;
  const uidValidity = Number(opened.uidValidity ?? 0);
  if (!(uidValidity > 0)) throw mailboxFailure('uid-validity-missing');
  const check = () => {
    const now = client.mailbox;
    const isSame = now !== false && now.path === path && now.readOnly === true;
    if (!client.usable || !isSame || Number(now.uidValidity) !== uidValidity) throw mailboxFailure('disconnected');
  };
  return {
    client,
    path,
    uidValidity,
    check,
    run: (name, command) => runChecked(check, name, () => patiently(command)),
  };
}

// imapflow answers "nothing" where the connection or the folder is gone: empty is believed only between two checks.
async function runChecked<Result>(check: () => void, name: string, command: () => Promise<Result>): Promise<Result> {
  check();
  const answer = await command().catch((thrown: unknown) => {
    throw commandFailure(thrown, name);
  });
  check();
  return answer;
}

/** What others copy mailboxes with: their configuration for one mailbox into one Maildir, and how many mails they stored. */

import { execFile } from 'node:child_process';
import { chown, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const COPY_WITHIN_MS = 20 * 60_000;

export interface PeerMailbox {
  readonly port: number;
  readonly account: string;
  readonly password: string;
  readonly certificateFile: string;
}

export interface PeerTask {
  copy(): Promise<void>;
  /** Mails in the Maildir. */
  count(): Promise<number>;
  release(): Promise<void>;
}

export interface Peer {
  readonly name: 'mbsync' | 'getmail6';
  readonly program: string;
  /** Configuration and an empty Maildir. */
  prepare(directory: string, mailbox: PeerMailbox): Promise<PeerTask>;
}

export const PEERS: readonly Peer[] = [
  {
    name: 'mbsync',
    program: 'mbsync',
    prepare: async (directory, mailbox) => {
      const config = join(directory, 'mbsyncrc');
      return prepared(directory, config, mbsyncConfig(directory, mailbox), 'inbox', () =>
        runPeer('mbsync', ['-q', '-c', config, 'copy']),
      );
    },
  },
  {
    name: 'getmail6',
    program: 'getmail',
    prepare: async (directory, mailbox) => {
      const config = join(directory, 'getmailrc');
      return prepared(directory, config, getmailConfig(directory, mailbox), 'inbox', () =>
        runPeer('getmail', ['--quiet', `--getmaildir=${directory}`, '--rcfile=getmailrc']),
      );
    },
  },
];

/** getmail6 delivers no mail as root; there both run as nobody. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : null;

async function runPeer(program: string, args: readonly string[]): Promise<void> {
  const options = { timeout: COPY_WITHIN_MS, maxBuffer: 64 * 1024 * 1024, cwd: '/', ...NOBODY };
  await run(program, args, options).catch((thrown: { readonly code?: unknown; readonly stderr?: unknown }) => {
    throw new Error(`${program} failed (${thrown.code}): ${String(thrown.stderr ?? '').slice(0, 500)}`);
  });
}

/** The programs that are not installed. */
export async function missingPeers(): Promise<readonly string[]> {
  const there = await Promise.all(PEERS.map(async (peer) => ((await versionOf(peer)) === null ? [peer.name] : [])));
  return there.flat();
}

export async function peerVersions(): Promise<Readonly<Record<string, string | null>>> {
  return Object.fromEntries(await Promise.all(PEERS.map(async (peer) => [peer.name, await versionOf(peer)] as const)));
}

async function versionOf({ program }: Peer): Promise<string | null> {
  return run(program, ['--version']).then(
    ({ stdout }) => stdout.trim(),
    () => null,
  );
}

async function prepared(
  directory: string,
  config: string,
  text: string,
  maildir: string,
  copy: () => Promise<unknown>,
): Promise<PeerTask> {
  const folder = join(directory, maildir);
  for (const part of ['cur', 'new', 'tmp']) await mkdir(join(folder, part), { recursive: true });
  await writeFile(config, text, { mode: 0o600 });
  if (NOBODY !== null) await giveAway(directory);
  return {
    copy: async () => void (await copy()),
    count: async () => (await readdir(join(folder, 'cur'))).length + (await readdir(join(folder, 'new'))).length,
    release: () => rm(directory, { recursive: true, force: true }),
  };
}

async function giveAway(directory: string): Promise<void> {
  if (NOBODY === null) return;
  const inside = await readdir(directory, { recursive: true });
  for (const path of ['', ...inside]) await chown(join(directory, path), NOBODY.uid, NOBODY.gid);
}

// Only from the server to the Maildir. What it does about the disk is left as it comes: it waits (FSync yes).
function mbsyncConfig(directory: string, { port, account, password, certificateFile }: PeerMailbox): string {
  return `
IMAPAccount server
Host localhost
Port ${port}
User ${account}
Pass ${password}
SSLType IMAPS
CertificateFile ${certificateFile}

IMAPStore server
Account server

MaildirStore here
Inbox ${join(directory, 'inbox')}
Path ${directory}/

Channel copy
Far :server:
Near :here:
Sync PullNew
SyncState ${directory}/
Patterns INBOX
`;
}

function getmailConfig(directory: string, { port, account, password, certificateFile }: PeerMailbox): string {
  return `
[retriever]
type = SimpleIMAPSSLRetriever
server = localhost
port = ${port}
username = ${account}
password = ${password}
ca_certs = ${certificateFile}
mailboxes = ("INBOX",)

[destination]
type = Maildir
path = ${join(directory, 'inbox')}/

[options]
verbose = 0
read_all = true
delete = false
delivered_to = false
received = false
`;
}

/**
 * How fast one mailbox is copied: the copy step into the encrypted, durable ledger, beside mbsync and getmail6 into a
 * Maildir, as their packages come (mbsync and getmail6 then wait for the disk at every mail). All three get the same
 * mailbox, in changing order, each begins with nothing, and each must end with every mail.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { processEnvironment } from '../../src/config/config.ts';
import { monotonicMs } from '../../src/shared/clock.ts';
import { type Bench, columns } from './command.ts';
import { fillMailbox } from './fill.ts';
import { cpuMsOf } from './machine.ts';
import { missingPeers, PEERS, type Peer, peerVersions } from './peers.ts';
import { practicesOf, type TrafficSet, trafficOf } from './practices.ts';
import { type Spread, spreadOf } from './rounds.ts';
import { openStage, type Stage } from './stage.ts';

const WORKER = fileURLToPath(new URL('./copy-worker.ts', import.meta.url));
const PEER_TRIES = 4;

type Name = 'zorgkoerier' | Peer['name'];

/** What copy-worker.ts says when it has copied. */
export interface CopySays {
  readonly copied: number;
  readonly ms: number;
  readonly peakMemoryMb: number;
}

interface Run {
  readonly mailsPerSecond: number;
  /** Of our process, or of the peer's; servers not counted. */
  readonly cpuMsPerMail: number;
}

export const copyBench: Bench = {
  says: 'one mailbox copied: into the encrypted ledger, beside mbsync and getmail6',
  run: async ({ isQuick, progress }) => {
    const missing = await missingPeers();
    if (missing.length > 0) throw new Error(`${missing.join(' and ')} missing: run \`sh bin/setup --bench\``);
    const set: TrafficSet = { name: 'copy', mailboxes: 1, mailsEach: isQuick ? 2_000 : 20_000, followedShare: 0.3 };
    const [practice] = practicesOf(set);
    if (practice === undefined) throw new Error('no practice');
    const stage = await openStage([practice.zorgmail]);
    try {
      progress(`${set.mailsEach} mails into one mailbox`);
      await stage.prepare(set.name, [practice]);
      const mails = trafficOf(set).byAccount.get(practice.zorgmail) ?? [];
      await fillMailbox(
        stage.zorgmail.mailboxAccount(practice.zorgmail),
        mails.map(({ raw }) => raw),
      );
      const runs = await takeRounds(stage, practice.zorgmail, mails.length, isQuick ? 1 : 3, progress);
      const bytes = mails.reduce((sum, { raw }) => sum + raw.length, 0);
      return {
        document: { ...documentOf(runs, mails.length, bytes), peers: await peerVersions() },
        table: tableOf(runs),
      };
    } finally {
      await stage.release();
    }
  },
};

async function takeRounds(
  stage: Stage,
  account: string,
  mails: number,
  rounds: number,
  progress: (text: string) => void,
): Promise<ReadonlyMap<Name, readonly Run[]>> {
  const contenders: readonly (readonly [Name, () => Promise<Run>])[] = [
    ['zorgkoerier', () => copyOurs(stage, mails)],
    ...PEERS.map((peer) => [peer.name, () => copiedByPeer(stage, peer, account, mails)] as const),
  ];
  const runs = new Map<Name, Run[]>(contenders.map(([name]) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const [name, copy] = contenders[(turn + round) % contenders.length] as (typeof contenders)[number];
      const run = await copy();
      progress(`${name}, round ${round + 1}: ${Math.round(run.mailsPerSecond)} mails/s`);
      runs.get(name)?.push(run);
    }
  }
  return runs;
}

/** In a process of its own that works already, as a worker does: from opening the connection to the last job in the queue. */
async function copyOurs(stage: Stage, mails: number): Promise<Run> {
  const ledger = await stage.ledger('copy');
  const { PATH, HOME, NODE_OPTIONS } = processEnvironment();
  const env = { PATH, HOME, ...(NODE_OPTIONS === undefined ? {} : { NODE_OPTIONS }), ...stage.settings(ledger) };
  const child = spawn(process.execPath, [WORKER], { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  try {
    await heard<'ready'>(child);
    const before = cpuMsOf([child.pid ?? 0]);
    child.send('copy');
    const { copied, ms } = await heard<CopySays>(child);
    const cpuMs = cpuMsOf([child.pid ?? 0]) - before;
    const [row] = await ledger.sql<{ count: string }>(
      "select count(*) as count from mail where state = 'copied' and content is not null",
    );
    if (copied !== mails || Number(row?.count) !== mails)
      throw new Error(`zorgkoerier copied ${copied} of ${mails} mails`);
    return { mailsPerSecond: (mails * 1000) / ms, cpuMsPerMail: cpuMs / mails };
  } finally {
    child.disconnect();
    if (child.exitCode === null) await once(child, 'exit');
    await ledger.release();
  }
}

// getmail6 waits for a process of its own at every mail, and on a busy machine misses its end now and then: it gives up after
// a minute. That says nothing of its speed, so the round is taken again.
async function copiedByPeer(stage: Stage, peer: Peer, account: string, mails: number): Promise<Run> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await copyByPeer(stage, peer, account, mails);
    } catch (thrown) {
      if (tries === PEER_TRIES || !(thrown instanceof Error) || !thrown.message.includes('timed out')) throw thrown;
    }
  }
}

async function copyByPeer(stage: Stage, peer: Peer, account: string, mails: number): Promise<Run> {
  const { certificateFile, ports } = stage.zorgmail;
  const { password } = stage.zorgmail.mailboxAccount(account);
  const task = await peer.prepare(join(stage.directory, peer.name), {
    port: ports.imaps,
    account,
    password,
    certificateFile,
  });
  try {
    const before = cpuMsOf([process.pid]);
    const startedAt = monotonicMs();
    await task.copy();
    const ms = monotonicMs() - startedAt;
    // What we use ourselves meanwhile is the waiting: a few milliseconds.
    const cpuMs = cpuMsOf([process.pid]) - before;
    const copied = await task.count();
    if (copied !== mails) throw new Error(`${peer.name} copied ${copied} of ${mails} mails`);
    return { mailsPerSecond: (mails * 1000) / ms, cpuMsPerMail: cpuMs / mails };
  } finally {
    await task.release();
  }
}

async function heard<What>(child: ChildProcess): Promise<What> {
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the copying process ended')));
  const [what] = (await Promise.race([once(child, 'message'), ended])) as [What];
  return what;
}

function documentOf(runs: ReadonlyMap<Name, readonly Run[]>, mails: number, bytes: number) {
  const all = [...runs];
  const ours = runs.get('zorgkoerier') ?? [];
  const each = <Value>(value: (of: readonly Run[]) => Value) =>
    Object.fromEntries(all.map(([name, of]) => [name, value(of)]));
  const peers = all.filter(([name]) => name !== 'zorgkoerier');
  return {
    task: 'one mailbox over IMAP with TLS, from log-in to the last mail safe on disk',
    mails,
    bytes,
    rounds: ours.length,
    mailsPerSecond: each((of) => spreadOf(of.map((run) => run.mailsPerSecond)).median),
    spread: each((of) => spreadOf(of.map((run) => run.mailsPerSecond))),
    ratios: Object.fromEntries(peers.map(([name, of]) => [name, ratioOf(ours, of).median])),
    cpuMsPerMail: each((of) => spreadOf(of.map((run) => run.cpuMsPerMail)).median),
  };
}

/** Ours is so many times as fast, compared within each round. */
function ratioOf(ours: readonly Run[], theirs: readonly Run[]): Spread {
  return spreadOf(ours.map((run, round) => run.mailsPerSecond / (theirs[round]?.mailsPerSecond ?? Number.NaN)));
}

function tableOf(runs: ReadonlyMap<Name, readonly Run[]>): string {
  const ours = runs.get('zorgkoerier') ?? [];
  const rows = [...runs].map(([name, of]) => {
    const { median, min, max } = spreadOf(of.map((run) => run.mailsPerSecond));
    const cpu = spreadOf(of.map((run) => run.cpuMsPerMail)).median.toFixed(2);
    const ratio = name === 'zorgkoerier' ? '' : ratioOf(ours, of).median.toFixed(1);
    return [name, whole(median), `${whole(min)}–${whole(max)}`, cpu, ratio];
  });
  return columns([['', 'mails/s', 'lowest–highest', 'ms of processor', 'ours is × as fast'], ...rows]);
}

function whole(number: number): string {
  return Math.round(number).toLocaleString('en');
}

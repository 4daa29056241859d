/**
 * The whole journey of a backlog on one machine: mailboxes → read → delivered, by workers in processes of their own, with a
 * real Dovecot, a durable PostgreSQL, a Redis and a cKIS beside them. Every mail must have the outcome that was known
 * before it was sent, and the accounting must close; else the benchmark fails.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { processEnvironment } from '../../src/config/config.ts';
import { accountingOf, totalOf } from '../../src/records/records.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { type Bench, columns } from './command.ts';
import { fillMailbox } from './fill.ts';
import { cpuMsOf, peakMemoryMb } from './machine.ts';
import { type ExpectedOutcomes, practicesOf, type TrafficSet, trafficOf } from './practices.ts';
import { type Spread, spreadOf } from './rounds.ts';
import type { SinkSays } from './sink.ts';
import { type BenchLedger, openStage, type Stage } from './stage.ts';

const LAUNCHER = fileURLToPath(new URL('../../bin/zorgkoerier', import.meta.url));
const SINK = fileURLToPath(new URL('./sink.ts', import.meta.url));
const LOOK_MS = 200;
const WITHIN_MS = 30 * 60_000;
const STOP_WITHIN_MS = 30_000;

type Part = 'worker' | 'postgres' | 'redis' | 'dovecot' | 'sink';

interface Run {
  readonly mails: number;
  readonly mailsPerSecond: number;
  /** From the start of the process to the first commit of a copy. */
  readonly startSeconds: number;
  readonly cpuMsPerMail: Readonly<Record<Part, number>>;
  /** Of the worker that needed most. */
  readonly peakMemoryMb: number;
}

interface Variant {
  readonly name: 'followed' | 'mixed' | 'twoWorkers' | 'sandbox';
  readonly says: string;
  readonly set: TrafficSet;
  readonly workers: number;
  readonly sink: 'fast' | 'sandbox';
  readonly rounds: number;
}

export const drainBench: Bench = {
  says: 'a backlog in 100 mailboxes, read and delivered by real workers: mails/s, processor time and memory',
  run: async ({ isQuick, progress }) => {
    const variants = variantsOf(isQuick);
    const sets = [...new Map(variants.map(({ set }) => [set.name, set])).values()];
    const stage = await openStage(sets.flatMap((set) => practicesOf(set).map(({ zorgmail }) => zorgmail)));
    try {
      const expected = new Map<string, ExpectedOutcomes>();
      for (const set of sets) {
        progress(
          `${set.name}: ${set.mailboxes} practices, ${set.mailboxes * set.mailsEach} mails into their mailboxes`,
        );
        expected.set(set.name, await prepareSet(stage, set));
      }
      const runs = new Map<Variant, Run[]>(variants.map((variant) => [variant, []]));
      for (let round = 0; round < Math.max(...variants.map(({ rounds }) => rounds)); round++) {
        for (const variant of variants.filter(({ rounds }) => rounds > round)) {
          const run = await drainOnce(stage, variant, expected.get(variant.set.name) as ExpectedOutcomes);
          progress(`${variant.name}, round ${round + 1}: ${Math.round(run.mailsPerSecond)} mails/s`);
          runs.get(variant)?.push(run);
        }
      }
      return { document: documentOf(runs), table: tableOf(runs) };
    } finally {
      await stage.release();
    }
  },
};

const SANDBOX: TrafficSet = { name: 'sandbox', mailboxes: 5, mailsEach: 40, followedShare: 1 };

function variantsOf(isQuick: boolean): readonly Variant[] {
  const size = isQuick ? { mailboxes: 10, mailsEach: 200 } : { mailboxes: 100, mailsEach: 200 };
  const rounds = isQuick ? 1 : 3;
  const followed: TrafficSet = { name: 'followed', ...size, followedShare: 1 };
  const mixed: TrafficSet = { name: 'mixed', ...size, followedShare: 0.2 };
  const common = { sink: 'fast', workers: 1, rounds } as const;
  return [
    { ...common, name: 'followed', says: 'one worker, every patient followed', set: followed },
    { ...common, name: 'mixed', says: 'one worker, one in five patients followed', set: mixed },
    { ...common, name: 'twoWorkers', says: 'two workers, one in five patients followed', set: mixed, workers: 2 },
    // Few: the sandbox's own server validates every resource, one request after the other.
    {
      ...common,
      name: 'sandbox',
      says: 'one worker, followed, a cKIS that validates',
      set: SANDBOX,
      sink: 'sandbox',
      rounds: 1,
    },
  ];
}

/** Practices registered on empty mailboxes; then their mail comes. */
export async function prepareSet(stage: Stage, set: TrafficSet): Promise<ExpectedOutcomes> {
  await stage.prepare(set.name, practicesOf(set));
  const { byAccount, expected } = trafficOf(set);
  for (const [account, mails] of byAccount) {
    await fillMailbox(
      stage.zorgmail.mailboxAccount(account),
      mails.map(({ raw }) => raw),
    );
  }
  return expected;
}

async function drainOnce(stage: Stage, variant: Variant, expected: ExpectedOutcomes): Promise<Run> {
  const ledger = await stage.ledger(variant.set.name);
  const sink = await startSink(variant);
  const log = openSync(join(stage.directory, 'worker.log'), 'a');
  const env = {
    ...stage.settings(ledger),
    ZORGKOERIER_CKIS_URL: sink.url,
    ZORGKOERIER_CKIS_TOKEN: sink.token,
    ...ownSettings(),
  };
  const workers: ChildProcess[] = [];
  try {
    const pids = await stage.pids();
    const others = { ...pids, sink: [sink.pid] };
    const before = cpuOf(others);
    const startedAt = Date.now();
    for (let count = 0; count < variant.workers; count++) {
      const worker = startWorker(env, log);
      workers.push(worker);
      stage.alsoEnd(() => stopped(worker));
    }
    await untilDrained(ledger, variant.set, workers);
    const workerPids = workers.flatMap(({ pid }) => pid ?? []);
    const after = { ...cpuOf(others), worker: cpuMsOf(workerPids) };
    const memory = Math.max(...workerPids.map(peakMemoryMb));
    await checkOutcomes(ledger, expected);
    await sink.check(ledger);
    const { firstAt, seconds } = await timesOf(ledger);
    const mails = variant.set.mailboxes * variant.set.mailsEach;
    const used = (part: Part) => (after[part] - (before[part] ?? 0)) / mails;
    const cpuMsPerMail = {
      worker: used('worker'),
      postgres: used('postgres'),
      redis: used('redis'),
      dovecot: used('dovecot'),
      sink: used('sink'),
    };
    const startSeconds = (firstAt - startedAt) / 1000;
    return { mails, mailsPerSecond: mails / seconds, startSeconds, cpuMsPerMail, peakMemoryMb: memory };
  } finally {
    await Promise.all(workers.map(stopped));
    closeSync(log);
    await sink.release();
    await ledger.release();
  }
}

// To see what another concurrency does, without changing the benchmark.
function ownSettings() {
  const { ZORGKOERIER_READ_CONCURRENCY, ZORGKOERIER_DELIVER_CONCURRENCY } = processEnvironment();
  return {
    ...(ZORGKOERIER_READ_CONCURRENCY === undefined ? {} : { ZORGKOERIER_READ_CONCURRENCY }),
    ...(ZORGKOERIER_DELIVER_CONCURRENCY === undefined ? {} : { ZORGKOERIER_DELIVER_CONCURRENCY }),
  };
}

function startWorker(settings: Readonly<Record<string, string | undefined>>, log: number): ChildProcess {
  const { PATH, HOME, NODE_OPTIONS } = processEnvironment();
  const env = { PATH, HOME, ...(NODE_OPTIONS === undefined ? {} : { NODE_OPTIONS }), ...settings };
  return spawn(LAUNCHER, ['start'], { env, stdio: ['ignore', 'ignore', log] });
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const late = new AbortController();
  await Promise.race([ended, systemClock.wait(STOP_WITHIN_MS, late.signal).then(() => child.kill('SIGKILL'))]);
  late.abort();
}

async function startSink({ set, sink: kind }: Variant) {
  const child = spawn(process.execPath, [SINK, JSON.stringify(set), kind], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [ready] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error('the sink did not start'))),
  ])) as [SinkSays];
  if (ready.kind !== 'ready') throw new Error('the sink did not start');
  return {
    url: ready.url,
    token: ready.token,
    pid: child.pid ?? 0,
    // Every result that the ledger remembers stands there, and nothing else.
    check: async (ledger: BenchLedger) => {
      child.send('counts');
      const [counts] = (await once(child, 'message')) as [SinkSays];
      const [known] = await ledger.sql<{ count: string }>('select count(distinct identifier) as count from lab_result');
      if (counts.kind !== 'counts' || counts.observations !== Number(known?.count))
        throw new Error(`the cards hold ${JSON.stringify(counts)}, the ledger knows ${known?.count} results`);
    },
    release: async () => {
      if (child.exitCode !== null) return;
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}

function cpuOf(pids: Readonly<Record<Exclude<Part, 'worker'>, readonly number[]>>): Record<Part, number> {
  const { postgres, redis, dovecot, sink } = pids;
  return {
    worker: 0,
    postgres: cpuMsOf(postgres),
    redis: cpuMsOf(redis),
    dovecot: cpuMsOf(dovecot),
    sink: cpuMsOf(sink),
  };
}

const OPEN = `select (select coalesce(sum(cursor_uid), 0)::int from epoch) as copied,
  exists (select 1 from mail where state = 'copied') or exists (select 1 from delivery where state in ('ready', 'sending', 'uncertain')) as open`;

async function untilDrained(ledger: BenchLedger, set: TrafficSet, workers: readonly ChildProcess[]): Promise<void> {
  const endsAt = Date.now() + WITHIN_MS;
  for (;;) {
    const [row] = await ledger.sql<{ copied: number; open: boolean }>(OPEN);
    if (row !== undefined && row.copied >= set.mailboxes * set.mailsEach && !row.open) return;
    if (workers.some(({ exitCode }) => exitCode !== null)) throw new Error('a worker ended: see its log');
    if (Date.now() > endsAt) throw new Error(`never drained: ${JSON.stringify(row)}`);
    await systemClock.wait(LOOK_MS);
  }
}

async function checkOutcomes(ledger: BenchLedger, expected: ExpectedOutcomes): Promise<void> {
  const query = async <Row>(text: string, values?: readonly unknown[]) => {
    const rows = await ledger.sql<Row>(text, values);
    return { rows, count: rows.length };
  };
  // As numbers: this connection has no types of the ledger's.
  const sum = totalOf((await accountingOf({ query } as Parameters<typeof accountingOf>[0])).map(asNumbers));
  const { forwarded, noCard, notLab, waiting, difference, duplicate } = sum;
  const isRight =
    noCard === expected.noCard && notLab === expected.notLab && forwarded + duplicate === expected.forwarded;
  if (!isRight || waiting !== 0 || difference !== 0)
    throw new Error(`not what was sent: ${JSON.stringify(sum)}, expected ${JSON.stringify(expected)}`);
}

function asNumbers<Row extends object>(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [key, /^\d+$/.test(String(value)) ? Number(value) : value]),
  ) as Row;
}

async function timesOf(ledger: BenchLedger): Promise<{ readonly firstAt: number; readonly seconds: number }> {
  const [row] = await ledger.sql<{ first: Date; last: Date }>(
    `select (select min(copied_at) from mail) as first,
       greatest((select max(read_at) from mail), (select max(settled_at) from delivery)) as last`,
  );
  if (row === undefined) throw new Error('no times');
  return { firstAt: row.first.getTime(), seconds: (row.last.getTime() - row.first.getTime()) / 1000 };
}

function documentOf(runs: ReadonlyMap<Variant, readonly Run[]>) {
  const entries = [...runs].map(([variant, of]) => [variant, of] as const);
  const each = <Value>(value: (of: readonly Run[], variant: Variant) => Value) =>
    Object.fromEntries(entries.map(([variant, of]) => [variant.name, value(of, variant)]));
  const [[first] = []] = entries;
  return {
    task: 'mailboxes → copied, read, delivered, audited; from the first commit of a copy to the last outcome',
    mailboxes: first?.set.mailboxes,
    mails: each((of) => of[0]?.mails),
    rounds: each((of) => of.length),
    workers: each((_, { workers }) => workers),
    mailsPerSecond: each((of) => spreadOf(of.map((run) => run.mailsPerSecond)).median),
    spread: each((of) => spreadOf(of.map((run) => run.mailsPerSecond))),
    startSeconds: each((of) => spreadOf(of.map((run) => run.startSeconds)).median),
    cpuMsPerMail: each((of) => cpuMedians(of)),
    peakMemoryMb: each((of) => Math.max(...of.map((run) => run.peakMemoryMb))),
    isEverythingDelivered: true,
  };
}

function cpuMedians(of: readonly Run[]): Record<Part | 'total', number> {
  const median = (value: (run: Run) => number) => spreadOf(of.map(value)).median;
  const part = (name: Part) => median(({ cpuMsPerMail }) => cpuMsPerMail[name]);
  const total = median(({ cpuMsPerMail }) => Object.values(cpuMsPerMail).reduce((sum, ms) => sum + ms, 0));
  return {
    worker: part('worker'),
    postgres: part('postgres'),
    redis: part('redis'),
    dovecot: part('dovecot'),
    sink: part('sink'),
    total,
  };
}

function tableOf(runs: ReadonlyMap<Variant, readonly Run[]>): string {
  const rows = [...runs].map(([{ says }, of]) => {
    const { median, min, max }: Spread = spreadOf(of.map((run) => run.mailsPerSecond));
    const cpu = cpuMedians(of);
    const parts = [cpu.worker, cpu.postgres, cpu.redis, cpu.dovecot, cpu.sink, cpu.total].map((ms) => ms.toFixed(2));
    const memory = Math.max(...of.map((run) => run.peakMemoryMb));
    return [says, whole(median), `${whole(min)}–${whole(max)}`, ...parts, `${whole(memory)} MB`];
  });
  const heading = ['', 'mails/s', 'lowest–highest', 'worker', 'postgres', 'redis', 'dovecot', 'sink', 'all', 'peak'];
  return `${columns([heading, ...rows])}\n\nworker … all: processor milliseconds per mail`;
}

function whole(number: number): string {
  return Math.round(number).toLocaleString('en');
}

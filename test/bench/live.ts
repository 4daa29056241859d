/**
 * Mailboxes that are watched by one worker, and mails that arrive in them one by one: how long each takes to the card, and
 * what it costs to watch while nothing comes.
 */

import type { GeneratedMail } from '../../src/sandbox/generator/generator.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { type Bench, columns } from './command.ts';
import { type Latency, latencyOf, requireAllDelivered } from './latency.ts';
import { openLmtpSender, type Sent } from './lmtp-sender.ts';
import { cpuMsOf, memoryMb, peakMemoryMb } from './machine.ts';
import { type TrafficSet, trafficOf } from './practices.ts';
import { type BenchWorker, openWatchStage, type WatchStage } from './watch-stage.ts';
import { peakPerSecond, untilProven } from './watching.ts';

export interface LiveOptions {
  readonly mailboxes: number;
  /** Mails a second, one phase after the other. */
  readonly rates: readonly number[];
  readonly secondsEach: number;
  /** At half the first rate and not measured: a worker that runs for days has long compiled what it does. */
  readonly warmUpSeconds: number;
  /** Without mail, from when all are connected until the idle worker is measured: looks grow rare only then (poll-pace.ts). */
  readonly quietSeconds: number;
  readonly idleSeconds: number;
}

export interface Live {
  readonly mailboxes: number;
  readonly latencyMs: Readonly<Record<string, Latency>>;
  readonly residentMb: number;
  readonly peakMb: number;
  /** Of one processor, over `idleSeconds` without mail. */
  readonly idleCpuPercent: number;
  /** From the start of the worker until each mailbox had answered. */
  readonly connectSeconds: number;
  readonly loginsPerSecondMax: number;
  readonly mails: number;
  /** Of them, those that the server had not announced before a look found them (docs/performance-watching.md says why). */
  readonly unannounced: number;
}

const FULL: LiveOptions = {
  mailboxes: 6_000,
  rates: [50, 150],
  secondsEach: 60,
  warmUpSeconds: 30,
  quietSeconds: 120,
  idleSeconds: 120,
};
const QUICK: LiveOptions = {
  mailboxes: 200,
  rates: [50, 150],
  secondsEach: 5,
  warmUpSeconds: 5,
  quietSeconds: 0,
  idleSeconds: 10,
};
const AT_REST_WITHIN_MS = 600_000;
/** Of all that were sent, before the next phase begins: a mail that was not announced is found by a look, two minutes later at most. */
const NEARLY = 0.98;
const LOOK_MS = 500;

export const liveBench: Bench = {
  says: 'mailboxes watched by one worker while mail arrives: latency, memory, idle processor time',
  run: async ({ isQuick, progress }) => {
    const options = isQuick ? QUICK : FULL;
    const live = await measureLive(options, progress);
    return { document: { ...options, ...live }, table: tableOf(live) };
  },
};

/** Throws where anything that was sent does not end on its card. */
export async function measureLive(options: LiveOptions, progress: (text: string) => void): Promise<Live> {
  const total = phasesOf(options).reduce((sum, { rate, seconds }) => sum + rate * seconds, 0);
  const set: TrafficSet = {
    name: 'followed',
    mailboxes: options.mailboxes,
    mailsEach: Math.ceil(total / options.mailboxes),
    followedShare: 1,
  };
  const stage = await openWatchStage(set, progress);
  try {
    const startedMs = systemClock.now().getTime();
    const worker = await stage.startWorker();
    progress('the worker logs in …');
    await untilProven(worker, options.mailboxes, startedMs);
    const { begun, proven } = await worker.logins();
    const connectSeconds = (Math.max(...proven) - startedMs) / 1_000;
    const idleCpuPercent = await idleCpu(worker, options, progress);
    const phases = await sendPhases(stage, worker, options, progress);
    return {
      mailboxes: options.mailboxes,
      latencyMs: phases.latencyMs,
      residentMb: rounded(memoryMb(worker.pid)),
      peakMb: rounded(peakMemoryMb(worker.pid)),
      idleCpuPercent,
      connectSeconds: rounded(connectSeconds),
      loginsPerSecondMax: peakPerSecond(begun),
      mails: phases.mails,
      unannounced: Object.values(phases.latencyMs).reduce((sum, { unannounced }) => sum + unannounced, 0),
    };
  } finally {
    await stage.release();
  }
}

async function sendPhases(
  stage: WatchStage,
  worker: BenchWorker,
  options: LiveOptions,
  progress: (text: string) => void,
) {
  const all = inOrderOfSending([...trafficOf(stage.set).byAccount.values()]);
  const sender = await openLmtpSender(stage.zorgmail.ports.lmtp);
  const latencyMs: Record<string, Latency> = {};
  let mails = 0;
  let letters = 0;
  try {
    const measured: { readonly rate: number; readonly sent: readonly Sent[] }[] = [];
    for (const { rate, seconds, isMeasured } of phasesOf(options)) {
      const some = all.slice(mails, mails + rate * seconds);
      mails += some.length;
      letters += some.filter(({ isLetter }) => isLetter).length;
      progress(`${some.length} mails at ${rate}/s …`);
      const sent = await sender.send(some, rate);
      if (isMeasured) measured.push({ rate, sent });
      await untilAtRest(stage, Math.floor(NEARLY * mails));
    }
    progress('until all are at rest …');
    await untilAtRest(stage, mails);
    const { hints } = await worker.logins();
    for (const { rate, sent } of measured) latencyMs[rate] = await latencyOf(stage, sent, hints);
    await requireAllDelivered(stage, { mails, letters });
    return { latencyMs, mails };
  } finally {
    sender.release();
  }
}

function phasesOf({ rates, secondsEach, warmUpSeconds }: LiveOptions) {
  const warmUp = { rate: Math.ceil((rates[0] ?? 0) / 2), seconds: warmUpSeconds, isMeasured: false };
  return [warmUp, ...rates.map((rate) => ({ rate, seconds: secondsEach, isMeasured: true }))];
}

/** As the generator sent them: what follows on a report comes after it. */
function inOrderOfSending(accounts: readonly (readonly GeneratedMail[])[]) {
  return accounts
    .flat()
    .sort((one, other) => one.sentAt.getTime() - other.sentAt.getTime())
    .map(({ account, raw, expected }) => ({ account, raw, isLetter: expected.kind === 'letter' }));
}

/** So many mails are read, and what is read is delivered. */
async function untilAtRest(stage: WatchStage, mails: number): Promise<void> {
  const deadlineMs = performance.now() + AT_REST_WITHIN_MS;
  for (;;) {
    const [row] = await stage.sql<{ read: string; open: string }>(
      `select (select count(*) from mail where state = 'read') as read,
         (select count(*) from delivery where state in ('ready', 'sending', 'uncertain')) as open`,
    );
    if (Number(row?.read) - Number(row?.open) >= mails) return;
    if (performance.now() > deadlineMs)
      throw new Error(`not at rest: ${row?.read} of ${mails} read, ${row?.open} deliveries open`);
    await systemClock.wait(LOOK_MS);
  }
}

async function idleCpu(
  worker: BenchWorker,
  { quietSeconds, idleSeconds }: LiveOptions,
  progress: (text: string) => void,
): Promise<number> {
  progress(`nothing for ${quietSeconds + idleSeconds} s …`);
  await systemClock.wait(quietSeconds * 1_000);
  const [beforeCpu, beforeMs] = [cpuMsOf([worker.pid]), performance.now()];
  await systemClock.wait(idleSeconds * 1_000);
  return rounded((100 * (cpuMsOf([worker.pid]) - beforeCpu)) / (performance.now() - beforeMs));
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

function tableOf(live: Live): string {
  const rows = Object.entries(live.latencyMs).flatMap(([rate, { announced, copied, read, delivered }]) => [
    [`${rate}/s: LMTP 250 → announced by the server`, ...[announced.p50, announced.p99, announced.max].map(String)],
    [`${rate}/s: LMTP 250 → copied`, ...[copied.p50, copied.p99, copied.max].map(String)],
    [`${rate}/s: LMTP 250 → read`, ...[read.p50, read.p99, read.max].map(String)],
    [`${rate}/s: LMTP 250 → delivered`, ...[delivered.p50, delivered.p99, delivered.max].map(String)],
  ]);
  return [
    columns([['ms', 'half', '99 %', 'slowest'], ...rows]),
    '',
    `${live.mailboxes} mailboxes, ${live.mails} mails, each of them where it belongs; ${live.unannounced} of them the server had not announced.`,
    Object.entries(live.latencyMs)
      .map(([rate, { perSecond }]) => `At ${rate}/s, ${perSecond} a second were on their cards while mail came.`)
      .join(' '),
    `Worker: ${live.residentMb} MB resident (most: ${live.peakMb}), idle ${live.idleCpuPercent} % of one processor.`,
    `Connected after ${live.connectSeconds} s, at most ${live.loginsPerSecondMax} logins in any second.`,
  ].join('\n');
}

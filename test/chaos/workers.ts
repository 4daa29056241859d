/** Workers as real processes, kept alive as systemd would: one that ends is started again after a second. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Environment, processEnvironment } from '../../src/config/config.ts';
import type { Moment } from '../../src/pipeline/pipeline.ts';
import { monotonicMs, systemClock } from '../../src/shared/clock.ts';
import { until } from '../support/until.ts';
import { STRIKE_WITHIN_MS } from './fault.ts';
import type { Sabotage } from './sabotage.ts';
import type { Orders } from './worker.ts';

export interface WorkersOptions {
  readonly settings: Environment;
  readonly directory: string;
  /** Mailboxes that each may read, a worker for each number. */
  readonly mailboxes: readonly number[];
  readonly targetTimeoutMs: number | null;
}

/** A worker that was taken out of service: by SIGKILL or by SIGSTOP. */
export interface Felled {
  readonly workerId: string;
  readonly atMs: number;
}

export interface Workers {
  /** Why no worker can have another clock; null where one has (the first and the last). */
  readonly clockObstacle: string | null;
  /** Until all of them have started, and are not frozen. */
  untilUp(): Promise<void>;
  /** SIGKILL to the first that gets to the moment: of those that read mailboxes, or the last one, which only delivers. */
  killAt(moment: Moment, which: 'copying' | 'delivering'): Promise<void>;
  /** SIGSTOP to one that reads a mailbox, until `isLet` says so. */
  freeze(isLet: (workerId: string) => Promise<boolean>, owners: readonly string[]): Promise<void>;
  /** SIGTERM to all; they start again after `start`. */
  stopAll(): Promise<void>;
  startAll(): void;
  /** How those break their promises that start from now on. */
  sabotage(how: Sabotage): void;
  /** `+3600s`: what the clock of the workers that can be misled says beside the time. */
  setClock(offset: string): void;
  /** How many mailboxes the last worker may read. */
  lendHand(mailboxesMax: number): void;
  /** Everyone who was killed or frozen. */
  readonly felled: readonly Felled[];
  /** Processes that ended by themselves, which none should. */
  readonly unforeseen: readonly string[];
  release(): Promise<void>;
}

interface Slot {
  readonly index: number;
  child: ChildProcess | null;
  workerId: string | null;
  isFrozen: boolean;
  mailboxesMax: number;
  /** How often it was killed. */
  kills: number;
}

const ENTRY = fileURLToPath(new URL('./worker.ts', import.meta.url));
const RESTART_MS = 1_000;
const STOP_WITHIN_MS = 20_000;
const FAKETIME = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
].find(existsSync);

export function startWorkers(options: WorkersOptions): Workers {
  const clockFile = join(options.directory, 'clock');
  writeFileSync(clockFile, '+0\n');
  const felled: Felled[] = [];
  const unforeseen: string[] = [];
  let isWanted = true;
  let sabotage: Sabotage = 'none';
  const slots: Slot[] = options.mailboxes.map((mailboxesMax, index) => ({
    index,
    child: null,
    workerId: null,
    isFrozen: false,
    mailboxesMax,
    kills: 0,
  }));
  const isMisled = (slot: Slot) => FAKETIME !== undefined && (slot.index === 0 || slot.index === slots.length - 1);
  const begin = (slot: Slot) => {
    const child = spawn(process.execPath, [ENTRY], {
      env: {
        ...environmentOf(options, slot.mailboxesMax, isMisled(slot) ? clockFile : null),
        CHAOS_SABOTAGE: sabotage,
      },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      cwd: '/',
    });
    let complaint = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      complaint = `${complaint}${chunk}`.slice(-2_000);
    });
    slot.child = child;
    slot.workerId = null;
    child.on('error', () => {});
    child.on('message', (message: { workerId: string }) => {
      slot.workerId = message.workerId;
    });
    child.once('exit', (code, signal) => {
      if (signal === 'SIGKILL') {
        slot.kills += 1;
        felled.push({ workerId: slot.workerId ?? '', atMs: monotonicMs() });
      }
      // A worker that cannot start (the ledger is away) says so and ends; one that was up may not.
      if (signal !== 'SIGKILL' && code !== 0 && slot.workerId !== null && isWanted)
        unforeseen.push(`exit ${code}: ${complaint}`);
      slot.child = null;
      slot.workerId = null;
      slot.isFrozen = false;
      if (isWanted) void systemClock.wait(RESTART_MS).then(() => isWanted && slot.child === null && begin(slot));
    });
  };
  const tell = (slot: Slot, orders: Orders) => {
    if (slot.child?.connected) slot.child.send(orders, () => {});
  };
  const up = () => slots.filter((slot) => slot.workerId !== null && !slot.isFrozen);
  const end = async (slot: Slot) => {
    const { child } = slot;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    const enough = new AbortController();
    const late = systemClock.wait(STOP_WITHIN_MS, enough.signal).then(() => false);
    if (!(await Promise.race([gone.then(() => true), late]))) child.kill('SIGKILL');
    await gone;
    enough.abort();
  };
  for (const slot of slots) begin(slot);
  return {
    clockObstacle: FAKETIME === undefined ? 'libfaketime is missing (sh bin/setup installs it)' : null,
    felled,
    unforeseen,
    untilUp: async () => {
      await until('all workers up', up, (all) => all.length === slots.length, STRIKE_WITHIN_MS);
    },
    killAt: async (moment, which) => {
      const candidates = which === 'delivering' ? slots.slice(-1) : slots.slice(0, -1);
      const kills = () => candidates.reduce((sum, slot) => sum + slot.kills, 0);
      const before = kills();
      const arm = () => {
        // Again and again: one that was started meanwhile must hear of it too.
        for (const slot of candidates) if (slot.workerId !== null && !slot.isFrozen) tell(slot, { killAt: moment });
        return kills() > before;
      };
      try {
        await until(`a worker at ${moment}`, arm, Boolean, STRIKE_WITHIN_MS);
      } finally {
        for (const slot of candidates) tell(slot, { killAt: null });
      }
    },
    freeze: async (isLet, owners) => {
      const slot = up().find(({ workerId }) => owners.includes(workerId ?? ''));
      if (slot?.workerId == null || slot.child === null) throw new Error('no worker to freeze');
      const { workerId, child } = slot;
      slot.isFrozen = true;
      child.kill('SIGSTOP');
      felled.push({ workerId, atMs: monotonicMs() });
      try {
        await until('let go', () => isLet(workerId).catch(() => false), Boolean, STRIKE_WITHIN_MS);
      } finally {
        child.kill('SIGCONT');
        slot.isFrozen = false;
      }
    },
    stopAll: async () => {
      isWanted = false;
      await Promise.all(slots.map(end));
    },
    startAll: () => {
      isWanted = true;
      for (const slot of slots) if (slot.child === null) begin(slot);
    },
    sabotage: (how) => {
      sabotage = how;
    },
    setClock: (offset) => writeFileSync(clockFile, `${offset}\n`),
    lendHand: (mailboxesMax) => {
      const last = slots.at(-1);
      if (last === undefined) return;
      last.mailboxesMax = mailboxesMax;
      tell(last, { mailboxesMax });
    },
    release: async () => {
      isWanted = false;
      await Promise.all(slots.map(end));
    },
  };
}

function environmentOf(options: WorkersOptions, mailboxesMax: number, clockFile: string | null): NodeJS.ProcessEnv {
  const { PATH, HOME } = processEnvironment();
  const misled =
    clockFile === null || FAKETIME === undefined
      ? {}
      : {
          LD_PRELOAD: FAKETIME,
          FAKETIME_TIMESTAMP_FILE: clockFile,
          FAKETIME_CACHE_DURATION: '1',
          FAKETIME_DONT_FAKE_MONOTONIC: '1',
          DONT_FAKE_MONOTONIC: '1',
          NO_FAKE_STAT: '1',
        };
  return {
    PATH,
    HOME,
    NODE_COMPILE_CACHE: join(options.directory, 'compile-cache'),
    ...options.settings,
    ...misled,
    CHAOS_LOG: join(options.directory, 'log'),
    CHAOS_MAILBOXES: String(mailboxesMax),
    ...(options.targetTimeoutMs === null ? {} : { CHAOS_TARGET_TIMEOUT_MS: String(options.targetTimeoutMs) }),
  };
}

/**
 * The engine: faults on a running courier, in an order that the seed decides, while laboratories go on sending; and
 * whether everything was kept afterwards. A step strikes with every kind once, lanes side by side, or with one kind
 * alone; after it the courier must catch up, and cards, boards, mailboxes and books are compared with what was sent.
 */

import { monotonicMs } from '../../src/shared/clock.ts';
import { oldestWaitingMs } from './books.ts';
import type { FaultKind, Lane, Stage } from './fault.ts';
import { registrationsWaiting } from './registrations.ts';

export interface RunOptions {
  readonly kinds: readonly FaultKind[];
  readonly mailsPerSecond: number;
  readonly registrationsPerSecond: number;
  /** Whether another step begins, given how many were and how long one of this size takes. */
  readonly isAnother: (steps: number, expectedMs: number) => boolean;
  readonly backlogMails: number;
  readonly report: (line: string) => void;
  /** Compares everything; called when nothing is on its way. Answers what is wrong. */
  readonly check: () => Promise<readonly string[]>;
}

export interface RunResult {
  /** How often each kind struck. */
  readonly faults: Readonly<Record<string, number>>;
  readonly notRun: Readonly<Record<string, string>>;
  readonly recoverySecondsMax: number;
  readonly backlog: { readonly mails: number; readonly seconds: number } | null;
  readonly problems: readonly string[];
}

/** The courier has caught up when nothing waits longer. */
const CAUGHT_UP_MS = 5_000;
/** And that for so long: a mail that lies still shows only once it is older than that. */
const STEADY_MS = 8_000;
const RECOVER_WITHIN_MS = 180_000;
const AT_REST_WITHIN_MS = 180_000;
const LOOK_MS = 200;
/** So that a run of ten minutes has every kind often enough. */
const TOGETHER_FIRST = 6;

export async function runFaults(stage: Stage, options: RunOptions): Promise<RunResult> {
  const faults = Object.fromEntries(options.kinds.map(({ name }) => [name, 0]));
  const notRun: Record<string, string> = {};
  const problems: string[] = [];
  for (const kind of options.kinds) {
    const obstacle = kind.obstacle?.(stage) ?? null;
    if (obstacle !== null) notRun[kind.name] = obstacle;
  }
  const kinds = options.kinds.filter(({ name }) => notRun[name] === undefined);
  let recoverySecondsMax = 0;
  const longestMs = new Map<boolean, number>();
  await stage.workers.untilUp();
  await stage.intake.untilUp();
  stage.traffic.run(options.mailsPerSecond);
  stage.source.run(options.registrationsPerSecond);
  let steps = 0;
  for (const step of stepsOf(kinds, stage)) {
    const isWhole = step.length > 1;
    if (!options.isAnother(steps, longestMs.get(isWhole) ?? 0)) break;
    steps += 1;
    const beganMs = monotonicMs();
    const strike = (kind: FaultKind) => struck(stage, kind, faults, options.report);
    problems.push(...(await strikeAll(step, strike)));
    const seconds = await untilCaughtUp(stage);
    recoverySecondsMax = Math.max(recoverySecondsMax, seconds);
    problems.push(...(await compareAll(stage, options)));
    await stage.workers.untilUp();
    const tookMs = monotonicMs() - beganMs;
    longestMs.set(isWhole, Math.max(longestMs.get(isWhole) ?? 0, tookMs));
    options.report(
      `step ${steps}: ${Math.round(tookMs / 1_000)} s, caught up after ${seconds.toFixed(1)} s, ${problems.length} problems`,
    );
    stage.traffic.run(options.mailsPerSecond);
    stage.source.run(options.registrationsPerSecond);
  }
  await stage.source.pause();
  await stage.traffic.pause();
  const backlog = options.backlogMails === 0 ? null : await workOff(stage, options, problems);
  return { faults, notRun, recoverySecondsMax, backlog, problems };
}

/** Enough of all kinds together first; then, as long as there is time, each by itself, and all together once more. */
function* stepsOf(kinds: readonly FaultKind[], stage: Stage): Generator<readonly FaultKind[]> {
  for (let step = 0; step < TOGETHER_FIRST; step += 1) yield shuffled(kinds, stage);
  for (;;) {
    for (const kind of shuffled(kinds, stage)) yield [kind];
    yield shuffled(kinds, stage);
  }
}

// Lanes side by side, the kinds of each one after the other. Those who copy are killed last: until their mailboxes are
// another's nothing comes in, and what needs mail could not strike.
async function strikeAll(
  kinds: readonly FaultKind[],
  strike: (kind: FaultKind) => Promise<string | null>,
): Promise<readonly string[]> {
  const lanes = Map.groupBy(kinds, ({ lane }) => lane);
  const strikeLane = async (lane: Lane) => {
    const misses: (string | null)[] = [];
    for (const kind of lanes.get(lane) ?? []) misses.push(await strike(kind));
    return misses;
  };
  const atOnce = new Map(
    [...lanes.keys()].filter((lane) => lane !== 'copying').map((lane) => [lane, strikeLane(lane)]),
  );
  await Promise.all([atOnce.get('ckis'), atOnce.get('delivering')]);
  const problems = await Promise.all([...atOnce.values(), strikeLane('copying')]);
  return problems.flat().filter((problem) => problem !== null);
}

async function struck(
  stage: Stage,
  kind: FaultKind,
  faults: Record<string, number>,
  report: (line: string) => void,
): Promise<string | null> {
  const beganMs = monotonicMs();
  try {
    await kind.strike(stage);
    faults[kind.name] = (faults[kind.name] ?? 0) + 1;
    report(`  ${kind.name} (${((monotonicMs() - beganMs) / 1_000).toFixed(1)} s)`);
    return null;
  } catch (thrown) {
    const problem = `${kind.name} did not strike: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
    report(`  ${problem}`);
    return problem;
  }
}

function shuffled(kinds: readonly FaultKind[], { random }: Stage): readonly FaultKind[] {
  return kinds
    .map((kind) => ({ kind, at: random.next() }))
    .sort((one, other) => one.at - other.at)
    .map(({ kind }) => kind);
}

/** Seconds until nothing waits for long any more, and goes on so; also where that never comes, within a time. */
async function untilCaughtUp(stage: Stage): Promise<number> {
  const beganMs = monotonicMs();
  let behindMs = beganMs;
  for (;;) {
    // The ledger may still be on its way back.
    const oldestMs = await oldestWaitingMs(stage).catch(() => Number.POSITIVE_INFINITY);
    const now = monotonicMs();
    if (oldestMs >= CAUGHT_UP_MS) behindMs = now;
    if (now - behindMs >= STEADY_MS || now - beganMs > RECOVER_WITHIN_MS) return (behindMs - beganMs) / 1_000;
    await stage.wait(LOOK_MS);
  }
}

/** Seconds until the oldest mail that waits is younger than this; also where it never is, within that time. */
async function untilAge(stage: Stage, ageMs: number, withinMs: number): Promise<number> {
  const beganMs = monotonicMs();
  for (;;) {
    // The ledger may still be on its way back.
    const oldestMs = await oldestWaitingMs(stage).catch(() => Number.POSITIVE_INFINITY);
    const seconds = (monotonicMs() - beganMs) / 1_000;
    if (oldestMs < ageMs || seconds * 1_000 > withinMs) return seconds;
    await stage.wait(LOOK_MS);
  }
}

/** Seconds until nothing waits any more, in either direction; also where something always does, within that time. */
export async function untilAtRest(stage: Stage): Promise<number> {
  const beganMs = monotonicMs();
  const seconds = () => (monotonicMs() - beganMs) / 1_000;
  // A registration comes to rest by a mail that is said of it, so those are looked at last.
  for (;;) {
    const waiting = await registrationsWaiting(stage).catch(() => Number.POSITIVE_INFINITY);
    if (waiting === 0 || seconds() * 1_000 > AT_REST_WITHIN_MS) break;
    await stage.wait(LOOK_MS);
  }
  return seconds() + (await untilAge(stage, 1, AT_REST_WITHIN_MS));
}

async function compareAll(stage: Stage, options: RunOptions): Promise<readonly string[]> {
  await stage.source.pause();
  await stage.traffic.pause();
  const seconds = await untilAtRest(stage);
  const late = seconds * 1_000 > AT_REST_WITHIN_MS ? ['something still waits when nothing comes any more'] : [];
  const problems = await options.check();
  for (const problem of problems) options.report(`  ${problem}`);
  return [...late, ...problems];
}

/** The mailboxes fill while no worker runs; then all of it at once. */
async function workOff(stage: Stage, options: RunOptions, problems: string[]): Promise<RunResult['backlog']> {
  const { backlogMails: mails, report } = options;
  await stage.workers.stopAll();
  const beganFilling = monotonicMs();
  await stage.traffic.burst(mails, BACKLOG_FOLLOWED_SHARE);
  report(`backlog: ${mails} mails put in within ${Math.round((monotonicMs() - beganFilling) / 1_000)} s`);
  const beganMs = monotonicMs();
  stage.workers.startAll();
  await untilAge(stage, 1, BACKLOG_WITHIN_MS);
  const seconds = (monotonicMs() - beganMs) / 1_000;
  report(`backlog: ${mails} mails in ${seconds.toFixed(1)} s`);
  problems.push(...(await compareAll(stage, options)));
  return { mails, seconds: Math.round(seconds * 10) / 10 };
}

/** Most laboratory mail is about people whom nobody follows. */
const BACKLOG_FOLLOWED_SHARE = 0.1;
const BACKLOG_WITHIN_MS = 30 * 60_000;

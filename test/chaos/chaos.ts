/**
 * `npm run chaos -- --minutes N [--seed S] [--json] [--only KIND,…] [--backlog MAILS]`: the long form.
 *
 * Rounds of faults for N minutes, then the backlog. Progress goes to standard error. Exit code 0: every promise was kept,
 * no mail waited longer than a minute after a fault, and every kind struck at least five times. Else 1; 2: usage.
 */

import { parseArgs } from 'node:util';
import { monotonicMs, systemClock } from '../../src/shared/clock.ts';
import { FAULT_KINDS } from './faults/all.ts';
import { type RunResult, runFaults } from './run.ts';
import { openStage } from './stage.ts';
import { type Verdict, verdictOn } from './verdict.ts';

const USAGE = 'usage: npm run chaos -- --minutes N [--seed S] [--json] [--only KIND,…] [--backlog MAILS]\n';
const AT_LEAST = 5;
const RECOVERY_MAX_SECONDS = 60;
const MINUTE_MS = 60_000;
/** Each reads a mailbox, one of them two, the last none: so that killing one that delivers need not stop the copying. */
const WORKERS = [1, 1, 1, 1, 2, 0];
const MAILS_PER_SECOND = 6;
const REGISTRATIONS_PER_SECOND = 1;
/** In a run of half an hour or more; else a twentieth, since working off the whole takes longer than such a run. */
const BACKLOG = 20_000;
const LONG_MINUTES = 30;
/** From here on the faults go on until every kind struck often enough, also where that takes longer. */
const WHOLE_MINUTES = 10;

async function main(): Promise<number> {
  const wanted = arguments_();
  if (wanted === null) {
    process.stderr.write(USAGE);
    return 2;
  }
  const began = monotonicMs();
  const report = (line: string) => {
    process.stderr.write(`${String(Math.round((monotonicMs() - began) / 1_000)).padStart(5)} s  ${line}\n`);
  };
  report(`seed ${wanted.seed}`);
  const stage = await openStage({ seed: wanted.seed, workers: WORKERS, targetTimeoutMs: null });
  const stop = () => void stage.release().finally(() => process.exit(130));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    let verdict = await verdictOn(stage);
    const endsAt = monotonicMs() + wanted.minutes * MINUTE_MS;
    const result = await runFaults(stage, {
      kinds: wanted.kinds,
      mailsPerSecond: MAILS_PER_SECOND,
      registrationsPerSecond: REGISTRATIONS_PER_SECOND,
      isAnother: (steps, expectedMs) =>
        steps < (wanted.minutes >= WHOLE_MINUTES ? AT_LEAST : 1) || monotonicMs() + expectedMs < endsAt,
      backlogMails: wanted.backlog,
      report,
      check: async () => {
        verdict = await verdictOn(stage);
        return verdict.problems;
      },
    });
    const document = documentOf(wanted, result, verdict);
    process.stdout.write(wanted.isJson ? `${JSON.stringify(document, null, 2)}\n` : shown(document));
    return document.problems.length === 0 ? 0 : 1;
  } finally {
    await stage.release();
  }
}

interface Wanted {
  readonly minutes: number;
  readonly seed: number;
  readonly isJson: boolean;
  readonly kinds: typeof FAULT_KINDS;
  readonly backlog: number;
}

function arguments_(): Wanted | null {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: 'string' },
        seed: { type: 'string' },
        json: { type: 'boolean', default: false },
        only: { type: 'string' },
        backlog: { type: 'string' },
      },
    });
    const minutes = Number(values.minutes);
    const seed = values.seed === undefined ? systemClock.now().getTime() % 1_000_000 : Number(values.seed);
    const backlog = Number(values.backlog ?? (minutes >= LONG_MINUTES ? BACKLOG : BACKLOG / 20));
    const only = values.only?.split(',');
    const kinds = FAULT_KINDS.filter(({ name }) => only === undefined || only.includes(name));
    const isKnown = kinds.length === (only?.length ?? FAULT_KINDS.length);
    if (!(minutes > 0) || !Number.isInteger(seed) || !(backlog >= 0) || !isKnown) return null;
    return { minutes, seed, isJson: values.json, kinds, backlog };
  } catch {
    return null;
  }
}

function documentOf(wanted: Wanted, result: RunResult, verdict: Verdict) {
  const rare = Object.entries(result.faults).filter(([, count]) => count < AT_LEAST);
  const problems = [
    ...new Set([...result.problems, ...verdict.problems]),
    ...rare.map(([name, count]) => `${name} struck ${count} times, not ${AT_LEAST}`),
    ...(verdict.mailsIn === 0 ? ['no mail came in'] : []),
    ...(verdict.registrations.posted === 0 ? ['no registration was posted'] : []),
    ...(result.recoverySecondsMax > RECOVERY_MAX_SECONDS ? ['catching up took more than a minute'] : []),
  ];
  const { problems: _own, ...seen } = verdict;
  return {
    seed: wanted.seed,
    minutes: wanted.minutes,
    faults: result.faults,
    notRun: result.notRun,
    ...seen,
    recoverySecondsMax: Math.round(result.recoverySecondsMax * 10) / 10,
    backlog: result.backlog,
    problems,
  };
}

function shown(document: ReturnType<typeof documentOf>): string {
  const { faults, notRun, problems, backlog, registrations, ...numbers } = document;
  const row = ([name, value]: [string, unknown]) => `${name.padEnd(32)}${value}\n`;
  return [
    ...Object.entries(faults).map(row),
    '\n',
    ...Object.entries(notRun).map(([name, why]) => row([`${name} (not run)`, why])),
    ...Object.entries(numbers).map(row),
    ...Object.entries(registrations).map(([name, count]) => row([`registrations ${name}`, count])),
    ...(backlog === null ? [] : [row([`backlog of ${backlog.mails}`, `${backlog.seconds} s`])]),
    '\n',
    problems.length === 0 ? 'All is well.\n' : `${problems.join('\n')}\n`,
  ].join('');
}

process.exitCode = await main();

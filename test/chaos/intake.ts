/** The intake as a real process, kept alive as systemd would: one that ends is started again after a second. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Environment, processEnvironment } from '../../src/config/config.ts';
import type { Moment } from '../../src/pipeline/pipeline.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { until } from '../support/until.ts';
import { STRIKE_WITHIN_MS } from './fault.ts';

export interface Intake {
  /** Where it listens; null: it does not, now. */
  url(): string | null;
  untilUp(): Promise<void>;
  /** SIGKILL at the moment. */
  killAt(moment: Moment): Promise<void>;
  /** Ends that nobody caused. */
  readonly unforeseen: readonly string[];
  release(): Promise<void>;
}

const ENTRY = fileURLToPath(new URL('./serve.ts', import.meta.url));
const RESTART_MS = 1_000;

export function startIntake(settings: Environment, directory: string): Intake {
  const unforeseen: string[] = [];
  let child: ChildProcess | null = null;
  let url: string | null = null;
  let kills = 0;
  let isWanted = true;
  const begin = () => {
    const { PATH, HOME } = processEnvironment();
    const started = spawn(process.execPath, [ENTRY], {
      env: {
        PATH,
        HOME,
        NODE_COMPILE_CACHE: join(directory, 'compile-cache'),
        ...settings,
        CHAOS_LOG: join(directory, 'log'),
      },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      cwd: '/',
    });
    let complaint = '';
    started.stderr?.on('data', (chunk: Buffer) => {
      complaint = `${complaint}${chunk}`.slice(-2_000);
    });
    started.on('error', () => {});
    started.on('message', (message: { readonly url: string }) => {
      url = message.url;
    });
    started.once('exit', (code, signal) => {
      if (signal === 'SIGKILL') kills += 1;
      // One that cannot start (the ledger is away) says so and ends; one that was up may not.
      else if (code !== 0 && url !== null && isWanted) unforeseen.push(`exit ${code}: ${complaint}`);
      child = null;
      url = null;
      if (isWanted) void systemClock.wait(RESTART_MS).then(() => isWanted && child === null && begin());
    });
    child = started;
  };
  const tell = (killAt: Moment | null) => {
    if (child?.connected === true) child.send({ killAt }, () => {});
  };
  begin();
  return {
    unforeseen,
    url: () => url,
    untilUp: async () => {
      await until(
        'the intake is up',
        () => url,
        (at) => at !== null,
        STRIKE_WITHIN_MS,
      );
    },
    killAt: async (moment) => {
      const before = kills;
      // Again and again: one that was started meanwhile must hear of it too.
      const arm = () => {
        if (url !== null) tell(moment);
        return kills > before;
      };
      try {
        await until(`the intake at ${moment}`, arm, Boolean, STRIKE_WITHIN_MS);
      } finally {
        tell(null);
      }
    },
    release: async () => {
      isWanted = false;
      if (child === null) return;
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    },
  };
}

/** The `alarm` part of the command table. */

import type { Command } from 'commander';
import type { Io } from './io.ts';
import { byOption, jsonOption, run } from './options.ts';

export function addAlarmCommands(program: Command, io: Io): void {
  const alarm = program.command('alarm').description('what needs a person’s eye now: see docs/alarms.md');
  alarm
    .command('list')
    .description('every alarm that is open: what is the matter, with what, and what to do')
    .addOption(jsonOption())
    .action((options: { json: boolean }) => run(async () => (await import('./alarm.ts')).runAlarmList(io, options)));
  alarm
    .command('mute <kind> [object]')
    .description('say nothing of a kind, or of one object of it, until a moment; what still stands then is said again')
    .requiredOption('--until <moment>', 'such as 2026-11-22T08:00:00+01:00; a date begins at midnight')
    .requiredOption('--reason <text>', 'why, for the audit')
    .addOption(byOption())
    .action((kind: string, object: string | undefined, options: { until: string; reason: string; by: string }) =>
      run(async () => (await import('./alarm.ts')).runAlarmMute(io, kind, object ?? null, options)),
    );
  alarm
    .command('unmute <kind> [object]')
    .description('end a mute before its time')
    .addOption(byOption())
    .action((kind: string, object: string | undefined, options: { by: string }) =>
      run(async () => (await import('./alarm.ts')).runAlarmUnmute(io, kind, object ?? null, options)),
    );
}

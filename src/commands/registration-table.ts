/** The `registration` part of the command table. */

import { type Command, Option } from 'commander';
import type { RegistrationState } from '../ledger/ledger.ts';
import type { Io } from './io.ts';
import { byOption, jsonOption, run } from './options.ts';
import { STATES } from './status-registrations.ts';

interface ListArguments {
  practice?: string;
  state?: RegistrationState;
  attention: boolean;
  json: boolean;
}

export function addRegistrationCommands(program: Command, io: Io): void {
  const registration = program
    .command('registration')
    .description(
      'free text from cards and boards to the practices’ HISes: where it is, and what a person decides on it',
    );
  registration
    .command('list')
    .option('--practice <agb>')
    .addOption(new Option('--state <state>').choices(STATES))
    .option('--attention', 'only what waits for a person: held, or come back', false)
    .addOption(jsonOption())
    .action(({ practice, state, ...options }: ListArguments) =>
      run(async () =>
        (await import('./registration.ts')).runRegistrationList(io, {
          ...options,
          practice: practice ?? null,
          state: state ?? null,
        }),
      ),
    );
  registration
    .command('show <id>')
    .option('--content', 'show the patient and the text (audited)', false)
    .addOption(jsonOption())
    .addOption(byOption())
    .action((id: string, options: { json: boolean; content: boolean; by: string }) =>
      run(async () => (await import('./registration.ts')).runRegistrationShow(io, id, options)),
    );
  registration
    .command('retry <id>')
    .description('send again what was not taken or came back: the same mails, or all of it anew')
    .requiredOption('--reason <text>')
    .option('--anew', 'rendered again, under new control references: to the HIS it is another message', false)
    .addOption(byOption())
    .action((id: string, options: { reason: string; anew: boolean; by: string }) =>
      run(async () => (await import('./registration-decide.ts')).runRegistrationRetry(io, id, options)),
    );
  registration
    .command('discard <id>')
    .description('it goes to no HIS, and its text is erased')
    .requiredOption('--reason <text>')
    .addOption(byOption())
    .action((id: string, options: { reason: string; by: string }) =>
      run(async () => (await import('./registration-decide.ts')).runRegistrationDiscard(io, id, options)),
    );
}

/** `zorgkoerier keys shred --practice AGB|--mailbox NAME --reason TEXT`: makes content unreadable for ever. Asked twice. */

import type { Config } from '../config/config.ts';
import { type ShreddedAnswer, shredMailbox, shredPractice } from '../pipeline/pipeline.ts';
import { type Io, say, UsageError } from './io.ts';
import { requireMailbox } from './keys.ts';
import { requirePractice, withOffice } from './office.ts';

export interface ShredOptions {
  readonly practice: string | null;
  readonly mailbox: string | null;
  readonly reason: string;
  readonly by: string;
  /** For scripts: nothing is asked. */
  readonly yes: boolean;
}

/** `ask`: prints a question and answers the line that was typed; empty where nobody is there to type. */
export async function runKeysShred(
  io: Io,
  options: ShredOptions,
  ask: (question: string) => Promise<string>,
): Promise<number> {
  const { practice: agb, mailbox: name } = options;
  if ((agb === null) === (name === null)) throw new UsageError('keys shred: name --practice or --mailbox');
  if (options.reason.trim() === '') throw new UsageError('keys shred: --reason is empty');
  return withOffice(io, async (office, config) => {
    const act = { by: options.by, reason: options.reason };
    if (agb !== null) {
      const practice = await requirePractice(office, agb);
      await confirm(config, options, agb, ask);
      report(io, config, await shredPractice(office.ledger, practice, act));
    } else if (name !== null) {
      const mailbox = await requireMailbox(office, name);
      await confirm(config, options, name, ask);
      report(io, config, await shredMailbox(office.ledger, mailbox, act));
    }
    return 0;
  });
}

// By typing its name: a slip of the keyboard or a line from the shell's history destroys nothing.
async function confirm(
  config: Config,
  { yes }: ShredOptions,
  name: string,
  ask: (question: string) => Promise<string>,
): Promise<void> {
  if (yes) return;
  const typed = await ask(
    say(config, {
      nl: `De sleutels van ${name} worden vernietigd. Wat eronder staat, is daarna voorgoed onleesbaar, ook uit back-ups. Typ ${name} om door te gaan: `,
      en: `The keys of ${name} are destroyed. What stands under them can never be read again, nor from backups. Type ${name} to go on: `,
    }),
  );
  if (typed.trim() !== name)
    throw new UsageError(
      say(config, { nl: 'Niet bevestigd: er is niets gebeurd.', en: 'Not confirmed: nothing was done.' }),
    );
}

function report(io: Io, config: Config, { keys, mailboxes, shared, discarded }: ShreddedAnswer): void {
  io.out(
    say(config, {
      nl: `${keys} sleutels vernietigd; ${discarded} mails en uitslagen die nog wachtten zijn afgewezen.`,
      en: `${keys} keys destroyed; ${discarded} mails and reports that still waited were discarded.`,
    }),
  );
  if (mailboxes.length > 0)
    io.out(
      say(config, {
        nl: `Van deze mailboxen is ook het wachtwoord weg, en zij horen bij geen praktijk meer: ${mailboxes.join(', ')}.`,
        en: `Of these mailboxes the password is gone too, and they belong to no practice any more: ${mailboxes.join(', ')}.`,
      }),
    );
  if (shared.length > 0)
    io.out(
      say(config, {
        nl: `Gedeeld met andere praktijken, en dus niet vernietigd: ${shared.join(', ')}. Mails daarin met alleen uitslagen van deze praktijk zijn gewist.`,
        en: `Shared with other practices, and so not destroyed: ${shared.join(', ')}. Mails in them with reports of this practice alone were erased.`,
      }),
    );
}

/** `zorgkoerier recover --restored-at T`: after PostgreSQL was restored from a backup. Exit 3 where a mailbox could not be opened. */

import { type Recovered, recoverRestored } from '../pipeline/pipeline.ts';
import { systemClock } from '../shared/clock.ts';
import { type Io, momentOf, say, UsageError } from './io.ts';
import { withOffice } from './office.ts';

export interface RecoverOptions {
  readonly restoredAt: string;
  readonly json: boolean;
  readonly by: string;
}

export async function runRecover(io: Io, options: RecoverOptions): Promise<number> {
  const restoredAt = momentOf(options.restoredAt, '--restored-at');
  if (restoredAt > systemClock.now()) throw new UsageError('--restored-at: a moment in the past is expected');
  return withOffice(io, async (office, config) => {
    const recovered = await recoverRestored(office, restoredAt, options.by);
    io.out(options.json ? JSON.stringify(recovered) : show(recovered, config, options.restoredAt));
    return recovered.mailboxes.every(({ code }) => code === null) ? 0 : 3;
  });
}

function show(recovered: Recovered, config: { readonly language: 'nl' | 'en' }, since: string): string {
  const { deliveries, batches, mailboxes, registrations, outwardMails } = recovered;
  const of = (nl: string, en: string) => say(config, { nl, en });
  return [
    ...mailboxes.map(({ mailbox, listed, code }) =>
      code === null
        ? of(
            `${mailbox}: ${listed} mails worden (opnieuw) gekopieerd.`,
            `${mailbox}: ${listed} mails are copied (again).`,
          )
        : of(
            `${mailbox}: niet te openen (${code}). Herhaal dit.`,
            `${mailbox}: cannot be opened (${code}). Repeat this.`,
          ),
    ),
    of(
      `${deliveries} afleveringen vragen eerst de kaart; ${batches} partijen worden opnieuw gelezen.`,
      `${deliveries} deliveries ask the card first; ${batches} batches are read again.`,
    ),
    of(
      `${registrations} registraties stonden open; van ${outwardMails} mails daarvan wordt eerst een ontvangstbericht gezocht.`,
      `${registrations} registrations were open; of ${outwardMails} of their mails a receipt is looked for first.`,
    ),
    '',
    of(
      `Wat mensen sinds ${since} besloten, weet de teruggezette administratie niet meer:`,
      `What persons decided since ${since} is lost:`,
    ),
    of('- vrijgeven en afwijzen: zorgkoerier held list', '- releases and discards: zorgkoerier held list'),
    of(
      '- praktijken aan, uit of gepauzeerd: zorgkoerier practice list',
      '- practices switched: zorgkoerier practice list',
    ),
    of('- vernietigde sleutels zijn terug: vernietig ze opnieuw', '- destroyed keys are back: destroy them again'),
    of(
      '- registraties van daarna, en besluiten daarover: laat cKIS en cBoards opnieuw aanbieden wat zij sindsdien aanboden, en kijk in het HIS wat er al staat',
      '- registrations of after that, and decisions on them: let cKIS and cBoards post again what they posted since, and look in the HIS for what it has already',
    ),
    of(
      '- het zegelbestand van de audit loopt voor op de administratie: bewaar het apart',
      '- the file of audit seals is ahead of the ledger: put it aside and keep it',
    ),
  ].join('\n');
}

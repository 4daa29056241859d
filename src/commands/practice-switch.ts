/** `zorgkoerier practice enable|pause|disable P forwarding|registrations`: Customer Care switches an integration. */

import { readFile } from 'node:fs/promises';
import type { Office } from '../compose.ts';
import { disableForwarding, type EnabledForwarding, enableForwarding } from '../pipeline/pipeline.ts';
import {
  changeIntegration,
  type Determinations,
  type EnableRequest,
  enableIntegration,
  type IntegrationName,
  integrationOf,
  type Mode,
  type Practice,
  type Refusal,
} from '../practice/practice.ts';
import { dayOf, type Io, momentOf, say, UsageError, type Words } from './io.ts';
import { requirePractice, withOffice } from './office.ts';

/** What is null stays as it is. */
export interface SwitchOptions {
  readonly mode: Mode | null;
  readonly authorisedBy: string | null;
  readonly authorisedOn: string | null;
  readonly since: string | null;
  /** `all`, or a file with one NHG number or raw code per line. */
  readonly determinations: string | null;
  /** Why going live is right although more than one mail in a thousand vanished in the shadow run. */
  readonly acceptVanished: string | null;
  readonly by: string;
}

const REFUSALS: Readonly<Record<Refusal | 'vanished-rate', Words>> = {
  'only-cboards': {
    nl: 'Een praktijk met alleen cBoards kan geen doorstuurfunctie hebben: labwaarden bereiken haar alleen via OZIS.',
    en: 'A practice with only cBoards cannot have forwarding: laboratory values reach it through OZIS only.',
  },
  'no-mailbox': {
    nl: 'De praktijk heeft nog geen mailbox: zorgkoerier practice add-mailbox.',
    en: 'The practice has no mailbox yet: zorgkoerier practice add-mailbox.',
  },
  'no-authorisation': {
    nl: 'Live gaan vraagt de autorisatie van de praktijk: --authorised-by NAAM --authorised-on DATUM.',
    en: 'Live needs the practice’s authorisation: --authorised-by NAME --authorised-on DATE.',
  },
  'no-determinations': {
    nl: 'Live gaan vraagt een keuze van bepalingen: --determinations all, of een bestand met NHG-nummers en codes.',
    en: 'Live needs a choice of determinations: --determinations all, or a file with NHG numbers and codes.',
  },
  'vanished-rate': {
    nl: 'In de schaduwperiode verdween meer dan 1 op de 1.000 mails voordat wij ze zagen: het HIS is sneller. Vraag om een kopie naar een eigen mailbox (practice add-mailbox --mailbox-kind copy), of ga live met --accept-vanished REDEN.',
    en: 'In the shadow run more than 1 mail in 1,000 vanished before we saw it: the HIS is faster. Ask for a copy to a mailbox of our own (practice add-mailbox --mailbox-kind copy), or go live with --accept-vanished REASON.',
  },
  'not-enabled': { nl: 'Deze koppeling staat niet aan.', en: 'This integration is not switched on.' },
};

export async function runPracticeEnable(
  io: Io,
  agb: string,
  name: IntegrationName,
  options: SwitchOptions,
): Promise<number> {
  return withOffice(io, async (office, config) => {
    const practice = await requirePractice(office, agb);
    const request = await requestOf(name, options);
    const isSinceGiven = request.since !== null;
    const { refusal, mailboxes } =
      name === 'forwarding'
        ? await enableForwarding(office, practice, request, isSinceGiven, options.by, options.acceptVanished)
        : await enableOther(office, practice, request, options.by);
    if (refusal !== null) return refused(io, config, refusal);
    // As it is now, which need not be what was asked: what was not given stayed.
    const mode = (await integrationOf(office.ledger, practice.id, name))?.mode ?? '?';
    io.out(say(config, { nl: `${agb}: ${name} staat aan (${mode}).`, en: `${agb}: ${name} is enabled (${mode}).` }));
    if (isSinceGiven) for (const mailbox of mailboxes) io.out(listedText(config, agb, mailbox, options.since ?? ''));
    return 0;
  });
}

async function requestOf(name: IntegrationName, options: SwitchOptions): Promise<EnableRequest> {
  return {
    name,
    mode: options.mode,
    authorisedBy: options.authorisedBy,
    authorisedOn: options.authorisedOn === null ? null : dayOf(options.authorisedOn, '--authorised-on'),
    determinations: await determinationsOf(options.determinations),
    since: options.since === null ? null : momentOf(options.since, '--since'),
  };
}

async function enableOther(
  office: Pick<Office, 'ledger'>,
  practice: Practice,
  request: EnableRequest,
  by: string,
): Promise<EnabledForwarding> {
  const refusal = await office.ledger.transaction((tx) => enableIntegration(tx, practice, request, by));
  return { refusal, mailboxes: [] };
}

type Watched = EnabledForwarding['mailboxes'][number];

// In a mailbox that was watched already, mails may have been read while they were nobody's who had forwarding.
function listedText(config: { readonly language: 'nl' | 'en' }, agb: string, mailbox: Watched, since: string): string {
  const listed = say(config, {
    nl: `${mailbox.mailbox}: ${mailbox.listed} mails die er al stonden worden ook gekopieerd.`,
    en: `${mailbox.mailbox}: ${mailbox.listed} mails that were there already are copied too.`,
  });
  if (mailbox.isNew) return listed;
  const command = `zorgkoerier replay --practice ${agb} --since ${since}`;
  return `${listed} ${say(config, {
    nl: `De mailbox werd al gelezen; wat daarvan voor deze praktijk is: ${command}`,
    en: `The mailbox was being read already; what of that is for this practice: ${command}`,
  })}`;
}

export async function runPracticePause(io: Io, agb: string, name: IntegrationName, by: string): Promise<number> {
  return withOffice(io, async (office, config) => {
    const practice = await requirePractice(office, agb);
    const refusal = await office.ledger.transaction((tx) => changeIntegration(tx, practice, name, 'paused', by));
    if (refusal !== null) return refused(io, config, refusal);
    io.out(
      say(config, {
        nl: `${agb}: ${name} is gepauzeerd; er wordt wel gekopieerd, niet afgeleverd.`,
        en: `${agb}: ${name} is paused; mail is copied, not delivered.`,
      }),
    );
    return 0;
  });
}

export async function runPracticeDisable(io: Io, agb: string, name: IntegrationName, by: string): Promise<number> {
  return withOffice(io, async (office, config) => {
    const practice = await requirePractice(office, agb);
    const refusal =
      name === 'forwarding'
        ? await disableForwarding(office, practice, by)
        : await office.ledger.transaction((tx) => changeIntegration(tx, practice, name, 'disabled', by));
    if (refusal !== null) return refused(io, config, refusal);
    io.out(
      say(config, {
        nl: `${agb}: ${name} staat uit. Wat nog wacht, wordt na 7 dagen afgewezen.`,
        en: `${agb}: ${name} is disabled. What still waits is discarded after 7 days.`,
      }),
    );
    return 0;
  });
}

function refused(
  io: Io,
  config: { readonly language: 'nl' | 'en' },
  refusal: NonNullable<EnabledForwarding['refusal']>,
): number {
  io.progress(say(config, REFUSALS[refusal]));
  return 2;
}

async function determinationsOf(choice: string | null): Promise<Determinations | null> {
  if (choice === null || choice === 'all') return choice;
  const text = await readFile(choice, 'utf8').catch(() => {
    throw new UsageError(`--determinations: ${choice} cannot be read`);
  });
  // One a line; blanks inside a code are significant (HT  B), so only the line end and comments go.
  const lines = text.split(/\r?\n/).map((line) => line.replace(/\s*#.*$/, '').replace(/\s+$/, ''));
  const codes = lines.filter((line) => line !== '');
  if (codes.length === 0) throw new UsageError(`--determinations: ${choice} has no determination in it`);
  return codes;
}

/** `zorgkoerier practice enable|pause|disable P forwarding|registrations`: Customer Care switches an integration. */

import { readFile } from 'node:fs/promises';
import type { Office } from '../compose.ts';
import {
  disableForwarding,
  disableRegistrations,
  type EnabledForwarding,
  enableForwarding,
  enableRegistrations,
} from '../pipeline/pipeline.ts';
import {
  changeIntegration,
  type Determinations,
  type EnableRequest,
  type IntegrationName,
  integrationOf,
  type Mode,
  type Practice,
  type ReceiverWish,
  type Refusal,
  registrationReceiver,
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
  /** Of registrations alone. */
  readonly receiver: ReceiverWish;
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
  'no-account': {
    nl: 'De praktijk heeft geen ZorgMail-account om registraties naartoe te sturen. Zonder account kan de koppeling niet aan.',
    en: 'The practice has no ZorgMail account to send registrations to; without one they cannot be switched on.',
  },
  'choose-account': {
    nl: 'De praktijk heeft meer dan één ZorgMail-account: kies met --account welk het HIS leest (zie practice show).',
    en: 'The practice has several ZorgMail accounts: choose with --account the one that its HIS reads (see practice show).',
  },
  'other-account': {
    nl: 'Dit ZorgMail-account is niet van deze praktijk: kies er een uit practice show.',
    en: 'This ZorgMail account is not the practice’s: choose one of those in practice show.',
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
    requireFitting(name, options);
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
    if (name === 'registrations') io.out(await receiverText(office, config, practice));
    if (isSinceGiven) for (const mailbox of mailboxes) io.out(listedText(config, agb, mailbox, options.since ?? ''));
    return 0;
  });
}

// An option that would do nothing is a misunderstanding, and said.
function requireFitting(
  name: IntegrationName,
  { since, determinations, acceptVanished, receiver }: SwitchOptions,
): void {
  const isReceiverGiven = Object.values(receiver).some((value) => value !== null);
  if (name === 'forwarding' && isReceiverGiven)
    throw new UsageError('--account, --charset and --blank-line are for registrations');
  if (name === 'registrations' && (since !== null || determinations !== null || acceptVanished !== null))
    throw new UsageError('--since, --determinations and --accept-vanished are for forwarding');
}

async function receiverText(
  office: Pick<Office, 'ledger'>,
  config: { readonly language: 'nl' | 'en' },
  practice: Practice,
): Promise<string> {
  const receiver = await registrationReceiver(office.ledger, practice.id);
  const { account, charset, blankLine } = receiver ?? { account: '?', charset: '?', blankLine: '?' };
  return say(config, {
    nl: `Registraties gaan naar ZorgMail-account ${account} (tekens ${charset}, lege regel ${blankLine}).`,
    en: `Registrations go to ZorgMail account ${account} (charset ${charset}, blank line ${blankLine}).`,
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
    receiver: options.receiver,
  };
}

async function enableOther(
  office: Pick<Office, 'ledger'>,
  practice: Practice,
  request: EnableRequest,
  by: string,
): Promise<EnabledForwarding> {
  const refusal = await enableRegistrations(office.ledger, practice, request, by);
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

const PAUSED: Readonly<Record<IntegrationName, Words>> = {
  forwarding: {
    nl: 'is gepauzeerd; er wordt wel gekopieerd, niet afgeleverd.',
    en: 'is paused; mail is copied, not delivered.',
  },
  registrations: {
    nl: 'is gepauzeerd; registraties worden wel aangenomen, niet verstuurd.',
    en: 'is paused; registrations are accepted, not sent.',
  },
};
const DISABLED: Words = {
  nl: 'staat uit. Wat nog wacht, wordt na 7 dagen afgewezen.',
  en: 'is disabled. What still waits is discarded after 7 days.',
};

function disabledText(held: number): Words {
  return {
    nl: `staat uit. Er wordt niets meer aangenomen; ${held} registraties waren nog niet verstuurd en wachten op een besluit.`,
    en: `is disabled. Nothing is accepted any more; ${held} registrations were not sent yet and wait for a decision.`,
  };
}

export async function runPracticePause(io: Io, agb: string, name: IntegrationName, by: string): Promise<number> {
  return withOffice(io, async (office, config) => {
    const practice = await requirePractice(office, agb);
    const refusal = await office.ledger.transaction((tx) => changeIntegration(tx, practice, name, 'paused', by));
    if (refusal !== null) return refused(io, config, refusal);
    io.out(`${agb}: ${name} ${say(config, PAUSED[name])}`);
    return 0;
  });
}

export async function runPracticeDisable(io: Io, agb: string, name: IntegrationName, by: string): Promise<number> {
  return withOffice(io, async (office, config) => {
    const practice = await requirePractice(office, agb);
    const { refusal, held } =
      name === 'forwarding'
        ? { refusal: await disableForwarding(office, practice, by), held: 0 }
        : await disableRegistrations(office.ledger, practice, by);
    if (refusal !== null) return refused(io, config, refusal);
    io.out(`${agb}: ${name} ${say(config, name === 'forwarding' ? DISABLED : disabledText(held))}`);
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

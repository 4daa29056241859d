/** `zorgkoerier practice add|list|show|test`: what Customer Care does before anything is switched on. */

import { appendAudit } from '../audit/audit.ts';
import type { Office } from '../compose.ts';
import {
  addMailbox,
  addPractice,
  type BoardMode,
  type Integration,
  integrationOf,
  listPractices,
  mailboxAccount,
  mailboxesOf,
  type Practice,
  type Product,
  registrationReceiver,
} from '../practice/practice.ts';
import { asFailure } from '../shared/failure.ts';
import { type Io, say, table } from './io.ts';
import { requirePractice, withOffice } from './office.ts';
import { type MailboxOptions, newMailbox } from './practice-mailbox.ts';

export interface AddOptions {
  readonly agb: string;
  readonly name: string;
  readonly his: string;
  readonly products: readonly Product[];
  readonly boards: BoardMode;
  readonly accounts: readonly string[];
  readonly mailbox: MailboxOptions | null;
  readonly by: string;
}

export async function runPracticeAdd(io: Io, options: AddOptions): Promise<number> {
  return withOffice(io, async (office, config) => {
    const mailbox = options.mailbox === null ? null : await newMailbox(options.mailbox);
    await office.ledger.transaction(async (tx) => {
      const id = await addPractice(tx, options, options.by);
      if (mailbox !== null) await addMailbox(tx, office.keys, mailbox, [id], options.by);
    });
    io.out(
      say(config, {
        nl: `Praktijk ${options.agb} is toegevoegd. Er is nog niets aangezet.`,
        en: `Practice ${options.agb} was added. Nothing is switched on yet.`,
      }),
    );
    return 0;
  });
}

export async function runPracticeList(io: Io, options: { readonly json: boolean }): Promise<number> {
  return withOffice(io, async (office, config) => {
    const practices = await listPractices(office.ledger);
    const rows = await Promise.all(
      practices.map(async (practice) => ({
        practice,
        forwarding: await integrationOf(office.ledger, practice.id, 'forwarding'),
        registrations: await integrationOf(office.ledger, practice.id, 'registrations'),
      })),
    );
    if (options.json)
      io.out(JSON.stringify(rows.map(({ practice, ...integrations }) => ({ ...practice, ...integrations }))));
    else {
      const heading =
        config.language === 'nl'
          ? ['AGB', 'praktijk', 'HIS', 'producten', 'doorsturen', 'registraties']
          : ['AGB', 'practice', 'HIS', 'products', 'forwarding', 'registrations'];
      const body = rows.map(({ practice, forwarding, registrations }) => [
        practice.agb,
        practice.name,
        practice.his,
        practice.products.join('+'),
        stateText(forwarding),
        stateText(registrations),
      ]);
      io.out(table([heading, ...body]));
    }
    return 0;
  });
}

function stateText(integration: Integration | null): string {
  return integration === null ? '-' : `${integration.state} (${integration.mode})`;
}

export async function runPracticeShow(io: Io, agb: string, options: { readonly json: boolean }): Promise<number> {
  return withOffice(io, async (office) => {
    const practice = await requirePractice(office, agb);
    const forwarding = await integrationOf(office.ledger, practice.id, 'forwarding');
    const registrations = await integrationOf(office.ledger, practice.id, 'registrations');
    const receiver = await registrationReceiver(office.ledger, practice.id);
    const mailboxes = await mailboxesOf(office.ledger, practice.id);
    const shown = { ...practice, forwarding, registrations, receiver, mailboxes };
    if (options.json) io.out(JSON.stringify(shown));
    else
      io.out(
        table(
          Object.entries(shown).map(([name, value]) => [
            name,
            typeof value === 'string' ? value : JSON.stringify(value),
          ]),
        ),
      );
    return 0;
  });
}

/** Logs in read-only to every mailbox of the practice and says what it sees. Changes nothing there. */
export async function runPracticeTest(
  io: Io,
  agb: string,
  options: { readonly json: boolean; readonly by: string },
): Promise<number> {
  return withOffice(io, async (office, config) => {
    const practice = await requirePractice(office, agb);
    const answers = await lookAtAll(office, practice, options.by);
    if (options.json) io.out(JSON.stringify(answers));
    else for (const answer of answers) io.out(`${answer.mailbox}: ${answer.code ?? seenText(answer.mails, config)}`);
    const refused = answers.find((answer) => answer.code !== null);
    if (refused === undefined) return 0;
    return refused.code === 'mailbox.login-refused' ? 12 : 3;
  });
}

async function lookAtAll(office: Office, practice: Practice, by: string) {
  const answers = [];
  for (const mailbox of await mailboxesOf(office.ledger, practice.id)) {
    const answer = await look(office, mailbox.id);
    answers.push({ mailbox: mailbox.name, ...answer });
    const entry = {
      event: 'mailbox.tested',
      actor: by,
      objectKind: 'mailbox',
      objectId: mailbox.id,
      practiceId: practice.id,
    } as const;
    await appendAudit(office.ledger, [
      { ...entry, outcome: answer.code === null ? 'success' : 'refused', fields: { code: answer.code } },
    ]);
  }
  return answers;
}

function seenText(mails: number | null, config: { readonly language: 'nl' | 'en' }): string {
  return say(config, { nl: `ingelogd (alleen lezen), ${mails} mails`, en: `logged in (read-only), ${mails} mails` });
}

async function look(
  office: Office,
  mailboxId: string,
): Promise<{ mails: number | null; uidNext: number | null; code: string | null }> {
  try {
    const connection = await office.openMailbox(await mailboxAccount(office.ledger, office.keys, mailboxId));
    try {
      const status = await connection.status();
      return { mails: status.messages, uidNext: status.uidNext, code: null };
    } finally {
      await connection.release();
    }
  } catch (thrown) {
    return { mails: null, uidNext: null, code: asFailure(thrown).code };
  }
}

/** `zorgkoerier status [--json]`: the accounting, the mailboxes and what waits for a person. Exit 3 where it does not add up. */

import { type Alarm, openAlarms } from '../alarms/alarms.ts';
import { composeOffice } from '../compose.ts';
import { listPractices, mailboxesOf, returnMailboxes } from '../practice/practice.ts';
import {
  type Accounting,
  accountingOf,
  heldItems,
  type MailboxAccounting,
  registrationCounts,
  totalOf,
} from '../records/records.ts';
import { configOf, type Io, say, table } from './io.ts';
import { registrationLines } from './status-registrations.ts';

const COLUMNS: readonly (keyof Accounting)[] = [
  'assigned',
  'waiting',
  'forwarded',
  'noCard',
  'shadowed',
  'duplicate',
  'notLab',
  'receipt',
  'held',
  'quarantined',
  'discarded',
  'vanished',
];

const DUTCH: Readonly<Partial<Record<keyof Accounting, string>>> = {
  assigned: 'toegewezen',
  waiting: 'wacht',
  forwarded: 'doorgestuurd',
  noCard: 'geen kaart',
  shadowed: 'schaduw',
  duplicate: 'dubbel',
  notLab: 'geen lab',
  receipt: 'ontvangst',
  held: 'vastgehouden',
  quarantined: 'onbegrepen',
  discarded: 'afgewezen',
  vanished: 'verdwenen',
};

export async function runStatus(io: Io, options: { readonly json: boolean }): Promise<number> {
  const config = configOf(io);
  const office = await composeOffice(config);
  try {
    const mailboxes = await accountingOf(office.ledger);
    const held = await heldItems(office.ledger, null);
    const trouble = await troubles(office.ledger);
    const alarms = await openAlarms(office.ledger);
    const total = totalOf(mailboxes);
    const registrations = await registrationCounts(office.ledger);
    if (options.json)
      io.out(JSON.stringify({ accounting: total, mailboxes, heldCount: held.length, registrations, alarms, trouble }));
    else {
      print(io, config.language, mailboxes, held.length, trouble, total);
      for (const line of registrationLines(registrations, config.language)) io.out(line);
      for (const line of alarmLines(alarms, config.language)) io.out(line);
      if (alarms.length > 0)
        io.out(say(config, { nl: 'Wat te doen: zorgkoerier alarm list', en: 'What to do: zorgkoerier alarm list' }));
    }
    return mailboxes.every((mailbox) => mailbox.difference === 0) ? 0 : 3;
  } finally {
    await office.release();
  }
}

// One line per kind: which objects they are and what to do, `alarm list` and --json say.
function alarmLines(alarms: readonly Alarm[], language: 'nl' | 'en'): readonly string[] {
  const kinds = [...new Set(alarms.map(({ kind }) => kind))];
  return kinds.map((kind) => {
    const [first, ...others] = alarms.filter((alarm) => alarm.kind === kind);
    const since = first?.openedAt.toISOString().slice(0, 10);
    const mutedCount = [first, ...others].filter((alarm) => alarm?.mutedUntil != null).length;
    return say(
      { language },
      {
        nl: `alarm ${kind}: ${others.length + 1}, het oudste sinds ${since}${mutedCount > 0 ? `, gedempt: ${mutedCount}` : ''}`,
        en: `alarm ${kind}: ${others.length + 1}, the oldest since ${since}${mutedCount > 0 ? `, muted: ${mutedCount}` : ''}`,
      },
    );
  });
}

async function troubles(
  sql: Parameters<typeof listPractices>[0],
): Promise<readonly { mailbox: string; code: string }[]> {
  const practices = await listPractices(sql);
  const theirs = (await Promise.all(practices.map((practice) => mailboxesOf(sql, practice.id)))).flat();
  const mailboxes = [...theirs, ...(await returnMailboxes(sql))];
  return mailboxes.flatMap(({ name, trouble }) => (trouble === null ? [] : [{ mailbox: name, code: trouble }]));
}

function print(
  io: Io,
  language: 'nl' | 'en',
  mailboxes: readonly MailboxAccounting[],
  heldCount: number,
  trouble: readonly { mailbox: string; code: string }[],
  total: Accounting,
): void {
  const heading = ['mailbox', ...COLUMNS.map((column) => (language === 'nl' ? (DUTCH[column] ?? column) : column))];
  const row = (name: string, accounting: Accounting) => [name, ...COLUMNS.map((column) => String(accounting[column]))];
  io.out(
    table([
      heading,
      ...mailboxes.map((mailbox) => row(mailbox.name, mailbox)),
      row(language === 'nl' ? 'samen' : 'total', total),
    ]),
  );
  const closes = total.difference === 0;
  io.out('');
  io.out(
    closes
      ? say({ language }, { nl: 'De boekhouding klopt.', en: 'The accounting adds up.' })
      : say(
          { language },
          {
            nl: `De boekhouding klopt niet: verschil ${total.difference}.`,
            en: `The accounting does not add up: ${total.difference}.`,
          },
        ),
  );
  if (heldCount > 0)
    io.out(
      say(
        { language },
        {
          nl: `${heldCount} wacht op een besluit: zorgkoerier held list`,
          en: `${heldCount} wait for a decision: zorgkoerier held list`,
        },
      ),
    );
  for (const { mailbox, code } of trouble) io.out(`${mailbox}: ${code}`);
}

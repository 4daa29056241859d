/** The books as a person reads them: one line a mailbox, and under it what is wrong. */

import type { DayAccounting, MailboxAccounting } from '../records/records.ts';
import { type Language, say, table } from './io.ts';

/** One mailbox's books; `server`: how its uids compare with what the server holds now. */
export interface Books extends MailboxAccounting {
  readonly uidsWithoutRow: number;
  readonly rowsWithoutUid: number;
  readonly days: readonly Omit<DayAccounting, 'mailboxId'>[];
  readonly server: ServerAnswer;
}

/** `unrecorded`, `returned`: how many uids the server has that the ledger does not know, or counts as vanished. */
export type ServerAnswer =
  | {
      readonly kind: 'compared';
      readonly present: number;
      readonly unrecorded: number;
      readonly returned: number;
      readonly assignedAgain: number;
    }
  /** No practice reads it any more: nothing to compare. */
  | { readonly kind: 'not-watched' }
  | { readonly kind: 'not-compared'; readonly code: string };

export function isInOrder({ difference, uidsWithoutRow, rowsWithoutUid, days, server }: Books): boolean {
  const isCompared = server.kind === 'compared' && server.unrecorded + server.returned === 0;
  const isServerFine = isCompared || server.kind === 'not-watched';
  const areDaysFine = days.every((day) => day.difference === 0);
  return difference === 0 && uidsWithoutRow === 0 && rowsWithoutUid === 0 && areDaysFine && isServerFine;
}

export function showBooks(books: readonly Books[], language: Language): string {
  const of = (nl: string, en: string) => say({ language }, { nl, en });
  if (books.length === 0) return of('Er wordt geen mailbox gelezen.', 'No mailbox is watched.');
  const heading = [
    'mailbox',
    of('toegewezen', 'assigned'),
    of('gezien', 'seen'),
    of('wacht', 'waiting'),
    of('verdwenen', 'vanished'),
    of('verschil', 'difference'),
    'server',
  ];
  const rows = books.map((mailbox) => [
    mailbox.name,
    ...[mailbox.assigned, mailbox.seen, mailbox.waiting, mailbox.vanished, mailbox.difference].map(String),
    serverText(mailbox.server, language),
  ]);
  const wrong = books.filter((mailbox) => !isInOrder(mailbox)).flatMap((mailbox) => trouble(mailbox, language));
  const ending = wrong.length === 0 ? [of('De boekhouding klopt.', 'The books are in order.')] : wrong;
  return [table([heading, ...rows]), '', ...ending].join('\n');
}

function serverText(server: ServerAnswer, language: Language): string {
  const of = (nl: string, en: string) => say({ language }, { nl, en });
  if (server.kind === 'not-watched') return of('niet gelezen', 'not watched');
  if (server.kind === 'not-compared') return server.code;
  return of(`${server.present} aanwezig`, `${server.present} there`);
}

function trouble(mailbox: Books, language: Language): readonly string[] {
  const { name, difference, uidsWithoutRow, rowsWithoutUid, days, server } = mailbox;
  const of = (nl: string, en: string) => `${name}: ${say({ language }, { nl, en })}`;
  const lines: string[] = [];
  if (difference !== 0) lines.push(of(`verschil van ${difference} mails.`, `${difference} mails do not add up.`));
  if (uidsWithoutRow !== 0)
    lines.push(of(`${uidsWithoutRow} uids zonder regel.`, `${uidsWithoutRow} uids have no row.`));
  if (rowsWithoutUid !== 0)
    lines.push(of(`${rowsWithoutUid} regels zonder uid.`, `${rowsWithoutUid} rows have no uid.`));
  for (const { day, difference: lost } of days.filter((each) => each.difference !== 0)) {
    const when = day ?? '…';
    lines.push(of(`${when}: ${lost} zonder uitkomst.`, `${when}: ${lost} without an outcome.`));
  }
  if (server.kind === 'not-compared')
    lines.push(of(`niet vergeleken met de server: ${server.code}.`, `not compared with the server: ${server.code}.`));
  if (server.kind === 'compared' && server.unrecorded + server.returned > 0) {
    const found = server.unrecorded + server.returned;
    lines.push(
      server.assignedAgain > 0
        ? of(
            `${server.assignedAgain} mails staan op de server en niet in de boeken; ze worden nu gekopieerd.`,
            `${server.assignedAgain} mails are on the server and not in the books; they are copied now.`,
          )
        : of(
            `${found} mails staan op de server en niet in de boeken: zorgkoerier reconcile --repair.`,
            `${found} mails are on the server and not in the books: zorgkoerier reconcile --repair.`,
          ),
    );
  }
  return lines;
}

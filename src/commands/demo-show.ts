/** The demo's last page, for a person. */

import type { CardReading } from '../sandbox/fhir/fhir.ts';
import type { DemoResult } from './demo-check.ts';
import { table } from './io.ts';

export function showDemo({ document, failures }: DemoResult): string {
  const { accounting, latencyMs } = document;
  return [
    heading('What became of each mail'),
    table([['mailbox', 'uid', 'mail', 'outcome', 'why', 'ms to card'], ...document.mails.map(mailRow)]),
    heading('Patient cards in cKIS'),
    ...document.cards.map(cardText),
    heading('Boards in cBoards'),
    ...document.boards.map(cardText),
    heading('The books'),
    table(Object.entries(accounting).map(([name, count]) => [name, String(count)])),
    `mailboxes untouched: ${document.mailboxesUntouched ? 'yes' : 'NO'}`,
    `arrival to card: p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms (the whole traffic at once, most of it for one patient)`,
    '',
    failures.length === 0 ? 'All is well.' : `Not well:\n${failures.map((failure) => `  ${failure}`).join('\n')}`,
  ].join('\n');
}

function heading(text: string): string {
  return `\n${text}\n${'─'.repeat(text.length)}`;
}

function mailRow(mail: DemoResult['document']['mails'][number]): string[] {
  const reasons = [...new Set(mail.reports.map((report) => report.reason).filter((reason) => reason !== null))];
  return [
    mail.mailbox,
    String(mail.uid),
    mail.fixture,
    mail.outcome,
    reasons.join(' '),
    mail.milliseconds === null ? '' : String(mail.milliseconds),
  ];
}

function cardText(card: CardReading): string {
  const title = `${card.patient.name} (${card.patient.birthDate ?? '?'}), ${card.practice.name}`;
  if (card.results.length === 0) return `${title}: nothing`;
  const rows = card.results.map((result) => [
    `  ${result.collectedAt?.slice(0, 10) ?? ''}`,
    result.name,
    result.value ?? '-',
    result.unit ?? '',
    result.flag ?? '',
    result.range ?? '',
    result.status === 'final' ? '' : result.status,
  ]);
  return `${title}\n${table(rows)}\n`;
}

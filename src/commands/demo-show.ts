/** The demo's last page, for a person. */

import type { CardReading } from '../sandbox/fhir/fhir.ts';
import type { DemoResult } from './demo-check.ts';
import type { DemoRegistration } from './demo-registrations.ts';
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
    heading('What was written on cards and boards, and what the HIS shows'),
    ...document.registrations.map(registrationText),
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

const LINES_SHOWN = 6;

function registrationText({ id, practice, state, reason, parts, receipts, ...text }: DemoRegistration): string {
  const answers = parts.map(({ part, controlReference }) => {
    const kinds = receipts
      .filter((receipt) => receipt.controlReference === controlReference)
      .map(({ kind, status }) => (status === null ? kind : `${kind} ${status}`));
    return [`  part ${part}/${parts.length}`, controlReference, kinds.join(', ') || 'no receipt'];
  });
  return [
    `${id}, ${practice}: ${state}${reason === null ? '' : ` (${reason})`}`,
    table(answers),
    '  written:',
    ...beginning(text.written.split('\n')),
    '  in the HIS:',
    ...[...text.heading, ''].map(indented),
    ...beginning(text.shown ?? ['(not whole)']),
    '',
  ].join('\n');
}

function beginning(lines: readonly string[]): readonly string[] {
  const left = lines.length - LINES_SHOWN - 2;
  const shown = left > 1 ? [...lines.slice(0, LINES_SHOWN), `… and ${lines.length - LINES_SHOWN} more lines`] : lines;
  return shown.map(indented);
}

function indented(line: string): string {
  return `    ${line}`.trimEnd();
}

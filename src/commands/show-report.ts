/**
 * The human view of what was read: per payload a heading, per patient who and from whom, per specimen a table, then
 * everything that a person must know before believing it. It shows patient data, since the developer asked for this
 * file; nothing of it is ever logged.
 */

import type { Hold, LabPatient, LabReport, PayloadReading, Position, Specimen } from '../lab/lab.ts';
import { REASONS, type ReasonCode } from '../shared/reasons.ts';
import { type Emphasis, printable, specimenTable, timeText } from './show-table.ts';
import { warningText } from './show-warnings.ts';
import { FORMAT_NAMES, type Language, WORDS, type Words } from './show-words.ts';

export type { Language } from './show-words.ts';

export interface ShowOptions {
  readonly language: Language;
  /** Bold and colour, for a terminal only. */
  readonly isColoured?: boolean;
}

interface View {
  readonly words: Words;
  readonly language: Language;
  readonly emphasis: Emphasis;
}

/** A whole document as text, without a final line end. */
export function showDocument(
  document: { readonly file: string; readonly payloads: readonly PayloadReading[] },
  options: ShowOptions,
): string {
  const view = viewOf(options);
  return document.payloads.map((payload) => showPayload([document.file], payload, view).join('\n')).join('\n\n');
}

/** One reading as text, without a final line end: for a held item, whose mail has no file name. */
export function showReading(payload: PayloadReading, language: Language): string {
  return showPayload([], payload, viewOf({ language })).join('\n');
}

function viewOf({ language, isColoured }: ShowOptions): View {
  const emphasis: Emphasis = isColoured === true ? (line) => `\u001b[1;33m${line}\u001b[0m` : (line) => line;
  return { words: WORDS[language], language, emphasis };
}

function showPayload(names: readonly string[], payload: PayloadReading, view: View): readonly string[] {
  const { words } = view;
  const place = [...names, payload.source].map(printable);
  const format = payload.format === 'unknown' ? [] : [FORMAT_NAMES[payload.format]];
  const heading = [...place, ...format, words.outcome[payload.outcome]].join(' · ');
  return [
    heading,
    '═'.repeat([...heading].length),
    ...(payload.code === null ? [] : [view.emphasis(`! ${reasonLine(payload.code, payload.position, view)}`)]),
    ...payload.reports.flatMap((report, index) => [...(index === 0 ? [] : ['']), ...showReport(report, view)]),
    ...(payload.warnings.length > 0 && payload.reports.length > 0 ? [''] : []),
    ...payload.warnings.map(
      ({ code, position }) => `${words.warning}: ${said(code, placeText(position, words), view)}`,
    ),
  ];
}

function showReport(report: LabReport, view: View): readonly string[] {
  const { words } = view;
  return [
    ...(report.isTest ? [view.emphasis(words.test)] : []),
    ...facts(report, words),
    ...report.holds.map((hold: Hold) =>
      view.emphasis(`! ${words.hold}: ${reasonLine(hold.code, hold.position, view)}`),
    ),
    ...report.specimens.flatMap((specimen) => ['', ...showSpecimen(specimen, view)]),
    ...block(words.comments, report.comments),
    ...report.attachments.map(
      ({ contentType, bytes }) => `${words.attachment}: ${printable(contentType)}, ${bytes} bytes`,
    ),
    ...report.notCarried.map(({ code, count }) => `${words.notCarried}: ${count} × ${said(code, '', view)}`),
  ];
}

function facts(report: LabReport, words: Words): readonly string[] {
  const { sender, requester, copy } = report;
  const laboratory = [sender.name, sender.zorgmail, report.laboratory ?? `(${words.laboratoryUnknown})`];
  const rows: (readonly [string, readonly (string | null)[]])[] = [
    [words.patient, patientFacts(report.patient, words)],
    [words.laboratory, laboratory],
    [words.requester, [requester.name, requester.code]],
    [words.sent, [timeText(report.sentAt)]],
    ...(copy === null ? [] : [[copy.direction === 'to' ? words.copyTo : words.copyFrom, copy.names] as const]),
  ];
  const labelWidth = Math.max(...rows.map(([label]) => label.length));
  return rows
    .map(([label, values]) => [label, values.filter((value) => value !== null && value !== '').join(' · ')] as const)
    .filter(([, text]) => text !== '')
    .map(([label, text]) => `${label.padEnd(labelWidth)}  ${printable(text)}`);
}

function patientFacts(patient: LabPatient, words: Words): readonly (string | null)[] {
  const { family, prefix, partnerFamily, partnerPrefix, given, initials } = patient.name;
  const own = [prefix, family].filter((part) => part !== null).join(' ');
  const partner = [partnerPrefix, partnerFamily].filter((part) => part !== null).join(' ');
  const name = [partner, own].filter((part) => part !== '').join(' - ');
  const bsn = patient.bsn === null ? words.bsnMissing : `BSN ${patient.bsn}`;
  return [
    [name === '' ? words.unknown : name, given ?? initials].filter((part) => part !== null).join(', '),
    patient.birthDate === null ? null : `${words.born} ${timeText(patient.birthDate)}`,
    words.sex[patient.sex],
    patient.isBsnValid === false ? `${bsn} (${words.bsnInvalid})` : bsn,
  ];
}

function showSpecimen(specimen: Specimen, view: View): readonly string[] {
  const { words } = view;
  const collected = specimen.collectedAt === null ? null : `${words.collected} ${timeText(specimen.collectedAt)}`;
  const number = specimen.labNumber === null ? null : `${words.labNumber} ${specimen.labNumber}`;
  const incomplete = specimen.isComplete === false ? words.incomplete : null;
  const title = [specimen.material, specimen.volume, collected, number, incomplete].filter((part) => part !== null);
  return [
    ...(title.length === 0 ? [] : [printable(title.join(' · '))]),
    ...specimenTable(specimen, words, view.emphasis),
    ...(specimen.remarks.length === 0 ? [] : [`${words.ofRequest}:`]),
    ...specimen.remarks.map((remark) => `    ${printable(remark)}`),
    ...specimen.pending.flatMap(({ name, remarks }) => [
      `${words.pending}: ${printable(name)}`,
      ...remarks.map((remark) => `    ${printable(remark)}`),
    ]),
  ];
}

function block(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `  ${printable(line)}`)];
}

function reasonLine(code: ReasonCode, position: Position | null, view: View): string {
  return `${REASONS[code][view.language]} [${code}${placeText(position, view.words)}]`;
}

// In words, with the code and the place that a developer looks for behind them.
function said(code: string, place: string, { language }: View): string {
  const text = warningText(code, language);
  return text === null ? `${code}${place}` : `${text} [${code}${place}]`;
}

function placeText(position: Position | null, words: Words): string {
  if (position === null) return '';
  const { segment, tag, element, field, repetition, component } = position;
  const inside = [element ?? field, repetition, component].filter((part) => part !== undefined).join('.');
  return `, ${words.segment} ${segment} ${printable(tag)}${inside === '' ? '' : `-${inside}`}`;
}

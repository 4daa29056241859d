/** One specimen as a table with aligned columns. Nothing is cut: what does not fit a column stands below its row. */

import type { LabResult, Specimen } from '../lab/lab.ts';
import { amsterdamIso } from '../shared/amsterdam.ts';
import type { Words } from './show-words.ts';

/** Text that is safe on a terminal: control characters of the sender's could move the cursor or change what is seen. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}|\p{Bidi_Control}/gu, ' ');
}

/** How a flagged row is marked; identity where the output is no terminal. */
export type Emphasis = (line: string) => string;

interface Row {
  /** Null: a heading, printed across the columns. */
  readonly cells: readonly string[] | null;
  readonly isFlagged: boolean;
  readonly below: readonly string[];
}

const VALUE_WIDTH_MAX = 36;

/** The lines of the table, the head included; empty where the specimen has no results. */
export function specimenTable(specimen: Specimen, words: Words, emphasis: Emphasis): readonly string[] {
  if (specimen.results.length === 0) return [];
  const rows = withSections(specimen, words);
  const widths = words.columns.map((head, column) =>
    Math.max(width(head), ...rows.map((row) => width(row.cells?.[column] ?? ''))),
  );
  const head = aligned(words.columns, widths);
  return [
    head,
    '─'.repeat(width(head)),
    ...rows.flatMap((row) => {
      const line = row.cells === null ? [] : [aligned(row.cells, widths)];
      return [...line.map((text) => (row.isFlagged ? emphasis(text) : text)), ...row.below];
    }),
  ];
}

function withSections(specimen: Specimen, words: Words): readonly Row[] {
  let section: string | null = null;
  return specimen.results.flatMap((result) => {
    const isNewSection = result.section !== null && result.section !== section;
    section = result.section;
    const title: Row = { cells: null, isFlagged: false, below: [`[${printable(result.section ?? '')}]`] };
    return isNewSection ? [title, rowOf(result, specimen, words)] : [rowOf(result, specimen, words)];
  });
}

function rowOf(result: LabResult, specimen: Specimen, words: Words): Row {
  const remarks = result.remarks.map((remark) => `    ${printable(remark)}`);
  if (result.kind === 'heading') return { cells: null, isFlagged: false, below: [printable(result.name), ...remarks] };
  const value = result.value.text ?? '';
  const isLong = width(value) > VALUE_WIDTH_MAX || /[\r\n]/.test(value);
  const valueLines = isLong ? value.split(/\r\n|\r|\n/).map((line) => `    ${printable(line)}`) : [];
  return {
    cells: [
      printable(nameText(result, specimen, words)),
      isLong ? words.below : valueText(result),
      printable(result.unit ?? ''),
      flagText(result, words),
      rangeText(result, words),
      result.status === null ? words.statusMissing : words.status[result.status],
    ],
    isFlagged: result.flag.meaning !== null || MARKED.has(result.status),
    below: [...valueLines, ...momentLines(result, specimen, words), ...remarks],
  };
}

// What a doctor may have acted on before, or must not act on.
const MARKED: ReadonlySet<LabResult['status']> = new Set<LabResult['status']>(['corrected', 'retracted', null]);

// Two isolates each have their Amoxicilline: which one a row is about must be seen.
function nameText({ name, code, subId }: LabResult, { results }: Specimen, words: Words): string {
  const shown = name === '' ? (code.raw ?? '') : name;
  const parts = new Set(results.flatMap((other) => other.subId ?? []));
  return subId === null || parts.size < 2 ? shown : `${shown} (${words.part} ${subId})`;
}

// What was retracted is no value any more.
function valueText({ value, status }: LabResult): string {
  const text = printable(value.text ?? '');
  return status === 'retracted' && text !== '' ? `(${text})` : text;
}

// The rows of a cumulative report differ in nothing but their moments.
function momentLines({ observedAt }: LabResult, { collectedAt }: Specimen, words: Words): readonly string[] {
  return observedAt === null || observedAt === collectedAt ? [] : [`    ${words.collected} ${timeText(observedAt)}`];
}

/**
 * 2021-08-14T08:50:00+02:00 as 14-08-2021 08:50, a date as 14-08-2021, a month as 08-2021: as precise as it was sent. A
 * moment of another zone is shown as a Dutch clock has it.
 */
export function timeText(iso: string | null): string | null {
  if (iso === null) return null;
  const [date = '', time] = (iso.includes('T') ? dutchTime(iso) : iso).split('T');
  const day = date.split('-').reverse().join('-');
  return time === undefined ? day : `${day} ${time.slice(0, 8).replace(/:00$/, '')}`;
}

// A wall clock time that does not exist (in the hour that is skipped) stays as it was sent.
function dutchTime(iso: string): string {
  return /\+0[12]:00$/.test(iso) ? iso : amsterdamIso(new Date(iso));
}

function flagText(result: LabResult, words: Words): string {
  const { raw, meaning } = result.flag;
  return meaning === null ? printable(raw ?? '') : words.flag[meaning];
}

function rangeText(result: LabResult, words: Words): string {
  const { low, high, text } = result.range;
  if (text !== null) return printable(text);
  if (low !== null && high !== null) return printable(`${low} – ${high}`);
  const only = low ?? high ?? '';
  // `<10` and `negatief` say by themselves what they are.
  if (!/^-?\d+(?:[.,]\d+)?$/.test(only.trim())) return printable(only);
  return printable(`${low === null ? words.upTo : words.from} ${only}`);
}

function aligned(cells: readonly string[], widths: readonly number[]): string {
  const padded = cells.map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - width(cell))));
  return padded.join('  ').trimEnd();
}

// Characters, not UTF-16 units: a name with an accent from outside the first plane must not shift the columns.
function width(text: string): number {
  return [...text].length;
}

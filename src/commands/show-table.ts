/** One specimen as a table with aligned columns. Nothing is cut: what does not fit a column stands below its row. */

import type { LabResult, Specimen } from '../lab/lab.ts';
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
  const rows = withSections(specimen.results, words);
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

function withSections(results: readonly LabResult[], words: Words): readonly Row[] {
  let section: string | null = null;
  return results.flatMap((result) => {
    const isNewSection = result.section !== null && result.section !== section;
    section = result.section;
    const title: Row = { cells: null, isFlagged: false, below: [`[${printable(result.section ?? '')}]`] };
    return isNewSection ? [title, rowOf(result, words)] : [rowOf(result, words)];
  });
}

function rowOf(result: LabResult, words: Words): Row {
  const remarks = result.remarks.map((remark) => `    ${printable(remark)}`);
  if (result.kind === 'heading') return { cells: null, isFlagged: false, below: [printable(result.name), ...remarks] };
  const value = result.value.text ?? '';
  const isLong = width(value) > VALUE_WIDTH_MAX || /[\r\n]/.test(value);
  const valueLines = isLong ? value.split(/\r\n|\r|\n/).map((line) => `    ${printable(line)}`) : [];
  return {
    cells: [
      printable(result.name),
      isLong ? words.below : printable(value),
      printable(result.unit ?? ''),
      flagText(result, words),
      rangeText(result),
      result.status === null ? words.statusMissing : words.status[result.status],
    ],
    isFlagged: result.flag.meaning !== null,
    below: [...valueLines, ...remarks],
  };
}

function flagText(result: LabResult, words: Words): string {
  const { raw, meaning } = result.flag;
  return meaning === null ? printable(raw ?? '') : words.flag[meaning];
}

function rangeText(result: LabResult): string {
  const { low, high, text } = result.range;
  if (text !== null) return printable(text);
  if (low === null && high === null) return '';
  return printable(`${low ?? ''} – ${high ?? ''}`).trim();
}

function aligned(cells: readonly string[], widths: readonly number[]): string {
  const padded = cells.map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - width(cell))));
  return padded.join('  ').trimEnd();
}

// Characters, not UTF-16 units: a name with an accent from outside the first plane must not shift the columns.
function width(text: string): number {
  return [...text].length;
}

/** Text to lines that fit in a TXT: at most 70 characters before they are escaped, broken between words. */

/** TXT.1 is an..70, counted before release characters are put in (edifact.md §5). */
export const LINE_CHARACTERS_MAX = 70;
const TAB_STOP = 8;

/**
 * Lines of at most 70 characters; '' is a blank line. A line that fits stays as it is, so that columns stay columns. Blank
 * lines at the ends go, and of several one stays.
 */
export function textLines(text: string): readonly string[] {
  const lines = text.split('\n').flatMap((line) => wrapped(withoutTabs(line).trimEnd()));
  return lines.slice(firstFilled(lines)).filter((line, index, all) => line !== '' || isBetween(all, index));
}

/** One line as as many as it needs. A word over 70 characters begins a line and is cut at 70. */
export function wrapped(line: string): readonly string[] {
  const lines: string[] = [];
  let rest = line;
  while (rest.length > LINE_CHARACTERS_MAX) {
    const blank = rest.lastIndexOf(' ', LINE_CHARACTERS_MAX);
    const head = blank < 0 ? rest.slice(0, LINE_CHARACTERS_MAX) : rest.slice(0, blank).trimEnd();
    if (head !== '') lines.push(head);
    rest = rest.slice(blank < 0 ? LINE_CHARACTERS_MAX : blank + 1).trimStart();
  }
  return rest === '' && lines.length > 0 ? lines : [...lines, rest];
}

/** The words of a text, those over 70 characters cut as `wrapped` cuts them: what must come out the other end. */
export function wordsOf(text: string): readonly string[] {
  return text.split(/[ \t\n]+/).flatMap((word) => word.match(/.{1,70}/g) ?? []);
}

function withoutTabs(line: string): string {
  return line
    .split('\t')
    .reduce((before, after) => before.padEnd((Math.floor(before.length / TAB_STOP) + 1) * TAB_STOP) + after);
}

function firstFilled(lines: readonly string[]): number {
  const first = lines.findIndex((line) => line !== '');
  return first < 0 ? lines.length : first;
}

function isBetween(lines: readonly string[], index: number): boolean {
  const next = lines[index + 1];
  return next !== undefined && next !== '';
}

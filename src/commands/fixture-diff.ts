/** What changed, line by line: `-` before, `+` after; of what stayed only the lines around it. */

const CONTEXT_LINES = 1;

export function diffLines(before: readonly string[], after: readonly string[]): readonly string[] {
  // Scrubbing keeps lines; where a document was replaced their number differs, and the middle is shown as a whole.
  const isPaired = before.length === after.length;
  return isPaired ? paired(before, after) : around(before, after);
}

function paired(before: readonly string[], after: readonly string[]): readonly string[] {
  const isChanged = before.map((line, index) => line !== after[index]);
  return before.flatMap((line, index) => {
    if (isChanged[index] === true) return [`- ${line}`, `+ ${after[index] ?? ''}`];
    const near = isChanged.slice(Math.max(0, index - CONTEXT_LINES), index + CONTEXT_LINES + 1);
    return near.includes(true) ? [`  ${line}`] : [];
  });
}

function around(before: readonly string[], after: readonly string[]): readonly string[] {
  let head = 0;
  while (head < Math.min(before.length, after.length) && before[head] === after[head]) head += 1;
  let tail = 0;
  const most = Math.min(before.length, after.length) - head;
  while (tail < most && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  return [
    ...before.slice(head, before.length - tail).map((line) => `- ${line}`),
    ...after.slice(head, after.length - tail).map((line) => `+ ${line}`),
  ];
}

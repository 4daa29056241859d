/** Blocks of `Name: value` lines: what notifications are made of, and the headers that they return. */

/** Names in lower case; of a field that stands twice the first counts. Values are unfolded. */
export type Fields = ReadonlyMap<string, string>;

/** A value beyond this is no address, id or code, and the rest is not looked at. */
const VALUE_MAX = 1_000;

/** Groups of fields, parted by blank lines (RFC 3464 §2.1). A line that is no field ends nothing and is passed over. */
export function fieldGroups(bytes: Buffer): readonly Fields[] {
  const groups: Map<string, string>[] = [];
  let group = new Map<string, string>();
  let last: string | null = null;
  for (const line of linesOf(bytes)) {
    if (line.trim() === '') {
      groups.push(group);
      group = new Map();
      last = null;
    } else if (!/^[ \t]/.test(line)) {
      last = addField(group, line);
    } else if (last !== null) {
      group.set(last, joined(group.get(last) ?? '', line.trim()));
    }
  }
  groups.push(group);
  return groups.filter(({ size }) => size > 0);
}

/** The header of a mail: its first group. */
export function headerFields(bytes: Buffer): Fields {
  return fieldGroups(bytes)[0] ?? new Map();
}

export function linesOf(bytes: Buffer): readonly string[] {
  return bytes.toString('latin1').replaceAll('\r\n', '\n').split('\n');
}

// The name under which a continuation is to be added; null where the line is to be forgotten with all that continues it.
function addField(group: Map<string, string>, line: string): string | null {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(0, colon)).trim().toLowerCase();
  if (!/^[a-z0-9-]{1,60}$/.test(name) || group.has(name)) return null;
  group.set(name, line.slice(colon + 1, colon + 1 + VALUE_MAX).trim());
  return name;
}

function joined(value: string, more: string): string {
  return value.length >= VALUE_MAX ? value : `${value} ${more}`.trim().slice(0, VALUE_MAX);
}

/** What a label may say: a code. Everything else would be a series per patient, practice or mailbox, or would read along. */

/** The only names. `le` is the histogram's own. */
export const LABELS = ['target', 'stage', 'outcome', 'reason', 'kind'] as const;
export type Label = (typeof LABELS)[number];

const CODE = /^[a-z]+(?:[.-][a-z0-9]+)*$/;
const CODE_CHARACTERS_MAX = 60;
export const OTHER = 'other';

/** The value itself where it is a code: small letters, points, hyphens and few digits. Else `other`: never a part of it. */
export function labelValue(value: string | null): string {
  if (value === null) return 'none';
  const isCode = value.length <= CODE_CHARACTERS_MAX && CODE.test(value) && !/\d{4}/.test(value);
  return isCode ? value : OTHER;
}

/** The same for several at once. */
export function labelled<Name extends Label>(values: Readonly<Record<Name, string | null>>): Record<Name, string> {
  const entries = Object.entries<string | null>(values).map(([name, value]) => [name, labelValue(value)]);
  return Object.fromEntries(entries) as Record<Name, string>;
}

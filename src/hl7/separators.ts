/** The separators of a message: MSH-1 and MSH-2 say them, no others are ever assumed (v2 §2.5.4). */

export interface Separators {
  readonly field: string;
  readonly component: string;
  /** '' in these four: the message has no such separator, so nothing is split or unescaped by it. */
  readonly repetition: string;
  readonly escapeCharacter: string;
  readonly subcomponent: string;
  /** 2.7 and later (`^~\&#`): what a sender puts at the end of a text that it cut off. */
  readonly truncation: string;
}

const ONLY_PUNCTUATION = /^[!-/:-@[-`{-~]+$/;

/** The separators of an MSH line, or null when it is none: `MSH-formulier`, `MSH|^^^^|`, `MSH|^~\&amp;|`. */
export function readSeparators(header: string): Separators | null {
  const field = header[3] ?? '';
  const end = header.indexOf(field, 4);
  if (!header.startsWith('MSH') || !isPunctuation(field) || end < 0) return null;
  const encoding = header.slice(4, end);
  if (encoding.length < 1 || encoding.length > 5 || !ONLY_PUNCTUATION.test(encoding)) return null;
  if (new Set(field + encoding).size !== encoding.length + 1) return null;
  const [component = '', repetition = '', escapeCharacter = '', subcomponent = '', truncation = ''] = encoding;
  return { field, component, repetition, escapeCharacter, subcomponent, truncation };
}

/** A printable ASCII character that is no letter, digit or blank: all that a separator can be. */
export function isPunctuation(character: string): boolean {
  return character.length === 1 && ONLY_PUNCTUATION.test(character);
}

/** UNA, the service string advice: usually absent; standard (six characters), or short, without the reserved one. */

import type { Delimiters } from './edifact.ts';

export const DEFAULT_DELIMITERS: Delimiters = { component: ':', element: '+', release: '?', terminator: "'" };

export interface ServiceString {
  /** null: the characters contradict each other, so nothing after them can be trusted. */
  readonly delimiters: Delimiters | null;
  /** Offset after the service string. */
  readonly end: number;
}

/**
 * Reads UNA at `at` in the text (one character per byte), or null where there is none. Later in a payload it is one only
 * where an interchange or a message follows: other text may begin with these letters too.
 */
export function readServiceString(text: string, at: number, isFirst: boolean): ServiceString | null {
  if (!text.startsWith('UNA', at)) return null;
  if (!isFirst && !/^.{5,6}\s*UN[BH]/s.test(text.slice(at + 3, at + 24))) return null;
  const [component = '', element = '', , release = '', fifth = '', sixth = ''] = text.slice(at + 3, at + 9);
  // `UNA:+.?'UNB`: real senders leave the reserved character out (edifact.md §2). A blank in its place is the standard form.
  const isShort = fifth !== ' ' && /^\s*UN[BH]/.test(text.slice(at + 8, at + 24));
  const terminator = isShort ? fifth : sixth;
  const named = [component, element, terminator, ...(release === ' ' ? [] : [release])];
  const isUsable = named.every(canDelimit) && distinct(named);
  const delimiters = { component, element, release: release === ' ' ? null : release, terminator };
  return { delimiters: isUsable ? delimiters : null, end: at + (isShort ? 8 : 9) };
}

// Punctuation, or the separators of ISO 9735 level B (1C to 1F) and line ends: never a letter, a digit or a byte above ASCII.
function canDelimit(char: string): boolean {
  const code = char.charCodeAt(0);
  return code < 0x7f && code !== 0x20 && !/[A-Za-z0-9]/.test(char) && char !== '';
}

function distinct(chars: readonly string[]): boolean {
  return new Set(chars).size === chars.length;
}

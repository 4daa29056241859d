/**
 * Escape sequences (v2 §2.7): one pass from left to right, since repeated replacing turns `\E\F\E\` into something else.
 * What is not a sequence stays as it was sent, also a lone escape character (`C:\temp`).
 */

import { Failure } from '../shared/failure.ts';
import type { Hl7Message } from './hl7.ts';
import type { Separators } from './separators.ts';

// A formatting command may ask for many blanks; more than a page of them is a broken sender.
const REPEATS_MAX = 100;

/** The text that a raw component, field or repetition stands for. */
export function unescapeText(raw: string, hl7Message: Pick<Hl7Message, 'separators' | 'decodeBytes'>): string {
  const { escapeCharacter } = hl7Message.separators;
  if (escapeCharacter === '') return raw;
  let text = '';
  let from = 0;
  for (;;) {
    const open = raw.indexOf(escapeCharacter, from);
    if (open < 0) return text + raw.slice(from);
    const close = raw.indexOf(escapeCharacter, open + 1);
    const meaning = close < 0 ? null : meaningOf(raw.slice(open + 1, close), hl7Message);
    text += raw.slice(from, open) + (meaning ?? escapeCharacter);
    from = meaning === null ? open + 1 : close + 1;
  }
}

/** Text made safe to stand in a field. */
export function escapeText(text: string, separators: Separators): string {
  const { field, component, repetition, escapeCharacter, subcomponent } = separators;
  if (escapeCharacter === '') throw new Failure('hl7.no-escape-character', { kind: 'defect' });
  const names = new Map([
    [field, 'F'],
    [component, 'S'],
    [subcomponent, 'T'],
    [repetition, 'R'],
    [escapeCharacter, 'E'],
  ]);
  return text.replace(/\r\n|\r/g, '\n').replace(/[\s\S]/gu, (character) => {
    const name = character === '\n' ? '.br' : names.get(character);
    return name === undefined ? character : `${escapeCharacter}${name}${escapeCharacter}`;
  });
}

// Null: no escape sequence, so the escape character is just a character.
function meaningOf(sequence: string, { separators, decodeBytes }: Pick<Hl7Message, 'separators' | 'decodeBytes'>) {
  const delimiter = delimiterOf(sequence, separators);
  if (delimiter !== null) return delimiter;
  const digits = sequence.startsWith('X') ? sequence.slice(1) : '';
  if (digits.length > 0 && digits.length % 2 === 0 && !/[^0-9A-Fa-f]/.test(digits)) {
    return decodeBytes(Buffer.from(digits, 'hex')).replace(/\r\n|\r/g, '\n');
  }
  const command = /^\.(br|sp|in|ti|sk|fi|nf|ce)([+-]?\d{0,4})$/.exec(sequence);
  if (command !== null) return formatted(command[1] ?? '', command[2] ?? '');
  // Local (\Z..\) and charset (\C..\, \M..\) sequences have a meaning that only the sender knows: kept whole.
  const isKeptWhole = /^(?:Z[^\r\n]*|C[0-9A-Fa-f]{4}|M[0-9A-Fa-f]{4,6})$/.test(sequence);
  return isKeptWhole ? `${separators.escapeCharacter}${sequence}${separators.escapeCharacter}` : null;
}

function delimiterOf(sequence: string, separators: Separators): string | null {
  switch (sequence) {
    case 'F':
      return separators.field;
    case 'S':
      return separators.component;
    case 'T':
      return separators.subcomponent;
    case 'R':
      return separators.repetition;
    case 'E':
      return separators.escapeCharacter;
    case 'P':
      return separators.truncation === '' ? null : separators.truncation;
    // Highlighting on and off: decoration of the same text.
    case 'H':
    case 'N':
      return '';
    default:
      return null;
  }
}

// FT commands (v2 §2.7.6): those that end a line or move to the right are shown, those that only set margins are not.
function formatted(command: string, argument: string): string {
  const count = Math.min(Math.max(Number(argument) || 0, 0), REPEATS_MAX);
  if (command === 'br' || command === 'ce') return '\n';
  if (command === 'sp') return '\n'.repeat(count || 1);
  return command === 'ti' || command === 'sk' ? ' '.repeat(count) : '';
}

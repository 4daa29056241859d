/** The characters of a text that cannot be sent: each once, with its first place and what to do about it. */

import { isMark } from './letters.ts';
import type { CharacterPlace, Words } from './registration.ts';
import { REFUSED } from './signs.ts';

export interface RefusedCharacter {
  readonly place: CharacterPlace;
  readonly whatToDo: Words;
}

export function isLineBreak(char: string): boolean {
  return /^[\r\n\u0085\u2028\u2029]$/.test(char);
}

/** Counts each refused character once, at its first place. */
export class Refusals {
  private readonly found = new Map<string, { at: number; times: number }>();
  private readonly chars: readonly string[];

  constructor(chars: readonly string[]) {
    this.chars = chars;
  }

  add(at: number): void {
    const char = this.chars[at] ?? '';
    const known = this.found.get(char);
    if (known === undefined) this.found.set(char, { at, times: 1 });
    else known.times += 1;
  }

  all(): readonly RefusedCharacter[] {
    const lines = this.lineStarts();
    return [...this.found].map(([char, { at, times }]) => {
      const line = lines.findLastIndex((start) => start <= at);
      const place = { character: at + 1, line: line + 1, column: at - (lines[line] ?? 0) + 1 };
      return {
        place: { ...place, codePoint: codePointOf(char), times },
        whatToDo: REFUSED.get(char) ?? generalAdvice(char),
      };
    });
  }

  private lineStarts(): readonly number[] {
    const { chars } = this;
    const starts = [0];
    for (const [index, char] of chars.entries()) {
      if (isLineBreak(char) && !(char === '\r' && chars[index + 1] === '\n')) starts.push(index + 1);
    }
    return starts;
  }
}

function codePointOf(char: string): string {
  return `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

function generalAdvice(char: string): Words {
  if (isLineBreak(char)) return { nl: 'dit veld is één regel', en: 'this field is one line' };
  if (/^[\p{C}\p{Z}]$/u.test(char)) {
    return { nl: 'verwijder dit onzichtbare teken', en: 'remove this character, which cannot be seen' };
  }
  if (isMark(char)) {
    return {
      nl: 'schrijf de letter zonder dit teken, of in woorden',
      en: 'write the letter without this mark, or in words',
    };
  }
  if (/^\p{L}$/u.test(char)) {
    return { nl: 'schrijf dit met de letters a tot en met z', en: 'write it with the letters a to z' };
  }
  return { nl: 'schrijf dit teken in woorden, of laat het weg', en: 'write this sign in words, or leave it out' };
}
